/** The first `count` of four floats; the others are 0. */
// @ts-ignore: decorator
@inline
export function loadLanes(from: usize, count: i32): v128 {
  return count >= 4 ? v128.load(from) : loadSome(from, count);
}

function loadSome(from: usize, count: i32): v128 {
  let lanes = f32x4.splat(0);
  if (count > 0) lanes = v128.load_lane<f32>(from, lanes, 0);
  if (count > 1) lanes = v128.load_lane<f32>(from, lanes, 1, 4);
  if (count > 2) lanes = v128.load_lane<f32>(from, lanes, 2, 8);
  return lanes;
}

/** Stores the first `count` of eight floats. */
// @ts-ignore: decorator
@inline
export function storeLanes(to: usize, low: v128, high: v128, count: i32): void {
  if (count >= 8) {
    v128.store(to, low);
    v128.store(to, high, 16);
  } else {
    storeSome(to, low, high, count);
  }
}

function storeSome(to: usize, low: v128, high: v128, count: i32): void {
  if (count > 0) store<f32>(to, f32x4.extract_lane(low, 0));
  if (count > 1) store<f32>(to, f32x4.extract_lane(low, 1), 4);
  if (count > 2) store<f32>(to, f32x4.extract_lane(low, 2), 8);
  if (count > 3) store<f32>(to, f32x4.extract_lane(low, 3), 12);
  if (count > 4) store<f32>(to, f32x4.extract_lane(high, 0), 16);
  if (count > 5) store<f32>(to, f32x4.extract_lane(high, 1), 20);
  if (count > 6) store<f32>(to, f32x4.extract_lane(high, 2), 24);
}
