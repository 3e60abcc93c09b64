import { memory } from './mpi.ts';

/** An encoding of float32 in 16 bits per number, for sending between ranks. */
export interface HalfPrecision {
  /** Number of 16-bit words for so many floats. */
  length(floats: number): number;
  encode(values: Float32Array, into: Uint16Array): void;
  decode(from: Uint16Array, into: Float32Array): void;
}

const quietNaN = 0x7fc0;

/** bfloat16: the upper half of a float32, rounded to nearest, ties to even. The range of float32, 8 bits of precision. */
const bfloat16: HalfPrecision = {
  length: (floats) => floats,
  encode(values, into) {
    const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
    for (let i = 0; i < bits.length; i++) {
      const all = bits[i] as number;
      const notANumber = (all & 0x7fffffff) > 0x7f800000;
      into[i] = notANumber ? quietNaN : (all + 0x7fff + ((all >>> 16) & 1)) >>> 16;
    }
  },
  decode(from, into) {
    const bits = new Uint32Array(into.buffer, into.byteOffset, into.length);
    for (let i = 0; i < bits.length; i++) bits[i] = (from[i] as number) << 16;
  },
};

/** The exponent bias of float16 is 15, that of float32 127: a float32 times this has the exponent bits of a float16. */
const rebias = 2 ** -112;
/** Large powers of two in the range of float16 and float32. */
const largest = 2 ** 15;
const maxScale = 2 ** 127;
const scaleLength = 2;
const chunk = 1 << 12;
const floats = memory(Float32Array, chunk);
const words = new Uint32Array(floats.buffer);

/**
 * IEEE 754 binary16 with a common scale, a power of two stored in front, that brings the largest value near the top of the
 * range; values below about 2^-38 of it become zero. 11 bits of precision. A value that is not finite makes all NaN.
 */
const float16: HalfPrecision = {
  length: (count) => scaleLength + count,
  encode(values, into) {
    let max = 0;
    let sum = 0; // NaN or infinite where any value is
    for (let i = 0; i < values.length; i++) {
      const size = Math.abs(values[i] as number);
      if (size > max) max = size;
      sum += size;
    }
    const wanted = largest / 2 ** Math.ceil(Math.log2(max || 1));
    const scale = Number.isFinite(sum) ? Math.min(wanted, maxScale) : Number.NaN;
    floats[0] = scale;
    into[0] = (words[0] as number) >>> 16;
    into[1] = (words[0] as number) & 0xffff;
    const factor = scale * rebias;
    for (let start = 0; start < values.length; start += chunk) {
      const count = Math.min(chunk, values.length - start);
      for (let i = 0; i < count; i++) floats[i] = (values[start + i] as number) * factor;
      for (let i = 0; i < count; i++) {
        const all = words[i] as number;
        const rounded = ((all & 0x7fffffff) + 0xfff + ((all >>> 13) & 1)) >>> 13;
        into[scaleLength + start + i] = ((all >>> 16) & 0x8000) | rounded;
      }
    }
  },
  decode(from, into) {
    words[0] = ((from[0] as number) << 16) | (from[1] as number);
    const factor = 1 / ((floats[0] as number) * rebias);
    const bits = new Uint32Array(into.buffer, into.byteOffset, into.length);
    for (let i = 0; i < into.length; i++) {
      const all = from[scaleLength + i] as number;
      bits[i] = ((all & 0x8000) << 16) | ((all & 0x7fff) << 13);
      into[i] = (into[i] as number) * factor;
    }
  },
};

export const halfPrecisions = { bfloat16, float16 };
