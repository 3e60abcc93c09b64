/** The numbers of the activations, in the order of `fusedActivations` in operation.ts. */
export const LINEAR = 0;
const RELU6 = 2;

// @ts-ignore: decorator
@inline
export function lowOf(activation: i32): v128 {
  return f32x4.splat(select<f32>(-Infinity, 0, activation == LINEAR));
}

// @ts-ignore: decorator
@inline
export function highOf(activation: i32): v128 {
  return f32x4.splat(select<f32>(6, Infinity, activation == RELU6));
}

/** Limits to low...high. Unlike min and max, pmin and pmax are one instruction each; what is not a number stays so. */
// @ts-ignore: decorator
@inline
export function clamp(x: v128, low: v128, high: v128): v128 {
  return f32x4.pmin(f32x4.pmax(x, low), high);
}
