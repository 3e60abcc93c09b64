/** Changes of each pixel by itself, of pictures uint8 RGB; 16 bytes after them may be read or written. */

/** Four pixels, as 0x00BBGGRR each. */
// @ts-ignore: decorator
@inline
function fourAt(place: usize): v128 {
  return i8x16.swizzle(v128.load(place), i8x16(0, 1, 2, -1, 3, 4, 5, -1, 6, 7, 8, -1, 9, 10, 11, -1));
}

// @ts-ignore: decorator
@inline
function redOf(four: v128): v128 {
  return v128.and(four, i32x4.splat(255));
}

// @ts-ignore: decorator
@inline
function greenOf(four: v128): v128 {
  return v128.and(i32x4.shr_u(four, 8), i32x4.splat(255));
}

// @ts-ignore: decorator
@inline
function blueOf(four: v128): v128 {
  return i32x4.shr_u(four, 16);
}

// @ts-ignore: decorator
@inline
function secondTwo(values: v128): v128 {
  return v128.shuffle<i64>(values, values, 1, 0);
}

/**
 * grey + factor * value of two pixels, rounded to integers, in the lower half of 64 bits each. 3 * 2^51 is added to
 * whole numbers, whose last bits are an integer's then: conversion takes more instructions.
 */
// @ts-ignore: decorator
@inline
function mixed(grey: v128, factor: v128, value: v128): v128 {
  const sum = f64x2.add(grey, f64x2.mul(factor, value));
  return f64x2.add(f64x2.floor(f64x2.add(sum, f64x2.splat(0.5))), f64x2.splat(6755399441055744));
}

/** For two pixels, in double precision, as the formula is in JavaScript. */
// @ts-ignore: decorator
@inline
function lumaOf(red: v128, green: v128, blue: v128): v128 {
  return f64x2.add(
    f64x2.add(f64x2.mul(f64x2.splat(0.299), red), f64x2.mul(f64x2.splat(0.587), green)),
    f64x2.mul(f64x2.splat(0.114), blue),
  );
}

/** Four integers of two mixed ones. */
// @ts-ignore: decorator
@inline
function joined(first: v128, second: v128): v128 {
  return v128.shuffle<i32>(first, second, 0, 2, 4, 6);
}

/** Every pixel's distance from grey of its luma (ITU-R BT.601) times a factor, in place. */
export function moreColour(start: usize, pixels: i32, factor: f64): void {
  const factors = f64x2.splat(factor);
  const rest = f64x2.splat(1 - factor);
  const end = start + <usize>(pixels * 3);
  for (let place = start; place < end; place += 12) {
    const four = fourAt(place);
    const reds = redOf(four);
    const greens = greenOf(four);
    const blues = blueOf(four);
    const red = f64x2.convert_low_i32x4_s(reds);
    const green = f64x2.convert_low_i32x4_s(greens);
    const blue = f64x2.convert_low_i32x4_s(blues);
    const grey = f64x2.mul(rest, lumaOf(red, green, blue));
    const red2 = f64x2.convert_low_i32x4_s(secondTwo(reds));
    const green2 = f64x2.convert_low_i32x4_s(secondTwo(greens));
    const blue2 = f64x2.convert_low_i32x4_s(secondTwo(blues));
    const grey2 = f64x2.mul(rest, lumaOf(red2, green2, blue2));
    const newReds = joined(mixed(grey, factors, red), mixed(grey2, factors, red2));
    const newGreens = joined(mixed(grey, factors, green), mixed(grey2, factors, green2));
    const newBlues = joined(mixed(grey, factors, blue), mixed(grey2, factors, blue2));
    // Narrowing limits them to 0..255.
    const colours = i8x16.narrow_i16x8_u(
      i16x8.narrow_i32x4_s(newReds, newGreens),
      i16x8.narrow_i32x4_s(newBlues, newBlues),
    );
    const bytes = i8x16.swizzle(colours, i8x16(0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11, -1, -1, -1, -1));
    v128.store64_lane(place, bytes, 0);
    v128.store32_lane(place, bytes, 2, 8);
  }
}

/** Sums of all reds, greens and blues, u32 [3], to an address. What follows the picture becomes zero. */
export function sumColours(start: usize, pixels: i32, to: usize): void {
  const end = start + <usize>(pixels * 3);
  v128.store(end, i32x4.splat(0));
  let reds = i32x4.splat(0);
  let greens = reds;
  let blues = reds;
  for (let place = start; place < end; place += 12) {
    const four = fourAt(place);
    reds = i32x4.add(reds, redOf(four));
    greens = i32x4.add(greens, greenOf(four));
    blues = i32x4.add(blues, blueOf(four));
  }
  store<u32>(to, total(reds));
  store<u32>(to, total(greens), 4);
  store<u32>(to, total(blues), 8);
}

// @ts-ignore: decorator
@inline
function total(four: v128): u32 {
  const two = i32x4.add(four, secondTwo(four));
  return i32x4.extract_lane(two, 0) + i32x4.extract_lane(two, 1);
}

/** @param table 3 x 256 bytes that replace the values of red, green and blue, in place */
export function replaceValues(start: usize, pixels: i32, table: usize): void {
  const end = start + <usize>(pixels * 3);
  for (let place = start; place < end; place += 3) {
    store<u8>(place, load<u8>(table + <usize>load<u8>(place)));
    store<u8>(place + 1, load<u8>(table + <usize>load<u8>(place + 1), 256));
    store<u8>(place + 2, load<u8>(table + <usize>load<u8>(place + 2), 512));
  }
}
