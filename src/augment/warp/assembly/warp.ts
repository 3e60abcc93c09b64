import { coordinates } from './coordinates';

const fractionBits = 7;
const one = 1 << fractionBits;
/** Of a sample: two weights have been multiplied into it. */
const sampleBits = 2 * fractionBits;
const sumBits = 6;

/** Of four places: where their pixels lie, and their weights, each a pair of 16 bits. */
let offsets: v128 = i64x2.splat(0);
let weightsX: v128 = i64x2.splat(0);
let weightsY: v128 = i64x2.splat(0);

/** Sets these; NaN becomes the picture's first place. */
// @ts-ignore: decorator
@inline
function findPlaces(xs: usize, ys: usize, rowBytes: v128, right: v128, bottom: v128): void {
  const half = f32x4.splat(0.5);
  const zero = f32x4.splat(0);
  // pmin and pmax give their first argument where the second is NaN.
  const across = f32x4.pmin(f32x4.pmax(zero, f32x4.sub(v128.load(xs), half)), right);
  const down = f32x4.pmin(f32x4.pmax(zero, f32x4.sub(v128.load(ys), half)), bottom);
  const column = i32x4.trunc_sat_f32x4_s(across);
  const row = i32x4.trunc_sat_f32x4_s(down);
  offsets = i32x4.add(i32x4.mul(row, rowBytes), i32x4.mul(column, i32x4.splat(3)));
  weightsX = weightsOf(f32x4.sub(across, f32x4.convert_i32x4_s(column)));
  weightsY = weightsOf(f32x4.sub(down, f32x4.convert_i32x4_s(row)));
}

// @ts-ignore: decorator
@inline
function weightsOf(fraction: v128): v128 {
  const second = i32x4.trunc_sat_f32x4_s(
    f32x4.add(f32x4.mul(fraction, f32x4.splat(<f32>one)), f32x4.splat(0.5)),
  );
  return v128.or(i32x4.shl(second, 16), i32x4.sub(i32x4.splat(one), second));
}

/**
 * The picture at a place, bilinear: i32x4 of red, green, blue and something, times 2^14. Reads up to 8 bytes past
 * the pixel right of and below the place.
 */
// @ts-ignore: decorator
@inline
function sampleAt(place: usize, rowBytes: usize, acrossWeights: v128, downWeights: v128): v128 {
  const zero = i64x2.splat(0);
  // r g b of a pixel and of its right neighbour, as pairs of 16 bits: rr gg bb ..
  const above = v128.shuffle<i8>(v128.load64_zero(place), zero, 0, 16, 3, 16, 1, 16, 4, 16, 2, 16, 5, 16, 6, 16, 7, 16);
  const below = v128.shuffle<i8>(v128.load64_zero(place + rowBytes), zero, 0, 16, 3, 16, 1, 16, 4, 16, 2, 16, 5, 16, 6, 16, 7, 16);
  const rows = i16x8.narrow_i32x4_s(i32x4.dot_i16x8_s(above, acrossWeights), i32x4.dot_i16x8_s(below, acrossWeights));
  const pairs = v128.shuffle<i16>(rows, rows, 0, 4, 1, 5, 2, 6, 3, 7);
  return i32x4.dot_i16x8_s(pairs, downWeights);
}

/** The sample of one of the four places. */
// @ts-ignore: decorator
@inline
function sample(source: usize, rowBytes: usize, lane: i32): v128 {
  if (lane == 0) return sampleAt(source + <usize>i32x4.extract_lane(offsets, 0), rowBytes, v128.shuffle<i32>(weightsX, weightsX, 0, 0, 0, 0), v128.shuffle<i32>(weightsY, weightsY, 0, 0, 0, 0));
  if (lane == 1) return sampleAt(source + <usize>i32x4.extract_lane(offsets, 1), rowBytes, v128.shuffle<i32>(weightsX, weightsX, 1, 1, 1, 1), v128.shuffle<i32>(weightsY, weightsY, 1, 1, 1, 1));
  if (lane == 2) return sampleAt(source + <usize>i32x4.extract_lane(offsets, 2), rowBytes, v128.shuffle<i32>(weightsX, weightsX, 2, 2, 2, 2), v128.shuffle<i32>(weightsY, weightsY, 2, 2, 2, 2));
  return sampleAt(source + <usize>i32x4.extract_lane(offsets, 3), rowBytes, v128.shuffle<i32>(weightsX, weightsX, 3, 3, 3, 3), v128.shuffle<i32>(weightsY, weightsY, 3, 3, 3, 3));
}

/** Writes four pixels of 0..255, and four bytes past them. */
// @ts-ignore: decorator
@inline
function storePixels(place: usize, first: v128, second: v128, third: v128, fourth: v128): void {
  const bytes = i8x16.narrow_i16x8_u(i16x8.narrow_i32x4_s(first, second), i16x8.narrow_i32x4_s(third, fourth));
  v128.store(place, v128.shuffle<i8>(bytes, bytes, 0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 15, 15, 15, 15));
}

// @ts-ignore: decorator
@inline
function rounded(value: v128): v128 {
  return i32x4.shr_s(i32x4.add(value, i32x4.splat(1 << (sampleBits - 1))), sampleBits);
}

/**
 * A picture resampled in one pass: each output pixel is looked up where the stages say, or the mean of
 * samples x lines places of it where the picture shrinks.
 * Pictures are uint8 RGB; both are followed by a row and 16 bytes that may be read or written.
 * @param fill 0xBBGGRR, for places that are outside
 * @param table 3 x 256 bytes that replace the values of red, green and blue; 0: none
 * @param rows room for 3 x 4 bytes a sample of a row, and 16 bytes a pixel of it
 */
export function warp(
  stages: usize,
  stageCount: i32,
  source: usize,
  sourceWidth: i32,
  sourceHeight: i32,
  output: usize,
  width: i32,
  height: i32,
  samples: i32,
  lines: i32,
  fill: i32,
  table: usize,
  rows: usize,
): void {
  const count = width * samples;
  const padded = (count + 3) & ~3;
  const xs = rows;
  const ys = xs + (<usize>padded << 2);
  const sums = ys + (<usize>padded << 2);
  const sourceBytes = <usize>(sourceWidth * 3);
  const right = f32x4.splat(<f32>(sourceWidth - 1));
  const bottom = f32x4.splat(<f32>(sourceHeight - 1));
  const filling = i32x4.shl(i32x4(fill & 255, (fill >> 8) & 255, (fill >> 16) & 255, 0), sampleBits);

  for (let row = 0; row < height; row++) {
    const start = output + <usize>(row * width * 3);
    if (samples == 1 && lines == 1) {
      coordinates(stages, stageCount, xs, ys, padded, <f32>row + 0.5, 1);
      sampleRow(source, sourceBytes, right, bottom, xs, ys, start, width, filling);
    } else {
      memory.fill(sums, 0, <usize>(width + 4) << 4);
      for (let line = 0; line < lines; line++) {
        coordinates(stages, stageCount, xs, ys, padded, <f32>row + (<f32>line + 0.5) / <f32>lines, samples);
        addSamples(source, sourceBytes, right, bottom, xs, ys, sums, padded, samples, filling);
      }
      storeMeans(sums, start, width, samples * lines);
    }
    if (table) replaceValues(start, width, table);
  }
}

function sampleRow(
  source: usize,
  sourceBytes: usize,
  right: v128,
  bottom: v128,
  xs: usize,
  ys: usize,
  start: usize,
  width: i32,
  filling: v128,
): void {
  const rowBytes = i32x4.splat(<i32>sourceBytes);
  for (let i = 0; i < width; i += 4) {
    const at = <usize>i << 2;
    findPlaces(xs + at, ys + at, rowBytes, right, bottom);
    let first = sample(source, sourceBytes, 0);
    let second = sample(source, sourceBytes, 1);
    let third = sample(source, sourceBytes, 2);
    let fourth = sample(source, sourceBytes, 3);
    const x = v128.load(xs + at);
    const inside = f32x4.eq(x, x);
    if (!i32x4.all_true(inside)) {
      if (!i32x4.extract_lane(inside, 0)) first = filling;
      if (!i32x4.extract_lane(inside, 1)) second = filling;
      if (!i32x4.extract_lane(inside, 2)) third = filling;
      if (!i32x4.extract_lane(inside, 3)) fourth = filling;
    }
    storePixels(start + <usize>(i * 3), rounded(first), rounded(second), rounded(third), rounded(fourth));
  }
}

/** Adds the samples of a row, `samples` a pixel, to the sums of its pixels; the sums of 4 pixels more are written. */
function addSamples(
  source: usize,
  sourceBytes: usize,
  right: v128,
  bottom: v128,
  xs: usize,
  ys: usize,
  sums: usize,
  count: i32,
  samples: i32,
  filling: v128,
): void {
  const rowBytes = i32x4.splat(<i32>sourceBytes);
  let sum = sums;
  let taken = 0;
  for (let i = 0; i < count; i += 4) {
    const at = <usize>i << 2;
    findPlaces(xs + at, ys + at, rowBytes, right, bottom);
    const x = v128.load(xs + at);
    const inside = f32x4.eq(x, x);
    for (let lane = 0; lane < 4; lane++) {
      let value = filling;
      if (lane == 0 && i32x4.extract_lane(inside, 0)) value = sample(source, sourceBytes, 0);
      else if (lane == 1 && i32x4.extract_lane(inside, 1)) value = sample(source, sourceBytes, 1);
      else if (lane == 2 && i32x4.extract_lane(inside, 2)) value = sample(source, sourceBytes, 2);
      else if (lane == 3 && i32x4.extract_lane(inside, 3)) value = sample(source, sourceBytes, 3);
      v128.store(sum, i32x4.add(v128.load(sum), i32x4.shr_s(value, sumBits)));
      if (++taken == samples) {
        taken = 0;
        sum += 16;
      }
    }
  }
}

function storeMeans(sums: usize, start: usize, width: i32, places: i32): void {
  const share = f32x4.splat(1 / <f32>(places * (1 << (sampleBits - sumBits))));
  for (let i = 0; i < width; i += 4) {
    const sum = sums + (<usize>i << 4);
    storePixels(
      start + <usize>(i * 3),
      mean(sum, share),
      mean(sum + 16, share),
      mean(sum + 32, share),
      mean(sum + 48, share),
    );
  }
}

// @ts-ignore: decorator
@inline
function mean(sum: usize, share: v128): v128 {
  return i32x4.trunc_sat_f32x4_s(
    f32x4.nearest(f32x4.mul(f32x4.convert_i32x4_s(v128.load(sum)), share)),
  );
}

function replaceValues(start: usize, width: i32, table: usize): void {
  for (let i = 0, place = start; i < width; i++, place += 3) {
    store<u8>(place, load<u8>(table + <usize>load<u8>(place)));
    store<u8>(place + 1, load<u8>(table + <usize>load<u8>(place + 1), 256));
    store<u8>(place + 2, load<u8>(table + <usize>load<u8>(place + 2), 512));
  }
}
