// The inner loops of native.cc, once per level of processors (every_processor.h).

#include "products.h"
using Best = Level<kBestLanes, kBestRows, kBestVectors>;
using Floats = Best::Floats;

// kLanes floats, or fewer at the end of a row; zeros beyond.
template <bool kWhole>
INLINE Floats LoadLanes(const float* from, int64_t lanes) {
  if (kWhole) return Best::Load(from);
  Floats values = {};
  memcpy(&values, from, lanes * sizeof(float));
  return values;
}

template <bool kWhole>
INLINE void StoreLanes(const Floats& values, float* to, int64_t lanes) {
  if (kWhole) return Best::Store(values, to);
  memcpy(to, &values, lanes * sizeof(float));
}

template <int kVectors, bool kWhole = true>
struct Width {
  static constexpr int vectors = kVectors;
  static constexpr bool whole = kWhole;
};

// Calls `use` for all channels in groups of at most `kMost` vectors, with their width, the first channel, and how many.
template <int kMost, class Use>
INLINE void ForGroups(int64_t channels, const Use& use) {
  int64_t c = 0;
  for (; c + kMost * Best::kLanes <= channels; c += kMost * Best::kLanes) use(Width<kMost>(), c, kMost * Best::kLanes);
  for (; c + 2 * Best::kLanes <= channels; c += 2 * Best::kLanes) use(Width<2>(), c, 2 * Best::kLanes);
  for (; c + Best::kLanes <= channels; c += Best::kLanes) use(Width<1>(), c, Best::kLanes);
  if (c < channels) use(Width<1, false>(), c, channels - c);
}

// Calls `use` for each vector of each row, with its width, the channel, the index in the maps, and how many lanes.
template <class Use>
INLINE void ForVectors(int64_t rows, int64_t channels, const Use& use) {
  const int64_t whole = channels / Best::kLanes * Best::kLanes;
  for (int64_t row = 0, at = 0; row < rows; row++, at += channels) {
    for (int64_t c = 0; c < whole; c += Best::kLanes) use(Width<1>(), c, at + c, Best::kLanes);
    if (whole < channels) use(Width<1, false>(), whole, at + whole, channels - whole);
  }
}

// For each channel a value near its mean, and the sums of what differs from that and of its squares.
void MomentsOf(const float* x, int64_t rows, int64_t channels, float* near, float* sums, float* squares) {
  ForGroups<4>(channels, [&](auto width, int64_t c, int64_t lanes) __attribute__((always_inline)) {
    // Several sums at a time: each addition waits for the one before it.
    constexpr int kVectors = width.vectors, kRows = 8 / kVectors;
    Floats plain[kRows][kVectors] = {}, squared[kRows][kVectors] = {}, means[kVectors] = {};
    const auto add = [&](int64_t row, int i) __attribute__((always_inline)) {
      for (int v = 0; v < kVectors; v++) {
        const Floats value = LoadLanes<width.whole>(x + row * channels + c + v * Best::kLanes, lanes) - means[v];
        plain[i][v] += value;
        squared[i][v] += value * value;
      }
    };
    const auto store = [&](Floats (&all)[kRows][kVectors], int v, float* to) __attribute__((always_inline)) {
      for (int i = 1; i < kRows; i++) all[0][v] += all[i][v];
      StoreLanes<width.whole>(all[0][v], to + c + v * Best::kLanes, lanes);
    };
    for (int pass = 0; pass < 2; pass++) {
      int64_t row = 0;
      for (; row + kRows <= rows; row += kRows)
        for (int i = 0; i < kRows; i++) add(row + i, i);
      for (; row < rows; row++) add(row, 0);
      if (pass == 1) break;
      for (int v = 0; v < kVectors; v++) {
        for (int i = 1; i < kRows; i++) plain[0][v] += plain[i][v];
        means[v] = plain[0][v] / static_cast<float>(rows);
        StoreLanes<width.whole>(means[v], near + c + v * Best::kLanes, lanes);
        for (int i = 0; i < kRows; i++) plain[i][v] = squared[i][v] = Floats{};
      }
    }
    for (int v = 0; v < kVectors; v++) {
      store(plain, v, sums);
      store(squared, v, squares);
    }
  });
}

// Both passes of an activation compute it alike, so that they agree about what is above zero.
INLINE Floats NormaliseVector(Floats centred, Floats slope, Floats offset) { return centred * slope + offset; }

template <bool kAdds, bool kRelu>
INLINE void NormaliseRows(const Normalised& n, int64_t from, int64_t rows) {
  const Coefficients& k = n.coefficients;
  const int64_t start = from * k.channels;
  ForVectors(rows, k.channels, [&](auto width, int64_t c, int64_t at, int64_t lanes) __attribute__((always_inline)) {
    const auto load = [&](const float* data) __attribute__((always_inline)) {
      return LoadLanes<width.whole>(data, lanes);
    };
    Floats y = NormaliseVector(load(n.x + start + at) - load(k.mean + c), load(k.slope + c), load(k.offset + c));
    if (kAdds) y += load(n.other + start + at);
    // NaN stays NaN.
    if (kRelu) y = Floats{} > y ? Floats{} : y;
    StoreLanes<width.whole>(y, n.y + start + at, lanes);
  });
}

void Normalise(const Normalised& n, int64_t from, int64_t rows) {
  if (n.other && n.relu) return NormaliseRows<true, true>(n, from, rows);
  if (n.other) return NormaliseRows<true, false>(n, from, rows);
  if (n.relu) return NormaliseRows<false, true>(n, from, rows);
  NormaliseRows<false, false>(n, from, rows);
}

// dy where the relu after the normalisation let it pass.
template <bool kRelu>
INLINE Floats Passing(Floats dy, Floats centred, Floats slope, Floats offset) {
  if (!kRelu) return dy;
  return NormaliseVector(centred, slope, offset) > 0 ? dy : Floats{};
}

template <bool kRelu>
INLINE void SumRows(const Coefficients& k, const float* x, const float* dy, int64_t rows, float* sums) {
  ForGroups<2>(k.channels, [&](auto width, int64_t c, int64_t lanes) __attribute__((always_inline)) {
    constexpr int kVectors = width.vectors;
    Floats plain[kVectors] = {}, products[kVectors] = {}, mean[kVectors], slope[kVectors], offset[kVectors];
    for (int v = 0; v < kVectors; v++) {
      const int64_t at = c + v * Best::kLanes;
      mean[v] = LoadLanes<width.whole>(k.mean + at, lanes);
      slope[v] = LoadLanes<width.whole>(k.slope + at, lanes);
      offset[v] = LoadLanes<width.whole>(k.offset + at, lanes);
    }
    for (int64_t row = 0; row < rows; row++)
      for (int v = 0; v < kVectors; v++) {
        const int64_t at = row * k.channels + c + v * Best::kLanes;
        const Floats centred = LoadLanes<width.whole>(x + at, lanes) - mean[v];
        const Floats passing = Passing<kRelu>(LoadLanes<width.whole>(dy + at, lanes), centred, slope[v], offset[v]);
        plain[v] += passing;
        products[v] += passing * centred;
      }
    for (int v = 0; v < kVectors; v++) {
      StoreLanes<width.whole>(plain[v], sums + c + v * Best::kLanes, lanes);
      StoreLanes<width.whole>(products[v], sums + k.channels + c + v * Best::kLanes, lanes);
    }
  });
}

void SumGradients(const Coefficients& k, bool relu, const float* x, const float* dy, int64_t rows, float* sums) {
  return relu ? SumRows<true>(k, x, dy, rows, sums) : SumRows<false>(k, x, dy, rows, sums);
}

template <bool kRelu>
INLINE void DifferentiateRows(const Coefficients& k, const Slopes& slopes, const float* x, const float* dy, int64_t rows,
                              float* dx) {
  ForVectors(rows, k.channels, [&](auto width, int64_t c, int64_t at, int64_t lanes) __attribute__((always_inline)) {
    const auto load = [&](const float* data) __attribute__((always_inline)) {
      return LoadLanes<width.whole>(data, lanes);
    };
    const Floats centred = load(x + at) - load(k.mean + c);
    const Floats passing = Passing<kRelu>(load(dy + at), centred, load(k.slope + c), load(k.offset + c));
    const Floats common = centred * load(slopes.of_x + c) + load(slopes.constant + c);
    StoreLanes<width.whole>(passing * load(k.slope + c) + common, dx + at, lanes);
  });
}

void Differentiate(const Coefficients& k, const Slopes& slopes, bool relu, const float* x, const float* dy, int64_t rows,
                   float* dx) {
  if (relu) return DifferentiateRows<true>(k, slopes, x, dy, rows, dx);
  DifferentiateRows<false>(k, slopes, x, dy, rows, dx);
}

// The gradient of maxima, each at its index in its window, zeros elsewhere: for the rows of pixels of one row of windows.
void Scatter(const Maxima& m, int64_t unit, float* to) {
  typedef int32_t Integers __attribute__((vector_size(Best::kLanes * 4)));
  typedef uint8_t Bytes __attribute__((vector_size(Best::kLanes)));
  const Window& w = m.window;
  const int64_t row = unit % w.out_height, top = w.FirstRow(row);
  const int64_t pixels = (w.FirstRow(row + 1) - top) * w.width;
  memset(to, 0, pixels * m.channels * sizeof(float));
  const int64_t y0 = row * w.stride_height - w.top;
  for (int64_t column = 0; column < w.out_width; column++) {
    const int64_t x0 = column * w.stride_width - w.left, from = (unit * w.out_width + column) * m.channels;
    ForVectors(1, m.channels, [&](auto width, int64_t c, int64_t at, int64_t lanes) __attribute__((always_inline)) {
      const Floats dy = LoadLanes<width.whole>(m.dy + from + c, lanes);
      Bytes bytes = {};
      memcpy(&bytes, m.indices + from + c, width.whole ? sizeof(bytes) : lanes);
      const Integers indices = __builtin_convertvector(bytes, Integers);
      for (int64_t i = 0; i < w.kernel_height * w.kernel_width; i++) {
        const int64_t y = y0 + i / w.kernel_width, x = x0 + i % w.kernel_width;
        if (y < 0 || y >= w.height || x < 0 || x >= w.width) continue;
        const Floats here = indices == static_cast<int32_t>(i) ? dy : Floats{};
        StoreLanes<width.whole>(here, to + ((y - top) * w.width + x) * m.channels + c, lanes);
      }
    });
  }
}

constexpr Kernels kernels{MomentsOf, Normalise, SumGradients, Differentiate, Scatter};
