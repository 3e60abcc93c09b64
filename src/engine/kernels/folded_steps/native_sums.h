// The inner loops of folded networks, compiled for each level of x86-64 processors: a product of pixels and a filter over
// channels, a depthwise convolution and a max-pooling. The sums add up a pixel's products in a fixed order, so that the result
// depends neither on the tile that a pixel falls into nor on the threads.
//
// Maps lie in panels of 16 channels: [panel][pixel][16]. The channels beyond the last are zeros.
#pragma once
#include <cstdint>
#include <cstring>

constexpr int64_t kPanel = 16;

// out = clamp(filter * a + bias + residual)
struct Product {
  const float* a;        // [panel of k][pixel][16]
  int64_t a_panel;       // floats from one panel of a to the next
  int64_t pixels, k;
  const float* filter;   // [panel][k][16]
  const float* bias;     // [panel][16]
  const float* residual; // like out; null: none
  float* out;            // [panel][position][16]
  int64_t out_panel;     // floats from one panel of out (and of the residual) to the next
  const int32_t* positions;  // of each pixel in out; null: its index
  float low, high;
};

// One panel of a depthwise convolution. Zeros around the maps are part of x.
struct Depthwise {
  const float* x;       // [row][column][16]
  int64_t x_row;        // floats from one row of x to the next
  int64_t rows, width;  // of the output
  int64_t kernel, stride;
  const float* filter;  // [kernel][kernel][16]
  const float* bias;    // [16]
  float* out;           // [row][column][16]
  const float* residual;  // like out; null: none
  float low, high;
};

// One panel of a max-pooling. Windows are cut off at the borders.
struct MaxPool {
  const float* x;  // [row][column][16]
  int64_t height, width;
  int64_t out_height, out_width;
  int64_t kernel, stride, top, left;
  float* out;  // [row][column][16]
  float low, high;
};

// Activation functions by their numbers.
enum Function : int32_t { kRelu = 1, kRelu6, kSigmoid, kSwish, kHardSigmoid, kHardSwish, kLeakyRelu };

// An activation function of `size` floats, a multiple of 16. x may be where out is.
struct Activation {
  const float* x;
  float* out;
  int64_t size;
  int32_t function;
  float alpha;  // of kLeakyRelu
};

// One panel of an average pooling. Windows are cut off at the borders, and what is cut off does not count.
struct AveragePool {
  const float* x;  // [row][column][16]
  int64_t height, width;
  int64_t out_height, out_width;
  int64_t kernel, stride, top, left;
  float* out;  // [row][column][16]
};

// Vectors of kLanes floats. A tile of sums has up to kRows pixels and kVectors vectors, and stays in registers.
template <int kLanesOf, int kRowsOf, int kVectorsOf, int kColumnsOf>
struct Level {
  static constexpr int kLanes = kLanesOf, kRows = kRowsOf, kVectors = kVectorsOf, kColumns = kColumnsOf;
  static constexpr int kPerPanel = kPanel / kLanes;
  typedef float Floats __attribute__((vector_size(kLanes * 4)));
};

#define INLINE inline __attribute__((always_inline))

template <class L>
INLINE typename L::Floats LoadFloats(const float* from) {
  typename L::Floats values;
  memcpy(&values, from, sizeof(values));
  return values;
}

template <class L>
INLINE void StoreFloats(typename L::Floats values, float* to) {
  memcpy(to, &values, sizeof(values));
}

// NaN stays NaN.
template <class L>
INLINE typename L::Floats Clamp(typename L::Floats x, float low, float high) {
  const typename L::Floats lows = low - typename L::Floats{}, highs = high - typename L::Floats{};
  x = lows > x ? lows : x;
  return highs < x ? highs : x;
}

// kRows pixels times kVectors vectors of output channels, from the panel on.
template <class L, int kRows, int kVectors>
INLINE void ProductTile(const Product& p, int64_t pixel, int64_t panel) {
  typedef typename L::Floats Floats;
  Floats sums[kRows][kVectors] = {};
  const float* filter = p.filter + panel * p.k * kPanel;
  const float* a = p.a + pixel * kPanel;
  for (int64_t from = 0; from < p.k; from += kPanel, a += p.a_panel) {
    const int64_t lanes = p.k - from < kPanel ? p.k - from : kPanel;
    for (int64_t lane = 0; lane < lanes; lane++) {
      Floats w[kVectors];
#pragma GCC unroll 16
      for (int v = 0; v < kVectors; v++)
        w[v] = LoadFloats<L>(filter + (v / L::kPerPanel) * p.k * kPanel + (v % L::kPerPanel) * L::kLanes);
      filter += kPanel;
#pragma GCC unroll 16
      for (int row = 0; row < kRows; row++) {
        const float factor = a[row * kPanel + lane];
#pragma GCC unroll 16
        for (int v = 0; v < kVectors; v++) sums[row][v] += factor * w[v];
      }
    }
  }
#pragma GCC unroll 16
  for (int row = 0; row < kRows; row++) {
    const int64_t position = p.positions ? p.positions[pixel + row] : pixel + row;
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; v++) {
      const int64_t channel = (v % L::kPerPanel) * L::kLanes;
      const int64_t at = (panel + v / L::kPerPanel) * p.out_panel + position * kPanel + channel;
      Floats sum = sums[row][v] + LoadFloats<L>(p.bias + (panel + v / L::kPerPanel) * kPanel + channel);
      if (p.residual) sum += LoadFloats<L>(p.residual + at);
      StoreFloats<L>(Clamp<L>(sum, p.low, p.high), p.out + at);
    }
  }
}

// A tile of `rows` pixels, at most kRows.
template <class L, int kRows, int kVectors>
INLINE void ProductTileOf(int64_t rows, const Product& p, int64_t pixel, int64_t panel) {
  if (rows == kRows) return ProductTile<L, kRows, kVectors>(p, pixel, panel);
  if constexpr (kRows > 1) ProductTileOf<L, kRows - 1, kVectors>(rows, p, pixel, panel);
}

// All pixels, in tiles as even as possible.
template <class L, int kVectors>
INLINE void ProductPanel(const Product& p, int64_t panel) {
  const int64_t tiles = (p.pixels + L::kRows - 1) / L::kRows;
  for (int64_t tile = 0; tile < tiles; tile++) {
    const int64_t from = p.pixels * tile / tiles, to = p.pixels * (tile + 1) / tiles;
    ProductTileOf<L, L::kRows, kVectors>(to - from, p, from, panel);
  }
}

template <class L>
INLINE void ProductPanels(const Product& p, int64_t from, int64_t to) {
  constexpr int64_t kPanels = L::kVectors / L::kPerPanel;
  int64_t panel = from;
  for (; panel + kPanels <= to; panel += kPanels) ProductPanel<L, L::kVectors>(p, panel);
  for (; panel < to; panel++) ProductPanel<L, L::kPerPanel>(p, panel);
}

// kColumns neighbouring pixels of a row; kStride 0: any.
template <class L, int kColumns, int kStride>
INLINE void DepthwiseTile(const Depthwise& d, int64_t row, int64_t column, int64_t channel) {
  typedef typename L::Floats Floats;
  const int64_t stride = (kStride ? kStride : d.stride) * kPanel;
  Floats sums[kColumns] = {};
  const float* filter = d.filter + channel;
  for (int64_t u = 0; u < d.kernel; u++) {
    const float* x = d.x + (row * d.stride + u) * d.x_row + column * stride + channel;
    for (int64_t v = 0; v < d.kernel; v++, x += kPanel, filter += kPanel) {
      const Floats w = LoadFloats<L>(filter);
#pragma GCC unroll 16
      for (int i = 0; i < kColumns; i++) sums[i] += w * LoadFloats<L>(x + i * stride);
    }
  }
  const int64_t at = (row * d.width + column) * kPanel + channel;
#pragma GCC unroll 16
  for (int i = 0; i < kColumns; i++) {
    Floats sum = sums[i] + LoadFloats<L>(d.bias + channel);
    if (d.residual) sum += LoadFloats<L>(d.residual + at + i * kPanel);
    StoreFloats<L>(Clamp<L>(sum, d.low, d.high), d.out + at + i * kPanel);
  }
}

template <class L, int kColumns, int kStride>
INLINE void DepthwiseTileOf(int64_t columns, const Depthwise& d, int64_t row, int64_t column, int64_t channel) {
  if (columns == kColumns) return DepthwiseTile<L, kColumns, kStride>(d, row, column, channel);
  if constexpr (kColumns > 1) DepthwiseTileOf<L, kColumns - 1, kStride>(columns, d, row, column, channel);
}

template <class L, int kStride>
INLINE void DepthwiseRows(const Depthwise& d) {
  const int64_t tiles = (d.width + L::kColumns - 1) / L::kColumns;
  for (int64_t row = 0; row < d.rows; row++)
    for (int64_t channel = 0; channel < kPanel; channel += L::kLanes)
      for (int64_t tile = 0; tile < tiles; tile++) {
        const int64_t from = d.width * tile / tiles, to = d.width * (tile + 1) / tiles;
        DepthwiseTileOf<L, L::kColumns, kStride>(to - from, d, row, from, channel);
      }
}

template <class L>
INLINE void DepthwisePanel(const Depthwise& d) {
  if (d.stride == 1) return DepthwiseRows<L, 1>(d);
  if (d.stride == 2) return DepthwiseRows<L, 2>(d);
  DepthwiseRows<L, 0>(d);
}

// The largest value of a window, rows y.. and columns x.. of the maps.
template <class L>
INLINE void MaxOfWindow(const MaxPool& m, int64_t y, int64_t x, int64_t channel, float* to) {
  typedef typename L::Floats Floats;
  const int64_t top = y < 0 ? 0 : y, bottom = y + m.kernel < m.height ? y + m.kernel : m.height;
  const int64_t left = x < 0 ? 0 : x, right = x + m.kernel < m.width ? x + m.kernel : m.width;
  Floats largest = LoadFloats<L>(m.x + (top * m.width + left) * kPanel + channel);
  for (int64_t row = top; row < bottom; row++)
    for (int64_t column = left; column < right; column++) {
      const Floats value = LoadFloats<L>(m.x + (row * m.width + column) * kPanel + channel);
      largest = value > largest ? value : largest;
    }
  StoreFloats<L>(Clamp<L>(largest, m.low, m.high), to + channel);
}

template <class L>
INLINE void MaxPoolPanel(const MaxPool& m) {
  float* to = m.out;
  for (int64_t row = 0; row < m.out_height; row++)
    for (int64_t column = 0; column < m.out_width; column++, to += kPanel)
      for (int64_t channel = 0; channel < kPanel; channel += L::kLanes)
        MaxOfWindow<L>(m, row * m.stride - m.top, column * m.stride - m.left, channel, to);
}

// 2^n times a polynomial of the remainder, whose coefficients are those of expf in the Cephes library, as in
// engine/wasm/assembly/exp.ts. x is limited to -87...88, so that the result is a normal number.
template <class L>
INLINE typename L::Floats Exp(typename L::Floats x) {
  typedef typename L::Floats Floats;
  typedef int32_t Integers __attribute__((vector_size(L::kLanes * 4)));
  x = Clamp<L>(x, -87.0f, 88.0f);
  // Adding and subtracting this number rounds to the nearest whole one.
  const Floats magic = 12582912.0f - Floats{};
  const Floats n = (x * 1.44269504088896341f + magic) - magic;
  // ln 2 in two parts, of which n times the first is exact.
  Floats r = x - n * 0.693359375f;
  r = r + n * 2.12194440e-4f;
  Floats p = 1.9875691500e-4f - Floats{};
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = r * r * p + r + 1.0f;
  const Integers power = (__builtin_convertvector(n, Integers) + 127) << 23;
  Floats factor;
  memcpy(&factor, &power, sizeof(factor));
  return p * factor;
}

template <class L>
INLINE typename L::Floats ValueOf(typename L::Floats x, int32_t function, float alpha) {
  typedef typename L::Floats Floats;
  switch (function) {
    case kRelu:
      return Clamp<L>(x, 0, __builtin_inff());
    case kRelu6:
      return Clamp<L>(x, 0, 6);
    case kSigmoid:
      return 1.0f / (Exp<L>(-x) + 1.0f);
    case kSwish:
      return x / (Exp<L>(-x) + 1.0f);
    case kHardSigmoid:
      return Clamp<L>(x + 3.0f, 0, 6) / 6.0f;
    case kHardSwish:
      return x * Clamp<L>(x + 3.0f, 0, 6) / 6.0f;
    default:
      return x > Floats{} ? x : x * alpha;
  }
}

template <class L>
INLINE void ActivateAll(const Activation& a) {
  // A function at a time, so that no loop has a choice in it.
  const auto all = [&](int32_t function) __attribute__((always_inline)) {
    for (int64_t i = 0; i < a.size; i += L::kLanes)
      StoreFloats<L>(ValueOf<L>(LoadFloats<L>(a.x + i), function, a.alpha), a.out + i);
  };
  switch (a.function) {
    case kRelu: return all(kRelu);
    case kRelu6: return all(kRelu6);
    case kSigmoid: return all(kSigmoid);
    case kSwish: return all(kSwish);
    case kHardSigmoid: return all(kHardSigmoid);
    case kHardSwish: return all(kHardSwish);
    default: return all(kLeakyRelu);
  }
}

template <class L>
INLINE void AveragePoolPanel(const AveragePool& m) {
  typedef typename L::Floats Floats;
  float* to = m.out;
  for (int64_t row = 0; row < m.out_height; row++)
    for (int64_t column = 0; column < m.out_width; column++, to += kPanel) {
      const int64_t y = row * m.stride - m.top, x = column * m.stride - m.left;
      const int64_t top = y < 0 ? 0 : y, bottom = y + m.kernel < m.height ? y + m.kernel : m.height;
      const int64_t left = x < 0 ? 0 : x, right = x + m.kernel < m.width ? x + m.kernel : m.width;
      const float count = static_cast<float>((bottom - top) * (right - left));
      for (int64_t channel = 0; channel < kPanel; channel += L::kLanes) {
        Floats sum{};
        for (int64_t i = top; i < bottom; i++)
          for (int64_t j = left; j < right; j++) sum += LoadFloats<L>(m.x + (i * m.width + j) * kPanel + channel);
        StoreFloats<L>(sum / count, to + channel);
      }
    }
}

struct Sums {
  // The panels from..to of the output.
  void (*product)(const Product&, int64_t from, int64_t to);
  void (*depthwise)(const Depthwise&);
  void (*max_pool)(const MaxPool&);
  void (*activate)(const Activation&);
  void (*average_pool)(const AveragePool&);
};

#define SUMS_FOR(name, attributes, ...)                                                              \
  attributes void Product##name(const Product& p, int64_t from, int64_t to) {                         \
    ProductPanels<Level<__VA_ARGS__>>(p, from, to);                                                   \
  }                                                                                                   \
  attributes void Depthwise##name(const Depthwise& d) { DepthwisePanel<Level<__VA_ARGS__>>(d); } \
  attributes void MaxPool##name(const MaxPool& m) { MaxPoolPanel<Level<__VA_ARGS__>>(m); }        \
  attributes void Activate##name(const Activation& a) { ActivateAll<Level<__VA_ARGS__>>(a); }     \
  attributes void AveragePool##name(const AveragePool& m) { AveragePoolPanel<Level<__VA_ARGS__>>(m); }

// Levels: lanes, pixels of a tile, its vectors, and columns of a depthwise tile, by the number of vector registers.
SUMS_FOR(Any, static, 4, 4, 4, 4)
#if defined(__x86_64__)
SUMS_FOR(Avx2, __attribute__((target("avx2,fma"))) static, 8, 6, 2, 6)
SUMS_FOR(Avx512, __attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,avx2,fma,prefer-vector-width=512"))) static,
         16, 14, 2, 8)
#endif

// For the processor that runs this.
inline Sums ChooseSums() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq"))
    return {ProductAvx512, DepthwiseAvx512, MaxPoolAvx512, ActivateAvx512, AveragePoolAvx512};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return {ProductAvx2, DepthwiseAvx2, MaxPoolAvx2, ActivateAvx2, AveragePoolAvx2};
#endif
  return {ProductAny, DepthwiseAny, MaxPoolAny, ActivateAny, AveragePoolAny};
}
