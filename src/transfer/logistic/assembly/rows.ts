/** Helpers for rows that are taken four at a time. */

// @ts-ignore: decorator
@inline
export function min(a: i32, b: i32): i32 {
  return a < b ? a : b;
}

/** The row at a position; past the end the last one, whose residuals are zero then. */
// @ts-ignore: decorator
@inline
export function rowAt(rows: usize, at: i32, end: i32): i32 {
  return load<i32>(rows + (<usize>min(at, end - 1) << 2));
}

// @ts-ignore: decorator
@inline
export function longest(lengths: usize, r0: i32, r1: i32, r2: i32, r3: i32): i32 {
  const a = load<i32>(lengths + (<usize>r0 << 2));
  const b = load<i32>(lengths + (<usize>r1 << 2));
  const c = load<i32>(lengths + (<usize>r2 << 2));
  const d = load<i32>(lengths + (<usize>r3 << 2));
  return max(max(a, b), max(c, d));
}

// @ts-ignore: decorator
@inline
export function max(a: i32, b: i32): i32 {
  return a > b ? a : b;
}
