import type { Normalisation } from '../models/preprocessing.ts';
import type { Tensor } from '../tensors/tensors.ts';

/** x * factors + offsets, each one number for all channels or one for each channel. */
export interface Affine {
  factors: number[];
  offsets: number[];
}

const isOne = (values: number[]) => values.every((value) => value === values[0]);
const shortened = (values: number[]) => (isOne(values) ? values.slice(0, 1) : values);

/**
 * What a file that takes pixels, 0..255, does to them before its first layer: (pixel * scale - mean) / deviation as a factor
 * and an offset. Every format writes these as arithmetic of floats, never as a layer: weights of int8 or float16 leave it
 * exact, and zeros that a layer pads with stay zeros.
 */
export function affineOf({ scale, mean, deviation }: Normalisation): Affine {
  const channels = mean?.length ?? deviation?.length ?? 1;
  const each = Array.from({ length: channels }, (_, channel) => {
    const divisor = deviation?.[channel] ?? 1;
    return { factor: scale / divisor, offset: 0 - (mean?.[channel] ?? 0) / divisor };
  });
  return {
    factors: shortened(each.map(({ factor }) => factor)),
    offsets: shortened(each.map(({ offset }) => offset)),
  };
}

export const isAllZero = (values: number[]) => values.every((value) => value === 0);

/** A scalar, or one number for each channel along the last axis. */
export function tensorOf(values: number[]): Tensor {
  return { shape: values.length === 1 ? [] : [values.length], values: Float32Array.from(values) };
}

/** The factor and the offset of each channel; one pair where all are the same. */
export function pairsOf({ factors, offsets }: Affine): { factor: number; offset: number }[] {
  const at = (values: number[], channel: number) => values[values.length === 1 ? 0 : channel] as number;
  const channels = Math.max(factors.length, offsets.length);
  return Array.from({ length: channels }, (_, channel) => ({
    factor: at(factors, channel),
    offset: at(offsets, channel),
  }));
}

/** Whether two are the same once they are rounded to float32 and computed with in float32. */
export function isNearly(a: Affine, b: Affine): boolean {
  const isNear = (one: number, other: number) => Math.abs(one - other) <= 2 ** -21 * Math.abs(one);
  const [ofA, ofB] = [pairsOf(a), pairsOf(b)];
  return Array.from({ length: Math.max(ofA.length, ofB.length) }, (_, channel) => channel).every(
    (channel) => {
      const [one, other] = [ofA[channel % ofA.length], ofB[channel % ofB.length]];
      return one && other && isNear(one.factor, other.factor) && isNear(one.offset, other.offset);
    },
  );
}
