import type { Random } from './operation.ts';

/** 32 random bits a call, from a seed of 32 bits: xorshift (Marsaglia 2003). Quick, for noise in every pixel. */
export function quickRandom(random: Random): () => number {
  let state = Math.floor(random() * 2 ** 32) | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/** A rectangle of a picture, in whole pixels. */
export interface Rectangle {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** A rectangle of this size, as far as there is room, anywhere. */
export function placeAnywhere(
  random: Random,
  wanted: { width: number; height: number },
  size: { width: number; height: number },
): Rectangle {
  const width = Math.min(size.width, Math.max(1, Math.round(wanted.width)));
  const height = Math.min(size.height, Math.max(1, Math.round(wanted.height)));
  const left = Math.floor(random() * (size.width - width + 1));
  const top = Math.floor(random() * (size.height - height + 1));
  return { left, top, width, height };
}
