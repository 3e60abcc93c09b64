/** Changes of each pixel by itself, of pictures uint8 RGB; 16 bytes after them may be read or written. */

// @ts-ignore: decorator
@inline
function redOf(pixels: v128): v128 {
  return v128.shuffle<i8>(pixels, i32x4.splat(0), 0, 16, 16, 16, 3, 16, 16, 16, 6, 16, 16, 16, 9, 16, 16, 16);
}

// @ts-ignore: decorator
@inline
function greenOf(pixels: v128): v128 {
  return v128.shuffle<i8>(pixels, i32x4.splat(0), 1, 16, 16, 16, 4, 16, 16, 16, 7, 16, 16, 16, 10, 16, 16, 16);
}

// @ts-ignore: decorator
@inline
function blueOf(pixels: v128): v128 {
  return v128.shuffle<i8>(pixels, i32x4.splat(0), 2, 16, 16, 16, 5, 16, 16, 16, 8, 16, 16, 16, 11, 16, 16, 16);
}

// @ts-ignore: decorator
@inline
function secondTwo(values: v128): v128 {
  return v128.shuffle<i64>(values, values, 1, 0);
}

/** grey + factor * value of two pixels, rounded to 0..255. */
// @ts-ignore: decorator
@inline
function mixed(grey: v128, factor: v128, value: v128): v128 {
  const sum = f64x2.add(grey, f64x2.mul(factor, value));
  const within = f64x2.pmin(f64x2.pmax(sum, f64x2.splat(0)), f64x2.splat(255));
  return i32x4.trunc_sat_f64x2_s_zero(f64x2.add(within, f64x2.splat(0.5)));
}

/** Two pixels of three i32x4, as 0x00BBGGRR each, in 64 bits; in double precision, as the formula is in JavaScript. */
// @ts-ignore: decorator
@inline
function coloured(reds: v128, greens: v128, blues: v128, factor: v128, rest: v128): v128 {
  const red = f64x2.convert_low_i32x4_s(reds);
  const green = f64x2.convert_low_i32x4_s(greens);
  const blue = f64x2.convert_low_i32x4_s(blues);
  const luma = f64x2.add(
    f64x2.add(f64x2.mul(f64x2.splat(0.299), red), f64x2.mul(f64x2.splat(0.587), green)),
    f64x2.mul(f64x2.splat(0.114), blue),
  );
  const grey = f64x2.mul(rest, luma);
  return v128.or(
    v128.or(mixed(grey, factor, red), i32x4.shl(mixed(grey, factor, green), 8)),
    i32x4.shl(mixed(grey, factor, blue), 16),
  );
}

/** Every pixel's distance from grey of its luma (ITU-R BT.601) times a factor, in place. */
export function moreColour(start: usize, pixels: i32, factor: f64): void {
  const factors = f64x2.splat(factor);
  const rest = f64x2.splat(1 - factor);
  const end = start + <usize>(pixels * 3);
  for (let place = start; place < end; place += 12) {
    const four = v128.load(place);
    const red = redOf(four);
    const green = greenOf(four);
    const blue = blueOf(four);
    const first = coloured(red, green, blue, factors, rest);
    const second = coloured(secondTwo(red), secondTwo(green), secondTwo(blue), factors, rest);
    const bytes = v128.shuffle<i8>(first, second, 0, 1, 2, 4, 5, 6, 16, 17, 18, 20, 21, 22, 0, 0, 0, 0);
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
    const four = v128.load(place);
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
