// A depthwise convolution and its gradients: each channel has a filter of its own, so that vectors hold channels. One vector
// of channels of one picture is computed at a time, a row of outputs after the other. The rows of x that the kernel reads
// are copied, with zeros around them, so that they lie together in the cache and edges need no care.
// Included by native_kernels.h.

// The last kKernel rows of a vector of channels, padded: row y is at y modulo kKernel.
template <class L, int kKernel>
struct Rows {
  const Geometry& g;
  float* memory;  // kKernel * PaddedWidth * kLanes

  INLINE float* At(int64_t row) const {
    return memory + (row + kKernel) % kKernel * g.PaddedWidth() * L::kLanes;
  }

  // x: the vector's channels in the first pixel of the maps.
  INLINE void Read(int64_t row, const float* x) const {
    const int64_t padded = g.PaddedWidth();
    float* to = At(row);
    if (row < 0 || row >= g.height) {
      memset(to, 0, padded * L::kLanes * sizeof(float));
      return;
    }
    const float* from = x + row * g.width * g.channels;
    const int64_t end = g.left + g.width < padded ? g.left + g.width : padded;
    for (int64_t i = 0; i < g.left; i++) L::Store(typename L::Floats{}, to + i * L::kLanes);
    for (int64_t i = g.left; i < end; i++) L::Store(L::Load(from + (i - g.left) * g.channels), to + i * L::kLanes);
    for (int64_t i = end; i < padded; i++) L::Store(typename L::Floats{}, to + i * L::kLanes);
  }

  INLINE void Clear(int64_t row) const { memset(At(row), 0, g.PaddedWidth() * L::kLanes * sizeof(float)); }

  // Columns that the kernel does not reach get zeros.
  INLINE void Write(int64_t row, float* x) const {
    if (row < 0 || row >= g.height) return;
    const float* from = At(row);
    float* to = x + row * g.width * g.channels;
    const int64_t reached = g.PaddedWidth() - g.left < g.width ? g.PaddedWidth() - g.left : g.width;
    for (int64_t i = 0; i < reached; i++) L::Store(L::Load(from + (i + g.left) * L::kLanes), to + i * g.channels);
    for (int64_t i = reached; i < g.width; i++) L::Store(typename L::Floats{}, to + i * g.channels);
  }
};

// kPixels neighbouring outputs. x: the row of each kernel row, from the first pixel's column on; filter, y: a channel.
template <class L, int kKernel, int kStride, int kPixels>
INLINE void DepthwisePixels(const float* const x[kKernel], const float* filter, typename L::Floats bias, float* y,
                            int64_t channels, float low, float high) {
  typename L::Floats sums[kPixels];
#pragma GCC unroll 16
  for (int p = 0; p < kPixels; p++) sums[p] = bias;
#pragma GCC unroll 16
  for (int u = 0; u < kKernel; u++) {
    typename L::Floats w[kKernel];
#pragma GCC unroll 16
    for (int v = 0; v < kKernel; v++) w[v] = L::Load(filter + (u * kKernel + v) * channels);
#pragma GCC unroll 16
    for (int i = 0; i < (kPixels - 1) * kStride + kKernel; i++) {
      const typename L::Floats value = L::Load(x[u] + i * L::kLanes);
#pragma GCC unroll 16
      for (int p = 0; p < kPixels; p++)
        if (i >= p * kStride && i < p * kStride + kKernel) sums[p] += value * w[i - p * kStride];
    }
  }
#pragma GCC unroll 16
  for (int p = 0; p < kPixels; p++) {
    L::Clamp(sums[p], low, high);
    L::Store(sums[p], y + p * channels);
  }
}

// A vector of channels of one picture. x, filter, bias, y: that channel's first value; filter [kernel, kernel, channels].
// memory: for Rows.
template <class L, int kKernel, int kStride>
INLINE void DepthwiseChannels(const Geometry& g, const float* x, const float* filter, const float* bias, float* y, float low,
                              float high, float* memory) {
  constexpr int kPixels = 4;
  const Rows<L, kKernel> rows{g, memory};
  const typename L::Floats offset = L::Load(bias);
  for (int u = 0; u < kKernel - kStride; u++) rows.Read(u - g.top, x);
  for (int64_t row = 0; row < g.out_height; row++) {
    const int64_t y0 = row * kStride - g.top;
    for (int u = kKernel - kStride; u < kKernel; u++) rows.Read(y0 + u, x);
    const float* from[kKernel];
    for (int u = 0; u < kKernel; u++) from[u] = rows.At(y0 + u);
    float* to = y + row * g.out_width * g.channels;
    int64_t column = 0;
    for (; column + kPixels <= g.out_width; column += kPixels, to += kPixels * g.channels) {
      DepthwisePixels<L, kKernel, kStride, kPixels>(from, filter, offset, to, g.channels, low, high);
      for (int u = 0; u < kKernel; u++) from[u] += kPixels * kStride * L::kLanes;
    }
    for (; column < g.out_width; column++, to += g.channels) {
      DepthwisePixels<L, kKernel, kStride, 1>(from, filter, offset, to, g.channels, low, high);
      for (int u = 0; u < kKernel; u++) from[u] += kStride * L::kLanes;
    }
  }
}

// What a row of dz, the gradient of outputs before their activation, adds to a row of dx and to a row of the filter's
// gradient. dz [out_width], x and dx [padded width], all of kLanes channels; filter and sums: the kernel's row.
template <class L, int kKernel, int kStride, bool kNeedsX>
INLINE void DepthwiseRowGradient(const Geometry& g, const float* dz, const float* x, float* dx, const float* filter,
                                 float* sums) {
  typename L::Floats w[kKernel], gradient[kKernel], row[kKernel];
#pragma GCC unroll 16
  for (int v = 0; v < kKernel; v++) {
    w[v] = L::Load(filter + v * g.channels);
    gradient[v] = L::Load(sums + v * g.channels);
    row[v] = typename L::Floats{};
  }
  for (int64_t column = 0; column < g.out_width; column++) {
    const typename L::Floats d = L::Load(dz);
#pragma GCC unroll 16
    for (int v = 0; v < kKernel; v++) {
      gradient[v] += d * L::Load(x + v * L::kLanes);
      if (kNeedsX) row[v] += d * w[v];
    }
    dz += L::kLanes;
    x += kStride * L::kLanes;
    if (!kNeedsX) continue;
    // The leftmost columns get no more: the others' sums move on with the kernel.
#pragma GCC unroll 16
    for (int v = 0; v < kStride; v++) L::Store(L::Load(dx + v * L::kLanes) + row[v], dx + v * L::kLanes);
#pragma GCC unroll 16
    for (int v = 0; v < kKernel; v++) {
      if (v + kStride < kKernel)
        row[v] = row[v + kStride < kKernel ? v + kStride : 0];
      else
        row[v] = typename L::Floats{};
    }
    dx += kStride * L::kLanes;
  }
  if (kNeedsX)
#pragma GCC unroll 16
    for (int v = 0; v < kKernel - kStride; v++) L::Store(L::Load(dx + v * L::kLanes) + row[v], dx + v * L::kLanes);
#pragma GCC unroll 16
  for (int v = 0; v < kKernel; v++) L::Store(gradient[v], sums + v * g.channels);
}

// A vector of channels of one picture. x, dx (null: not wanted), filter: that channel's first value.
// sums [kernel * kernel + 1, channels]: of the filter and of the bias. of_y: the index of y's first value of the channel.
template <class L, int kKernel, int kStride, bool kNeedsX>
INLINE void DepthwiseGradients(const Geometry& g, const float* x, float* dx, const float* filter, float* sums,
                               float* memory, const Mask& mask, int64_t of_y) {
  const int64_t size = kKernel * g.PaddedWidth() * L::kLanes;
  const Rows<L, kKernel> rows{g, memory}, gradients{g, memory + size};
  float* row_of_dz = memory + 2 * size;
  typename L::Floats sum{};
  const auto enter = [&](int64_t row) __attribute__((always_inline)) {
    rows.Read(row, x);
    if (kNeedsX) gradients.Clear(row);
  };
  for (int u = 0; u < kKernel - kStride; u++) enter(u - g.top);
  for (int64_t row = 0; row < g.out_height; row++) {
    const int64_t y0 = row * kStride - g.top;
    for (int u = kKernel - kStride; u < kKernel; u++) enter(y0 + u);
    for (int64_t column = 0; column < g.out_width; column++) {
      const typename L::Floats d = MaskedAt<L>(mask, of_y + (row * g.out_width + column) * g.channels);
      L::Store(d, row_of_dz + column * L::kLanes);
      sum += d;
    }
    const Range inside = Inside(y0, kKernel, g.height);
    for (int64_t u = inside.from; u < inside.to; u++)
      DepthwiseRowGradient<L, kKernel, kStride, kNeedsX>(g, row_of_dz, rows.At(y0 + u), gradients.At(y0 + u),
                                                         filter + u * kKernel * g.channels,
                                                         sums + u * kKernel * g.channels);
    if (kNeedsX)
      for (int u = 0; u < kStride; u++) gradients.Write(y0 + u, dx);
  }
  L::Store(sum, sums + kKernel * kKernel * g.channels);
  if (!kNeedsX) return;
  const int64_t end = g.out_height * kStride - g.top;
  for (int64_t row = end; row < end + kKernel - kStride; row++) gradients.Write(row, dx);
  for (int64_t row = end + kKernel - kStride; row < g.height; row++)
    for (int64_t i = 0; i < g.width; i++) L::Store(typename L::Floats{}, dx + (row * g.width + i) * g.channels);
}
