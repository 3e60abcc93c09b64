import { unsupported } from './raw_picture.ts';

type Samples = ArrayLike<number>;

/** What white can be. Fractions are for floating point alone: an integer of 0 or 1 is a dark one. */
const whites = { float: [1, 255, 65535], integer: [255, 65535, 2 ** 32 - 1] };

/**
 * 8 bits per sample of numbers that a file does not say the range of. White is the least of 1 (floating point only),
 * 255, 65535 and 2^32 - 1 that holds all of them.
 * @param kind of picture, for the reason.
 * @throws {Error} where there are negative ones, larger ones, or some that are no numbers.
 */
export function toBytes(samples: Samples, isFloat: boolean, kind: string): Uint8Array {
  let [least, most] = [0, 0];
  for (let index = 0; index < samples.length; index++) {
    const value = samples[index] as number;
    if (Number.isNaN(value)) throw unsupported(`${kind} with NaN among its samples`);
    if (value < least) least = value;
    if (value > most) most = value;
  }
  const white = (isFloat ? whites.float : whites.integer).find((one) => most <= one);
  if (least < 0 || white === undefined)
    throw unsupported(`${kind} with samples from ${inShort(least)} to ${inShort(most)}`);
  const bytes = new Uint8Array(samples.length);
  for (let index = 0; index < bytes.length; index++)
    bytes[index] = Math.round(((samples[index] as number) / white) * 255);
  return bytes;
}

function inShort(value: number): string {
  return String(Number(value.toPrecision(4)));
}
