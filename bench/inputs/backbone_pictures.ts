import { evenly } from '../../test/helpers/network.ts';

/** Preprocessed pictures, [batch, height, width, channels]. */
export interface BackbonePictures {
  shape: [batch: number, height: number, width: number, channels: number];
  values: Float32Array;
}

/** The same random numbers for everyone, as far from 0 as normalised pixels. */
export function backbonePictures(batch: number, side: number): BackbonePictures {
  const random = evenly(11);
  const size = batch * side * side * 3;
  const values = Float32Array.from({ length: size }, () => 2 * (random.next().value as number) - 1);
  return { shape: [batch, side, side, 3], values };
}
