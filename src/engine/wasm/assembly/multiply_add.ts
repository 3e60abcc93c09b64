/**
 * a * b + sum. kernels_relaxed.wasm fuses the two where the processor can, which rounds once instead of twice: the last
 * bits then differ between hosts. Adam's update does not use it, so that the ranks of a training on several machines keep the
 * same weights.
 */
// @ts-ignore: decorator
@inline
export function multiplyAdd(a: v128, b: v128, sum: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, sum);
  return f32x4.add(sum, f32x4.mul(a, b));
}
