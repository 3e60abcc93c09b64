import { replaceValues } from './colours';
import { coordinates } from './coordinates';

const fractionBits = 7;
const one = 1 << fractionBits;
/** The scale of a sample, into which two weights have been multiplied. */
const sampleBits = 2 * fractionBits;
const sumBits = 6;

/**
 * Places of at least 0, rounded to fractions of 1 / one, as integers. 2^23 is added to whole numbers below it, whose
 * last bits are an integer's then: conversion takes more instructions.
 */
// @ts-ignore: decorator
@inline
function inFractions(places: v128): v128 {
  const whole = f32x4.floor(f32x4.add(f32x4.mul(places, f32x4.splat(<f32>one)), f32x4.splat(0.5)));
  return i32x4.sub(f32x4.add(whole, f32x4.splat(8388608)), i32x4.splat(0x4b000000));
}

/**
 * Replaces places by what a sample needs: in xs and ys the weights of two pixels above and of the two below them, as
 * pairs of 16 bits, and in offsets where the first one lies, or less than 0 where there is none (x is NaN).
 */
function findPixels(
  xs: usize,
  ys: usize,
  offsets: usize,
  count: i32,
  sourceBytes: i32,
  lastColumn: f32,
  lastRow: f32,
): void {
  const half = f32x4.splat(0.5);
  const zero = f32x4.splat(0);
  const right = f32x4.splat(lastColumn);
  const bottom = f32x4.splat(lastRow);
  const rowBytes = i32x4.splat(sourceBytes);
  const fraction = i32x4.splat(one - 1);
  for (let i = 0; i < count; i += 4) {
    const at = <usize>i << 2;
    const x = v128.load(xs + at);
    // pmin and pmax give their first argument where the second is NaN.
    const across = inFractions(f32x4.pmin(f32x4.pmax(zero, f32x4.sub(x, half)), right));
    const down = inFractions(f32x4.pmin(f32x4.pmax(zero, f32x4.sub(v128.load(ys + at), half)), bottom));
    const column = i32x4.shr_s(across, fractionBits);
    const row = i32x4.shr_s(down, fractionBits);
    const offset = i32x4.add(i32x4.mul(row, rowBytes), i32x4.mul(column, i32x4.splat(3)));
    v128.store(offsets + at, v128.or(offset, f32x4.ne(x, x)));
    const second = v128.and(across, fraction);
    const pair = v128.or(i32x4.shl(second, 16), i32x4.sub(i32x4.splat(one), second));
    const below = i32x4.mul(pair, v128.and(down, fraction));
    v128.store(xs + at, i32x4.sub(i32x4.shl(pair, fractionBits), below));
    v128.store(ys + at, below);
  }
}

/**
 * The picture at a place, bilinear: i32x4 of red, green, blue and 0, times 2^14. Reads up to 8 bytes past the pixel
 * right of and below the place.
 */
// @ts-ignore: decorator
@inline
function sampleAt(source: usize, rowBytes: usize, xs: usize, ys: usize, offset: i32): v128 {
  const place = source + <usize>offset;
  return i32x4.add(
    i32x4.dot_i16x8_s(pairAt(place), v128.load32_splat(xs)),
    i32x4.dot_i16x8_s(pairAt(place + rowBytes), v128.load32_splat(ys)),
  );
}

/** r g b of a pixel and of its right neighbour, as pairs of 16 bits: rr gg bb 00. */
// @ts-ignore: decorator
@inline
function pairAt(place: usize): v128 {
  const order = i8x16(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1);
  return i8x16.swizzle(v128.load64_zero(place), order);
}

/** The same, or the filling where there is no place. */
// @ts-ignore: decorator
@inline
function sample(source: usize, rowBytes: usize, xs: usize, ys: usize, offsets: usize, filling: v128): v128 {
  const offset = load<i32>(offsets);
  return offset < 0 ? filling : sampleAt(source, rowBytes, xs, ys, offset);
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
 * @param rows room for 12 bytes a sample of a row, and 16 bytes a pixel of it
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
  const offsets = ys + (<usize>padded << 2);
  const sums = offsets + (<usize>padded << 2);
  const sourceBytes = <usize>(sourceWidth * 3);
  const right = <f32>(sourceWidth - 1);
  const bottom = <f32>(sourceHeight - 1);
  const filling = i32x4.shl(i32x4(fill & 255, (fill >> 8) & 255, (fill >> 16) & 255, 0), sampleBits);

  for (let row = 0; row < height; row++) {
    const start = output + <usize>(row * width * 3);
    if (samples == 1 && lines == 1) {
      coordinates(stages, stageCount, xs, ys, padded, <f32>row + 0.5, 1);
      findPixels(xs, ys, offsets, padded, <i32>sourceBytes, right, bottom);
      sampleRow(source, sourceBytes, xs, ys, offsets, start, width, filling);
    } else {
      memory.fill(sums, 0, <usize>(width + 4) << 4);
      for (let line = 0; line < lines; line++) {
        coordinates(stages, stageCount, xs, ys, padded, <f32>row + (<f32>line + 0.5) / <f32>lines, samples);
        findPixels(xs, ys, offsets, padded, <i32>sourceBytes, right, bottom);
        addSamples(source, sourceBytes, xs, ys, offsets, sums, padded, samples, filling);
      }
      storeMeans(sums, start, width, samples * lines);
    }
    if (table) replaceValues(start, width, table);
  }
}

function sampleRow(
  source: usize,
  rowBytes: usize,
  xs: usize,
  ys: usize,
  offsets: usize,
  start: usize,
  width: i32,
  filling: v128,
): void {
  for (let i = 0; i < width; i += 4) {
    const at = <usize>i << 2;
    storePixels(
      start + <usize>(i * 3),
      rounded(sample(source, rowBytes, xs + at, ys + at, offsets + at, filling)),
      rounded(sample(source, rowBytes, xs + at + 4, ys + at + 4, offsets + at + 4, filling)),
      rounded(sample(source, rowBytes, xs + at + 8, ys + at + 8, offsets + at + 8, filling)),
      rounded(sample(source, rowBytes, xs + at + 12, ys + at + 12, offsets + at + 12, filling)),
    );
  }
}

/** Adds the samples of a row, `samples` a pixel, to the sums of its pixels; the sums of 4 pixels more are written. */
function addSamples(
  source: usize,
  rowBytes: usize,
  xs: usize,
  ys: usize,
  offsets: usize,
  sums: usize,
  count: i32,
  samples: i32,
  filling: v128,
): void {
  let sum = sums;
  let taken = 0;
  for (let i = 0; i < count; i++) {
    const at = <usize>i << 2;
    const value = sample(source, rowBytes, xs + at, ys + at, offsets + at, filling);
    v128.store(sum, i32x4.add(v128.load(sum), i32x4.shr_s(value, sumBits)));
    if (++taken == samples) {
      taken = 0;
      sum += 16;
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
