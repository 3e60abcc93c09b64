import { allocate } from './memory';

/** The order of a block's coefficients in the file (T.81, figure A.6). */
// prettier-ignore
export const zigzag = memory.data<u8>([
  0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
  35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55,
  62, 63,
]);

/** f32 [8 frequencies, 8 places]: the inverse DCT in one dimension (T.81, A.3.3). */
export const cosines = memory.data(256);

for (let frequency = 0; frequency < 8; frequency++) {
  for (let place = 0; place < 8; place++) {
    const scale = frequency == 0 ? Math.SQRT1_2 / 2 : 0.5;
    const value = scale * Math.cos(((2 * place + 1) * frequency * Math.PI) / 16);
    store<f32>(cosines + <usize>((frequency * 8 + place) * 4), <f32>value);
  }
}

/** Coefficients of a block, and how far past them its end and a damaged run of zeros lead. */
const entries: usize = 63 + 63;

/** Mean of a frequency over each of `samples` parts of a block's side. */
function mean(frequency: i32, sample: i32, samples: i32): f32 {
  const places = 8 / samples;
  let sum: f32 = 0;
  for (let place = sample * places; place < (sample + 1) * places; place++)
    sum += load<f32>(cosines + <usize>((frequency * 8 + place) * 4));
  return sum / <f32>places;
}

export function basisVectors(samples: i32): i32 {
  return max((samples * samples) / 4, 1);
}

/**
 * What a step of quantisation of each coefficient, in the file's order, adds to a block of samples x samples means:
 * f32 [126, samples, samples]. Shrinking so is exact, and costs less than the whole block.
 */
export function makeBasis(quantisation: usize, samples: i32): usize {
  const bytes = <usize>basisVectors(samples) * 16;
  const basis = allocate(entries * bytes);
  const means = allocate(8 * 8 * 4);
  memory.fill(basis, 0, entries * bytes);
  for (let frequency = 0; frequency < 8; frequency++) {
    for (let sample = 0; sample < samples; sample++)
      store<f32>(means + <usize>((frequency * 8 + sample) * 4), mean(frequency, sample, samples));
  }
  for (let index = 0; index < 64; index++) {
    const place = <i32>load<u8>(zigzag + index);
    const step = <f32>load<u8>(quantisation + index);
    let to = basis + <usize>index * bytes;
    for (let y = 0; y < samples; y++) {
      const down = step * load<f32>(means + <usize>(((place >> 3) * 8 + y) * 4));
      for (let x = 0; x < samples; x++) {
        store<f32>(to, down * load<f32>(means + <usize>(((place & 7) * 8 + x) * 4)));
        to += 4;
      }
    }
  }
  return basis;
}
