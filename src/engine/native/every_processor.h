// Includes KERNELS once per level of processors, within a namespace that says how long its vectors are and what tile of sums
// fits its registers: the compiler knows the level's instructions throughout. KERNELS is the file's name seen from here; it
// ends with `constexpr Kernels kernels`. Included within an anonymous namespace.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#pragma GCC push_options
#pragma GCC target("arch=x86-64-v4")
namespace level4 {
constexpr int kBestLanes = 16, kBestRows = 8, kBestVectors = 3;
#include KERNELS
}  // namespace level4
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("arch=x86-64-v3")
namespace level3 {
constexpr int kBestLanes = 8, kBestRows = 6, kBestVectors = 2;
#include KERNELS
}  // namespace level3
#pragma GCC pop_options
#endif
namespace level0 {
constexpr int kBestLanes = 4, kBestRows = 6, kBestVectors = 2;
#include KERNELS
}  // namespace level0

// With the widest vectors that the processor has.
const Kernels& Best() {
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
  static const bool has4 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                           __builtin_cpu_supports("avx512cd");
  static const bool has3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (has4) return level4::kernels;
  if (has3) return level3::kernels;
#endif
  return level0::kernels;
}
#undef KERNELS
