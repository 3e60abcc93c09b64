import type { GeometryChange, Size } from './operation.ts';
import type { Point } from './warp/matrix.ts';

/** A corner moves by less than half a tile, so that the picture is never folded. */
const maxShareOfTile = 0.49;

/**
 * An elastic distortion: the inner corners of a grid are moved, and what lies between them follows.
 * @param move displacement, dx and dy in pixels, of a corner at this share of the width and of the height.
 */
export function distorted(
  { width, height }: Size,
  columns: number,
  rows: number,
  move: (across: number, down: number) => Point,
): GeometryChange {
  const displacements = new Float32Array((columns + 1) * (rows + 1) * 2);
  const limit = (value: number, tile: number) =>
    Math.max(-maxShareOfTile * tile, Math.min(maxShareOfTile * tile, value));
  for (let row = 1; row < rows; row++) {
    for (let column = 1; column < columns; column++) {
      const [dx, dy] = move(column / columns, row / rows);
      const corner = [limit(dx, width / columns), limit(dy, height / rows)];
      displacements.set(corner, (row * (columns + 1) + column) * 2);
    }
  }
  const grid = { columns, rows, width, height, displacements };
  return {
    kind: 'geometry',
    width,
    height,
    stages: [
      { kind: 'grid', grid },
      { kind: 'clamp', width, height },
    ],
  };
}
