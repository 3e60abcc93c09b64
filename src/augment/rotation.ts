import type { Size } from './operation.ts';
import { affine, type Matrix } from './warp/matrix.ts';

/**
 * Takes pixels of a picture of size `to`, rotated about its centre and enlarged, back to those of the one of size `from`.
 * @param degrees clockwise.
 * @param zoom factor by which things are enlarged.
 */
export function rotation(degrees: number, zoom: number, from: Size, to: Size = from): Matrix {
  const angle = (degrees * Math.PI) / 180;
  const cos = Math.cos(angle) / zoom;
  const sin = Math.sin(angle) / zoom;
  const [x, y] = [to.width / 2, to.height / 2];
  return affine(cos, sin, from.width / 2 - cos * x - sin * y, -sin, cos, from.height / 2 + sin * x - cos * y);
}
