// The inner loops of native.cc, once per level of processors (every_processor.h).

#include "products.h"
using Best = Level<kBestLanes, kBestRows, kBestVectors>;
using Floats = Best::Floats;

// Calls `use` with the row and column in the output of each tile's first pixel, and its picture.
template <class Use>
INLINE void ForTiles(const Geometry& g, Range block, const Use& use) {
  const int64_t across = g.TilesAcross(), down = g.TilesDown();
  for (int64_t i = 0; i < block.count; i++) {
    const int64_t tile = block.from + i;
    use(i, tile / (across * down), tile / across % down * g.tile, tile % across * g.tile);
  }
}

// Where each of kRows x kRows pixels of maps [height, width, channels] begins, from a pixel that may lie outside; those
// outside are zeros.
template <int kRows>
INLINE void Locate(const float* maps, int64_t height, int64_t width, int64_t channels, int64_t y, int64_t x,
                   const float* zeros, const float* (&pixels)[kRows][kRows]) {
  for (int i = 0; i < kRows; i++) {
    const bool row = y + i >= 0 && y + i < height;
    for (int j = 0; j < kRows; j++)
      pixels[i][j] = row && x + j >= 0 && x + j < width ? maps + ((y + i) * width + x + j) * channels : zeros;
  }
}

// Transforms along one axis, of tiles of four outputs: those of Toom and Cook for the points 0, +-5/8, +-3/2 and infinity,
// whose powers are exact. The root mean square error of the results is about twice that of adding the products one after the
// other; with the points +-1 and +-2 it would be four times.
struct Large {
  static constexpr int kOutputs = kLargeTile, kTile = kOutputs + kKernel - 1;
  static constexpr float kA = 0.625f, kA2 = kA * kA, kA3 = kA2 * kA, kB = 1.5f, kB2 = kB * kB, kB3 = kB2 * kB;
  // What Lagrange's polynomials of these points are divided by.
  static constexpr float kZeroScale = 1 / (kA2 * kB2), kAScale = 1 / (2 * kA2 * (kA2 - kB2)),
                         kBScale = 1 / (2 * kB2 * (kB2 - kA2));

  // V = B'dB
  static INLINE void Inputs(const Floats (&d)[kTile], Floats (&v)[kTile]) {
    const Floats a_even = d[4] - kB2 * d[2], a_odd = kA * (d[3] - kB2 * d[1]);
    const Floats b_even = d[4] - kA2 * d[2], b_odd = kB * (d[3] - kA2 * d[1]);
    v[0] = kA2 * kB2 * d[0] - (kA2 + kB2) * d[2] + d[4];
    v[1] = a_even + a_odd, v[2] = a_even - a_odd, v[3] = b_even + b_odd, v[4] = b_even - b_odd;
    v[5] = kA2 * kB2 * d[1] - (kA2 + kB2) * d[3] + d[5];
  }

  // A'MA
  static INLINE void Outputs(const Floats (&m)[kTile], Floats (&y)[kOutputs]) {
    const Floats a_sum = m[1] + m[2], a_difference = m[1] - m[2], b_sum = m[3] + m[4], b_difference = m[3] - m[4];
    y[0] = m[0] + a_sum + b_sum;
    y[1] = kA * a_difference + kB * b_difference;
    y[2] = kA2 * a_sum + kB2 * b_sum;
    y[3] = kA3 * a_difference + kB3 * b_difference + m[5];
  }

  // A dy A', the transpose of Outputs.
  static INLINE void Gradients(const Floats (&d)[kOutputs], Floats (&w)[kTile]) {
    const Floats a_even = d[0] + kA2 * d[2], a_odd = kA * d[1] + kA3 * d[3];
    const Floats b_even = d[0] + kB2 * d[2], b_odd = kB * d[1] + kB3 * d[3];
    w[0] = d[0], w[1] = a_even + a_odd, w[2] = a_even - a_odd, w[3] = b_even + b_odd, w[4] = b_even - b_odd, w[5] = d[3];
  }

  // U = GgG'
  static INLINE void Weights(const Floats (&g)[kKernel], Floats (&u)[kTile]) {
    const Floats a_even = (g[0] + kA2 * g[2]) * kAScale, a_odd = g[1] * (kA * kAScale);
    const Floats b_even = (g[0] + kB2 * g[2]) * kBScale, b_odd = g[1] * (kB * kBScale);
    u[0] = g[0] * kZeroScale, u[1] = a_even + a_odd, u[2] = a_even - a_odd;
    u[3] = b_even + b_odd, u[4] = b_even - b_odd, u[5] = g[2];
  }

  // G'sG, the transpose of Weights.
  static INLINE void Back(const Floats (&s)[kTile], Floats (&g)[kKernel]) {
    const Floats a_sum = (s[1] + s[2]) * kAScale, b_sum = (s[3] + s[4]) * kBScale;
    g[0] = s[0] * kZeroScale + a_sum + b_sum;
    g[1] = (s[1] - s[2]) * (kA * kAScale) + (s[3] - s[4]) * (kB * kBScale);
    g[2] = kA2 * a_sum + kB2 * b_sum + s[5];
  }
};

// The same of tiles of two outputs, for the points 0, +-1 and infinity.
struct Small {
  static constexpr int kOutputs = kSmallTile, kTile = kOutputs + kKernel - 1;

  static INLINE void Inputs(const Floats (&d)[kTile], Floats (&v)[kTile]) {
    v[0] = d[0] - d[2], v[1] = d[1] + d[2], v[2] = d[2] - d[1], v[3] = d[1] - d[3];
  }

  static INLINE void Outputs(const Floats (&m)[kTile], Floats (&y)[kOutputs]) {
    y[0] = m[0] + m[1] + m[2], y[1] = m[1] - m[2] - m[3];
  }

  static INLINE void Gradients(const Floats (&d)[kOutputs], Floats (&w)[kTile]) {
    w[0] = d[0], w[1] = d[0] + d[1], w[2] = d[0] - d[1], w[3] = -d[1];
  }

  static INLINE void Weights(const Floats (&g)[kKernel], Floats (&u)[kTile]) {
    const Floats ends = (g[0] + g[2]) * 0.5f, middle = g[1] * 0.5f;
    u[0] = g[0], u[1] = ends + middle, u[2] = ends - middle, u[3] = g[2];
  }

  static INLINE void Back(const Floats (&s)[kTile], Floats (&g)[kKernel]) {
    const Floats sum = (s[1] + s[2]) * 0.5f;
    g[0] = s[0] + sum, g[1] = (s[1] - s[2]) * 0.5f, g[2] = sum + s[3];
  }
};

// Transforms a square kFrom wide to one kTo wide, along both axes: load(row, column), store(row, column, value).
template <int kFrom, int kTo, class Axis, class Load, class Store>
INLINE void BothAxes(const Axis& axis, const Load& load, const Store& store) {
  Floats half[kTo][kFrom];
#pragma GCC unroll 6
  for (int column = 0; column < kFrom; column++) {
    Floats from[kFrom], to[kTo];
#pragma GCC unroll 6
    for (int row = 0; row < kFrom; row++) from[row] = load(row, column);
    axis(from, to);
#pragma GCC unroll 6
    for (int row = 0; row < kTo; row++) half[row][column] = to[row];
  }
#pragma GCC unroll 6
  for (int row = 0; row < kTo; row++) {
    Floats to[kTo];
    axis(half[row], to);
#pragma GCC unroll 6
    for (int column = 0; column < kTo; column++) store(row, column, to[column]);
  }
}

// v [Places, PlaceSize(count, channels)]
template <class F>
INLINE void TransformInputs(const Geometry& g, const float* x, Range channels, Range block, const float* zeros, float* v) {
  const int64_t place = PlaceSize(block.count, channels.count);
  ForTiles(g, block, [&](int64_t i, int64_t picture, int64_t row, int64_t column) __attribute__((always_inline)) {
    const float* pixels[F::kTile][F::kTile];
    Locate(x + picture * g.height * g.width * g.inputs, g.height, g.width, g.inputs, row - g.top, column - g.left, zeros,
           pixels);
    float* to = v + i * channels.count;
    for (int64_t c = channels.from; c < channels.from + channels.count; c += Best::kLanes, to += Best::kLanes)
      BothAxes<F::kTile, F::kTile>(
          F::Inputs, [&](int a, int b) { return Best::Load(pixels[a][b] + c); },
          [&](int a, int b, const Floats& value) { Best::Store(value, to + (a * F::kTile + b) * place); });
  });
}

// m [Places, PlaceSize(count, outputs)] -> y = A'MA, as far as it is inside.
template <class F>
INLINE void TransformOutputs(const Geometry& g, const float* m, Range block, float* y) {
  const int64_t place = PlaceSize(block.count, g.outputs);
  ForTiles(g, block, [&](int64_t i, int64_t picture, int64_t row, int64_t column) __attribute__((always_inline)) {
    float* to = y + ((picture * g.out_height + row) * g.out_width + column) * g.outputs;
    const int64_t rows = g.out_height - row, columns = g.out_width - column;
    const float* from = m + i * g.outputs;
    for (int64_t c = 0; c < g.outputs; c += Best::kLanes)
      BothAxes<F::kTile, F::kOutputs>(
          F::Outputs, [&](int a, int b) { return Best::Load(from + (a * F::kTile + b) * place + c); },
          [&](int a, int b, const Floats& value) {
            if (a < rows && b < columns) Best::Store(value, to + (a * g.out_width + b) * g.outputs + c);
          });
  });
}

// w [Places, PlaceSize(count, outputs)] = A dy A'
template <class F>
INLINE void TransformGradients(const Geometry& g, const float* dy, Range block, const float* zeros, float* w) {
  const int64_t place = PlaceSize(block.count, g.outputs);
  ForTiles(g, block, [&](int64_t i, int64_t picture, int64_t row, int64_t column) __attribute__((always_inline)) {
    const float* pixels[F::kOutputs][F::kOutputs];
    Locate(dy + picture * g.out_height * g.out_width * g.outputs, g.out_height, g.out_width, g.outputs, row, column, zeros,
           pixels);
    float* to = w + i * g.outputs;
    for (int64_t c = 0; c < g.outputs; c += Best::kLanes)
      BothAxes<F::kOutputs, F::kTile>(
          F::Gradients, [&](int a, int b) { return Best::Load(pixels[a][b] + c); },
          [&](int a, int b, const Floats& value) { Best::Store(value, to + (a * F::kTile + b) * place + c); });
  });
}

template <class F>
void TransformFilter(const float* filter, int64_t inputs, int64_t outputs, int64_t input, float* u) {
  const float* from = filter + input * outputs;
  const int64_t size = inputs * outputs;
  for (int64_t c = 0; c < outputs; c += Best::kLanes) {
    float* to = u + PackedIndex<Best>(inputs, outputs, input, c);
    BothAxes<kKernel, F::kTile>(
        F::Weights, [&](int a, int b) { return Best::Load(from + (a * kKernel + b) * size + c); },
        [&](int a, int b, const Floats& value) { Best::Store(value, to + (a * F::kTile + b) * PlaceSize(inputs, outputs)); });
  }
}

template <class F>
void TransformGradient(const float* sums, int64_t inputs, int64_t outputs, int64_t input, float* gradient) {
  const float* from = sums + input * outputs;
  float* to = gradient + input * outputs;
  const int64_t size = inputs * outputs;
  for (int64_t c = 0; c < outputs; c += Best::kLanes)
    BothAxes<F::kTile, kKernel>(
        F::Back, [&](int a, int b) { return Best::Load(from + (a * F::kTile + b) * PlaceSize(inputs, outputs) + c); },
        [&](int a, int b, const Floats& value) { Best::Store(value, to + (a * kKernel + b) * size + c); });
}

template <class F>
void ConvolveBlock(const Convolution& conv, Range block, float* v, float* m, const float* zeros) {
  const Geometry& g = conv.g;
  TransformInputs<F>(g, conv.x, {0, g.inputs}, block, zeros, v);
  for (int64_t place = 0; place < g.Places(); place++)
    Multiply<Best>({v + place * PlaceSize(block.count, g.inputs), g.inputs, conv.u + place * PlaceSize(g.inputs, g.outputs),
                    m + place * PlaceSize(block.count, g.outputs), g.outputs, block.count, g.inputs, g.outputs, nullptr, 0, 0});
  TransformOutputs<F>(g, m, block, conv.y);
}

template <class F>
void AddFilterBlock(const FilterSums& f, Range block, float* v, float* w, const float* zeros, float* sums) {
  const Geometry& g = f.g;
  const int64_t channels = f.channels.count;
  TransformInputs<F>(g, f.x, f.channels, block, zeros, v);
  TransformGradients<F>(g, f.dy, block, zeros, w);
  for (int64_t place = 0; place < g.Places(); place++)
    AddOuter<Best>({v + place * PlaceSize(block.count, channels), channels,
                    w + place * PlaceSize(block.count, g.outputs), block.count, channels, g.outputs,
                    sums + place * PlaceSize(g.inputs, g.outputs) + f.channels.from * g.outputs});
}

template <class F>
constexpr TileKernels tile_kernels{TransformFilter<F>, ConvolveBlock<F>, AddFilterBlock<F>, TransformGradient<F>};

constexpr Kernels kernels{tile_kernels<Small>, tile_kernels<Large>};
