// A depthwise convolution and its gradients: each channel has a filter of its own, so that vectors hold channels.
#pragma once
#include "native_products.h"

// Sizes of maps [height, width, channels] and of a kernel that moves over them.
struct Geometry {
  int64_t batch, height, width, channels, kernel, stride, top, left, out_height, out_width;

  // The positions of the kernel, in one direction, for which all of it is inside the maps: from first to below last.
  static int64_t First(int64_t before, int64_t stride) { return (before + stride - 1) / stride; }
  static int64_t Last(int64_t size, int64_t before, int64_t kernel, int64_t stride, int64_t positions) {
    const int64_t room = size + before - kernel;
    const int64_t last = room < 0 ? 0 : room / stride + 1;
    return last < positions ? last : positions;
  }
};

// The part of a kernel that is inside the maps.
struct Range {
  int64_t from, to;
};

INLINE Range Inside(int64_t start, int64_t kernel, int64_t size) {
  return {start < 0 ? -start : 0, start + kernel > size ? size - start : kernel};
}

// One lane, for the channels beyond the last whole vector.
struct Single {
  static constexpr int kLanes = 1;
  typedef float Floats;
  static INLINE float Load(const float* from) { return *from; }
  static INLINE void Store(float value, float* to) { *to = value; }
  static INLINE void Clamp(float& x, float low, float high) {
    x = low > x ? low : x;
    x = high < x ? high : x;
  }
};

// A row of outputs of a vector of channels, from a row of x on.
template <class L, int kKernel, int kStride>
INLINE void DepthwiseRow(const Geometry& g, const float* x, int64_t row, const float* filter, const float* bias, float* y,
                         float low, float high) {
  typedef typename L::Floats Floats;
  constexpr int kPixels = 4;
  const int64_t c = g.channels, y0 = row * kStride - g.top;
  const Range rows = Inside(y0, kKernel, g.height);
  const Floats offset = L::Load(bias);
  const int64_t first = Geometry::First(g.left, kStride);
  const int64_t last = Geometry::Last(g.width, g.left, kKernel, kStride, g.out_width);
  const auto at_edge = [&](int64_t column) __attribute__((always_inline)) {
    const int64_t x0 = column * kStride - g.left;
    const Range columns = Inside(x0, kKernel, g.width);
    Floats sum = offset;
    for (int64_t u = rows.from; u < rows.to; u++)
      for (int64_t v = columns.from; v < columns.to; v++)
        sum += L::Load(x + ((y0 + u) * g.width + x0 + v) * c) * L::Load(filter + (u * kKernel + v) * c);
    L::Clamp(sum, low, high);
    L::Store(sum, y + column * c);
  };
  int64_t column = 0;
  for (; column < first && column < g.out_width; column++) at_edge(column);
  for (; column + kPixels <= last; column += kPixels) {
    Floats sums[kPixels];
    for (int p = 0; p < kPixels; p++) sums[p] = offset;
    for (int64_t u = rows.from; u < rows.to; u++) {
      const float* from = x + ((y0 + u) * g.width + column * kStride - g.left) * c;
      Floats w[kKernel];
#pragma GCC unroll 16
      for (int v = 0; v < kKernel; v++) w[v] = L::Load(filter + (u * kKernel + v) * c);
#pragma GCC unroll 16
      for (int i = 0; i < (kPixels - 1) * kStride + kKernel; i++) {
        const Floats value = L::Load(from + i * c);
#pragma GCC unroll 16
        for (int p = 0; p < kPixels; p++)
          if (i >= p * kStride && i < p * kStride + kKernel) sums[p] += value * w[i - p * kStride];
      }
    }
#pragma GCC unroll 16
    for (int p = 0; p < kPixels; p++) {
      L::Clamp(sums[p], low, high);
      L::Store(sums[p], y + (column + p) * c);
    }
  }
  for (; column < g.out_width; column++) at_edge(column);
}

// What a row of dz, the gradient of one row of outputs before their activation, adds to a row of dx and to a row of the
// filter's gradient, for a vector of channels.
// dz: [out_width][lanes]; x, dx: rows [width, channels]; filter: the kernel's row [kernel, channels]; sums: likewise.
template <class L, int kKernel, int kStride, bool kNeedsX>
INLINE void DepthwiseRowGradient(const Geometry& g, const float* dz, const float* x, float* dx, const float* filter,
                                 float* sums) {
  typedef typename L::Floats Floats;
  const int64_t c = g.channels;
  const int64_t first = Geometry::First(g.left, kStride);
  const int64_t last = Geometry::Last(g.width, g.left, kKernel, kStride, g.out_width);
  Floats w[kKernel], gradient[kKernel], row[kKernel];
#pragma GCC unroll 16
  for (int v = 0; v < kKernel; v++) {
    w[v] = L::Load(filter + v * c);
    gradient[v] = L::Load(sums + v * c);
    row[v] = Floats{};
  }
  const auto at_edge = [&](int64_t column) __attribute__((always_inline)) {
    const int64_t x0 = column * kStride - g.left;
    const Floats d = L::Load(dz + column * L::kLanes);
#pragma GCC unroll 16
    for (int v = 0; v < kKernel; v++) {
      if (x0 + v < 0 || x0 + v >= g.width) continue;
      gradient[v] += d * L::Load(x + (x0 + v) * c);
      if (kNeedsX) L::Store(L::Load(dx + (x0 + v) * c) + d * w[v], dx + (x0 + v) * c);
    }
  };
  int64_t column = 0;
  for (; column < first && column < g.out_width; column++) at_edge(column);
  const bool has_inside = column < last;
  for (; column < last; column++) {
    const float* from = x + (column * kStride - g.left) * c;
    const Floats d = L::Load(dz + column * L::kLanes);
#pragma GCC unroll 16
    for (int v = 0; v < kKernel; v++) {
      gradient[v] += d * L::Load(from + v * c);
      if (kNeedsX) row[v] += d * w[v];
    }
    if (!kNeedsX) continue;
    // The leftmost columns get no more: the sums in `row` move on with the kernel.
    float* to = dx + (column * kStride - g.left) * c;
#pragma GCC unroll 16
    for (int v = 0; v < kStride; v++) L::Store(L::Load(to + v * c) + row[v], to + v * c);
#pragma GCC unroll 16
    for (int v = 0; v < kKernel; v++) row[v] = v + kStride < kKernel ? row[v + kStride] : Floats{};
  }
  if (kNeedsX && has_inside) {
    float* to = dx + (last * kStride - g.left) * c;
#pragma GCC unroll 16
    for (int v = 0; v < kKernel - kStride; v++) L::Store(L::Load(to + v * c) + row[v], to + v * c);
  }
  for (; column < g.out_width; column++) at_edge(column);
#pragma GCC unroll 16
  for (int v = 0; v < kKernel; v++) L::Store(gradient[v], sums + v * c);
}
