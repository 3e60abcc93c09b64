import { unsupported } from './raw_picture.ts';

type Samples = ArrayLike<number>;

/** Possible values of white. 1 is only for floating point: as integers, 0 and 1 would both be dark. */
const whites = { float: [1, 255, 65535], integer: [255, 65535, 2 ** 32 - 1] };

/**
 * Converts samples to 8 bits where the file does not give their range. White is the smallest of 1 (floating point only), 255,
 * 65535 and 2^32 - 1 that no sample exceeds.
 * @param kind of picture, for the reason.
 * @throws {UnreadablePicture} where a sample is negative, larger or NaN.
 */
export function toBytes(samples: Samples, isFloat: boolean, kind: string): Uint8Array {
  let [min, max] = [0, 0];
  for (let index = 0; index < samples.length; index++) {
    const value = samples[index] as number;
    if (Number.isNaN(value)) throw unsupported(`${kind} with NaN among its samples`);
    if (value < min) min = value;
    if (value > max) max = value;
  }
  const white = (isFloat ? whites.float : whites.integer).find((one) => max <= one);
  if (min < 0 || white === undefined)
    throw unsupported(`${kind} with samples from ${short(min)} to ${short(max)}`);
  const bytes = new Uint8Array(samples.length);
  for (let index = 0; index < bytes.length; index++)
    bytes[index] = Math.round(((samples[index] as number) / white) * 255);
  return bytes;
}

function short(value: number): string {
  return String(Number(value.toPrecision(4)));
}
