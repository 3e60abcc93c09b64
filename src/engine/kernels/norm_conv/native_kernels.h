// The inner loops of native.cc, which includes this once per level of processors, within a namespace that says how long
// its vectors are, and what tile of sums fits its registers: the compiler knows the level's instructions throughout.

#include "products.h"
using Best = Level<kBestLanes, kBestRows, kBestVectors>;

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

// A vector of dz.
template <class L>
INLINE typename L::Floats MaskedAt(const Mask& mask, int64_t i) {
  typename L::Floats d = L::Load(mask.dy + i);
  if (mask.high == 0) return d;
  const typename L::Floats value = L::Load(mask.y + i), zero{};
  return (value > zero) & (value < zero + mask.high) ? d : zero;
}

template <class L>
INLINE void MaskVector(const Mask& mask, int64_t at, float* dz, float* sums) {
  const typename L::Floats d = MaskedAt<L>(mask, at);
  L::Store(d, dz);
  L::Store(L::Load(sums) + d, sums);
}

// Rows of dz, each padded with zeros to `stride`. sums += the sum of the rows.
INLINE void MaskRows(const Mask& mask, int64_t from, int64_t rows, float* dz, int64_t stride, float* sums) {
  for (int64_t at = from * mask.columns; rows > 0; rows--, at += mask.columns, dz += stride) {
    int64_t i = 0;
    for (; i + Best::kLanes <= mask.columns; i += Best::kLanes) MaskVector<Best>(mask, at + i, dz + i, sums + i);
    for (; i < mask.columns; i++) MaskVector<Single>(mask, at + i, dz + i, sums + i);
    for (; i < stride; i++) dz[i] = 0;
  }
}

#include "native_depthwise.h"

// The inputs of some output pixels as a matrix [pixels, taps]: x itself for a kernel of 1, else a copy in `patches`.
INLINE const float* RowsOf(const Layer& layer, int64_t from, int64_t rows, float* patches) {
  const Geometry& g = layer.g;
  const float* x = layer.x.data<float>();
  if (layer.IsPointwise()) return x + from * g.channels;
  float* to = patches;
  for (int64_t row = from; row < from + rows; row++) {
    const int64_t picture = row / (g.out_height * g.out_width), pixel = row % (g.out_height * g.out_width);
    const int64_t y0 = pixel / g.out_width * g.stride - g.top, x0 = pixel % g.out_width * g.stride - g.left;
    const Range columns = Inside(x0, g.kernel, g.width);
    for (int64_t u = 0; u < g.kernel; u++, to += g.kernel * g.channels) {
      memset(to, 0, g.kernel * g.channels * sizeof(float));
      if (y0 + u < 0 || y0 + u >= g.height || columns.to <= columns.from) continue;
      const float* inside = x + ((picture * g.height + y0 + u) * g.width + x0 + columns.from) * g.channels;
      memcpy(to + columns.from * g.channels, inside, (columns.to - columns.from) * g.channels * sizeof(float));
    }
  }
  return patches;
}

void PackForward(const Layer& layer, float* to) {
  const float* filter = layer.filter.data<float>();
  Pack<Best>(to, layer.taps, layer.outputs,
          [&](int64_t tap, int64_t output) { return filter[tap * layer.outputs + output] * layer.slope[output]; });
}

void PackBackward(const Layer& layer, float* to) {
  const float* filter = layer.filter.data<float>();
  Pack<Best>(to, layer.outputs, layer.taps,
          [&](int64_t output, int64_t tap) { return filter[tap * layer.outputs + output] * layer.slope[output]; });
}

void ForwardRows(const Forward& f, int64_t from, int64_t rows, float* patches) {
  const int64_t taps = f.layer.taps, n = f.layer.outputs;
  const float* a = RowsOf(f.layer, from, rows, patches);
  Multiply<Best>({a, taps, f.filter, f.y + from * n, n, rows, taps, n, f.layer.bias.data(), f.low, f.high});
}

// sums: of the folded filter's gradient [taps, RoundUp(outputs)], then of the bias's.
void BackwardRows(const Backward& b, int64_t from, int64_t rows, float* patches, float* dz, float* sums) {
  const int64_t taps = b.layer.taps, n = b.layer.outputs, stride = RoundUp(n);
  MaskRows(b.mask, from, rows, dz, stride, sums + taps * stride);
  if (b.dx) Multiply<Best>({dz, stride, b.filter, b.dx + from * taps, taps, rows, n, taps, nullptr, 0, 0});
  AddOuter<Best>({RowsOf(b.layer, from, rows, patches), taps, dz, rows, taps, stride, sums});
}

// The channels from..to of one picture, a vector after the other.
template <int kKernel, int kStride>
INLINE void ForwardPart(const Forward& f, const Part& part) {
  const auto& [picture, from, to, memory] = part;
  const Geometry& g = f.layer.g;
  const float* x = f.layer.x.data<float>() + picture * g.height * g.width * g.channels;
  const float* bias = f.layer.bias.data();
  float* y = f.y + picture * g.out_height * g.out_width * g.channels;
  int64_t c = from;
  for (; c + Best::kLanes <= to; c += Best::kLanes)
    DepthwiseChannels<Best, kKernel, kStride>(g, x + c, f.filter + c, bias + c, y + c, f.low, f.high, memory);
  for (; c < to; c++)
    DepthwiseChannels<Single, kKernel, kStride>(g, x + c, f.filter + c, bias + c, y + c, f.low, f.high, memory);
}

// The channels from..to of one picture. sums: [taps + 1, channels], the filter's and the bias's.
template <int kKernel, int kStride, bool kNeedsX>
INLINE void BackwardPart(const Backward& b, const Part& part, float* sums) {
  const auto& [picture, from, to, memory] = part;
  const Geometry& g = b.layer.g;
  const int64_t of_x = picture * g.height * g.width * g.channels;
  const int64_t of_y = picture * g.out_height * g.out_width * g.channels;
  const float* x = b.layer.x.data<float>() + of_x;
  int64_t c = from;
  for (; c + Best::kLanes <= to; c += Best::kLanes)
    DepthwiseGradients<Best, kKernel, kStride, kNeedsX>(g, x + c, kNeedsX ? b.dx + of_x + c : nullptr, b.filter + c,
                                                        sums + c, memory, b.mask, of_y + c);
  for (; c < to; c++)
    DepthwiseGradients<Single, kKernel, kStride, kNeedsX>(g, x + c, kNeedsX ? b.dx + of_x + c : nullptr, b.filter + c,
                                                          sums + c, memory, b.mask, of_y + c);
}

void DepthwiseForward(const Forward& f, const Part& part) {
  const bool is3 = f.layer.g.kernel == 3, is1 = f.layer.g.stride == 1;
  if (is3 && is1) return ForwardPart<3, 1>(f, part);
  if (is3) return ForwardPart<3, 2>(f, part);
  if (is1) return ForwardPart<5, 1>(f, part);
  ForwardPart<5, 2>(f, part);
}

template <bool kNeedsX>
void BackwardOf(const Backward& b, const Part& part, float* sums) {
  const bool is3 = b.layer.g.kernel == 3, is1 = b.layer.g.stride == 1;
  if (is3 && is1) return BackwardPart<3, 1, kNeedsX>(b, part, sums);
  if (is3) return BackwardPart<3, 2, kNeedsX>(b, part, sums);
  if (is1) return BackwardPart<5, 1, kNeedsX>(b, part, sums);
  BackwardPart<5, 2, kNeedsX>(b, part, sums);
}

void DepthwiseBackward(const Backward& b, const Part& part, float* sums) {
  b.dx ? BackwardOf<true>(b, part, sums) : BackwardOf<false>(b, part, sums);
}

constexpr Kernels kernels{PackForward, PackBackward, ForwardRows, BackwardRows, DepthwiseForward, DepthwiseBackward};
