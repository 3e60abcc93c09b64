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
    use(i, tile / (across * down), tile / across % down * 2, tile % across * 2);
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

// One axis of V = B'dB.
INLINE void Inputs(Floats& a, Floats& b, Floats& c, Floats& d) {
  const Floats first = a - c, second = b + c, third = c - b, fourth = b - d;
  a = first, b = second, c = third, d = fourth;
}

// v [kPlaces, PlaceSize(count, channels)]
INLINE void TransformInputs(const Geometry& g, const float* x, Range channels, Range block, const float* zeros, float* v) {
  const int64_t place = PlaceSize(block.count, channels.count);
  ForTiles(g, block, [&](int64_t i, int64_t picture, int64_t row, int64_t column) __attribute__((always_inline)) {
    const float* pixels[kTile][kTile];
    Locate(x + picture * g.height * g.width * g.inputs, g.height, g.width, g.inputs, row - g.top, column - g.left, zeros,
           pixels);
    float* to = v + i * channels.count;
    for (int64_t c = channels.from; c < channels.from + channels.count; c += Best::kLanes, to += Best::kLanes) {
      Floats d[kTile][kTile];
#pragma GCC unroll 4
      for (int a = 0; a < kTile; a++) {
#pragma GCC unroll 4
        for (int b = 0; b < kTile; b++) d[a][b] = Best::Load(pixels[a][b] + c);
        Inputs(d[a][0], d[a][1], d[a][2], d[a][3]);
      }
#pragma GCC unroll 4
      for (int b = 0; b < kTile; b++) {
        Inputs(d[0][b], d[1][b], d[2][b], d[3][b]);
#pragma GCC unroll 4
        for (int a = 0; a < kTile; a++) Best::Store(d[a][b], to + (a * kTile + b) * place);
      }
    }
  });
}

// m [kPlaces, PlaceSize(count, outputs)] -> y = A'MA, as far as it is inside.
INLINE void TransformOutputs(const Geometry& g, const float* m, Range block, float* y) {
  const int64_t place = PlaceSize(block.count, g.outputs);
  ForTiles(g, block, [&](int64_t i, int64_t picture, int64_t row, int64_t column) __attribute__((always_inline)) {
    float* to = y + ((picture * g.out_height + row) * g.out_width + column) * g.outputs;
    const bool right = column + 1 < g.out_width, below = row + 1 < g.out_height;
    const float* from = m + i * g.outputs;
    for (int64_t c = 0; c < g.outputs; c += Best::kLanes) {
      Floats s[2][kTile];
#pragma GCC unroll 4
      for (int b = 0; b < kTile; b++) {
        const Floats m0 = Best::Load(from + b * place + c), m1 = Best::Load(from + (kTile + b) * place + c);
        const Floats m2 = Best::Load(from + (2 * kTile + b) * place + c);
        const Floats m3 = Best::Load(from + (3 * kTile + b) * place + c);
        s[0][b] = m0 + m1 + m2;
        s[1][b] = m1 - m2 - m3;
      }
      Best::Store(s[0][0] + s[0][1] + s[0][2], to + c);
      if (right) Best::Store(s[0][1] - s[0][2] - s[0][3], to + g.outputs + c);
      if (!below) continue;
      float* next = to + g.out_width * g.outputs + c;
      Best::Store(s[1][0] + s[1][1] + s[1][2], next);
      if (right) Best::Store(s[1][1] - s[1][2] - s[1][3], next + g.outputs);
    }
  });
}

// w [kPlaces, PlaceSize(count, outputs)] = A dy A', the transpose of the above.
INLINE void TransformGradients(const Geometry& g, const float* dy, Range block, const float* zeros, float* w) {
  const int64_t place = PlaceSize(block.count, g.outputs);
  ForTiles(g, block, [&](int64_t i, int64_t picture, int64_t row, int64_t column) __attribute__((always_inline)) {
    const float* pixels[2][2];
    Locate(dy + picture * g.out_height * g.out_width * g.outputs, g.out_height, g.out_width, g.outputs, row, column, zeros,
           pixels);
    float* to = w + i * g.outputs;
    for (int64_t c = 0; c < g.outputs; c += Best::kLanes, to += Best::kLanes) {
      Floats s[kTile][2];
#pragma GCC unroll 2
      for (int b = 0; b < 2; b++) {
        const Floats d0 = Best::Load(pixels[0][b] + c), d1 = Best::Load(pixels[1][b] + c);
        s[0][b] = d0, s[1][b] = d0 + d1, s[2][b] = d0 - d1, s[3][b] = -d1;
      }
#pragma GCC unroll 4
      for (int a = 0; a < kTile; a++) {
        float* at = to + a * kTile * place;
        Best::Store(s[a][0], at);
        Best::Store(s[a][0] + s[a][1], at + place);
        Best::Store(s[a][0] - s[a][1], at + 2 * place);
        Best::Store(-s[a][1], at + 3 * place);
      }
    }
  });
}

// One axis of U = GgG'.
INLINE void Weights(Floats a, Floats b, Floats c, Floats (&to)[kTile]) {
  const Floats ends = (a + c) * 0.5f, middle = b * 0.5f;
  to[0] = a, to[1] = ends + middle, to[2] = ends - middle, to[3] = c;
}

void TransformFilter(const float* filter, int64_t inputs, int64_t outputs, int64_t input, float* u) {
  const float* from = filter + input * outputs;
  const int64_t size = inputs * outputs;
  for (int64_t c = 0; c < outputs; c += Best::kLanes) {
    float* to = u + PackedIndex<Best>(inputs, outputs, input, c);
    Floats half[kKernel][kTile];
#pragma GCC unroll 3
    for (int b = 0; b < kKernel; b++)
      Weights(Best::Load(from + b * size + c), Best::Load(from + (kKernel + b) * size + c),
              Best::Load(from + (2 * kKernel + b) * size + c), half[b]);
#pragma GCC unroll 4
    for (int a = 0; a < kTile; a++) {
      Floats weights[kTile];
      Weights(half[0][a], half[1][a], half[2][a], weights);
#pragma GCC unroll 4
      for (int b = 0; b < kTile; b++) Best::Store(weights[b], to + (a * kTile + b) * size);
    }
  }
}

// One axis of G'sG.
INLINE void Back(Floats a, Floats b, Floats c, Floats d, Floats (&to)[kKernel]) {
  const Floats sum = (b + c) * 0.5f;
  to[0] = a + sum, to[1] = (b - c) * 0.5f, to[2] = sum + d;
}

void TransformGradient(const float* sums, int64_t inputs, int64_t outputs, int64_t input, float* gradient) {
  const float* from = sums + input * outputs;
  float* to = gradient + input * outputs;
  const int64_t size = inputs * outputs;
  for (int64_t c = 0; c < outputs; c += Best::kLanes) {
    Floats half[kTile][kKernel];
#pragma GCC unroll 4
    for (int b = 0; b < kTile; b++)
      Back(Best::Load(from + b * size + c), Best::Load(from + (kTile + b) * size + c),
           Best::Load(from + (2 * kTile + b) * size + c), Best::Load(from + (3 * kTile + b) * size + c), half[b]);
#pragma GCC unroll 3
    for (int a = 0; a < kKernel; a++) {
      Floats g[kKernel];
      Back(half[0][a], half[1][a], half[2][a], half[3][a], g);
#pragma GCC unroll 3
      for (int b = 0; b < kKernel; b++) Best::Store(g[b], to + (a * kKernel + b) * size + c);
    }
  }
}

void ConvolveBlock(const Convolution& conv, Range block, float* v, float* m, const float* zeros) {
  const Geometry& g = conv.g;
  TransformInputs(g, conv.x, {0, g.inputs}, block, zeros, v);
  for (int64_t place = 0; place < kPlaces; place++)
    Multiply<Best>({v + place * PlaceSize(block.count, g.inputs), g.inputs, conv.u + place * g.inputs * g.outputs,
                    m + place * PlaceSize(block.count, g.outputs), g.outputs, block.count, g.inputs, g.outputs, nullptr, 0, 0});
  TransformOutputs(g, m, block, conv.y);
}

void AddFilterBlock(const FilterSums& f, Range block, float* v, float* w, const float* zeros, float* sums) {
  const Geometry& g = f.g;
  const int64_t channels = f.channels.count;
  TransformInputs(g, f.x, f.channels, block, zeros, v);
  TransformGradients(g, f.dy, block, zeros, w);
  for (int64_t place = 0; place < kPlaces; place++)
    AddOuter<Best>({v + place * PlaceSize(block.count, channels), channels,
                    w + place * PlaceSize(block.count, g.outputs), block.count, channels, g.outputs, sums + (place * g.inputs + f.channels.from) * g.outputs});
}

constexpr Kernels kernels{TransformFilter, ConvolveBlock, AddFilterBlock, TransformGradient};
