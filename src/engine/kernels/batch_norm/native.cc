// Batch normalisation by the batch's own statistics, fused with what surrounds it: the relu after it, the addition between
// them, and the max-pooling after the relu.
//
// Statistics: one pass over x. Each block of rows, small enough for the cache, is read twice there: for its mean, and for the
// squares of what differs from that. The blocks' are combined in double precision (Chan, Golub and LeVeque 1983,
// "Algorithms for computing the sample variance", section 3), so that a mean far from zero costs no accuracy.
// Gradient (Ioffe and Szegedy 2015, section 3, simplified): one pass for the sums of dy and of dy (x - mean), one for dx. What
// the relu let pass is computed from x again, which reads less than y would.
//
// x [..., channels]. A batch is cut into blocks, and these are shared by portions, by the shapes alone, so that the results
// do not depend on the number of threads.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <vector>

#include "operation.h"
#include "vectors.h"

namespace {

// What a normalisation is: (x - mean) * slope + offset, each [channels]. One tensor holds them, in this order.
struct Coefficients {
  int64_t channels;
  const float *mean, *slope, *offset;

  explicit Coefficients(const Tensor& all) : channels(all.size() / 3), mean(all.data<float>()) {
    slope = mean + channels;
    offset = slope + channels;
  }
};

// y = (x - mean) * slope + offset (+ other), and relu of it where wanted.
struct Normalised {
  Coefficients coefficients;
  const float *x, *other;  // other: null for none
  float* y;
  bool relu;
};

// dx = dy * slope + (x - mean) * of_x + constant
struct Slopes {
  const float *of_x, *constant;
};

// Sizes of a max-pooling whose windows do not overlap. Each row of windows has the rows of pixels from its own first one to the
// next window's, the last one those down to the end.
struct Window {
  int64_t kernel_height, kernel_width, stride_height, stride_width, top, left, height, width, out_height, out_width;

  int64_t FirstRow(int64_t row) const {
    return row == 0 ? 0 : row == out_height ? height : row * stride_height - top;
  }
};

// dy and the indices of the maxima in their windows, [batch, out_height, out_width, channels].
struct Maxima {
  Window window;
  int64_t channels;
  const float* dy;
  const uint8_t* indices;
};

// What native_kernels.h computes, for a level of processors.
struct Kernels {
  // Of some rows: a value near each channel's mean, and the sums of what differs from it and of its squares, [channels] each.
  void (*moments)(const float* x, int64_t rows, int64_t channels, float* near, float* sums, float* squares);
  void (*normalise)(const Normalised&, int64_t from, int64_t rows);
  // Of some rows: the sums of dy and of dy (x - mean), [2, channels].
  void (*sum_gradients)(const Coefficients&, bool relu, const float* x, const float* dy, int64_t rows, float* sums);
  void (*differentiate)(const Coefficients&, const Slopes&, bool relu, const float* x, const float* dy, int64_t rows,
                        float* dx);
  // For a row of windows.
  void (*scatter)(const Maxima&, int64_t row, float* to);
};

#define KERNELS "../kernels/batch_norm/native_kernels.h"
#include "every_processor.h"

constexpr int64_t kBlock = 1 << 14;  // floats that stay in the second cache
constexpr int64_t kPortions = 32;

// Blocks of rows, each with its first row and their number.
struct Blocks {
  int64_t rows, length;

  Blocks(int64_t rows, int64_t channels) : rows(rows), length(std::max<int64_t>(kBlock / channels, 8)) {}
  int64_t count() const { return (rows + length - 1) / length; }
  int64_t from(int64_t block) const { return block * length; }
  int64_t rowsOf(int64_t block) const { return std::min(length, rows - from(block)); }
};

// Statistics of some rows, in double precision: each channel's mean, and the sum of the squares of what differs from it.
struct Moments {
  int64_t rows = 0;
  std::vector<double> mean, squares;

  explicit Moments(int64_t channels) : mean(channels), squares(channels) {}

  // more(c): the mean and the squares of channel c over more rows.
  template <class More>
  void Add(int64_t more_rows, const More& more) {
    const double share = static_cast<double>(more_rows) / (rows + more_rows), weight = share * rows;
    for (size_t c = 0; c < mean.size(); c++) {
      const auto [mean_of_more, squares_of_more] = more(c);
      const double distance = mean_of_more - mean[c];
      mean[c] += distance * share;
      squares[c] += squares_of_more + distance * distance * weight;
    }
    rows += more_rows;
  }
};

struct MeanAndSquares {
  double mean, squares;
};

struct Options {
  float epsilon;
};

void* CreateStatistics(TF_OpKernelConstruction* construction) { return new Options{FloatOf(construction, "epsilon")}; }

template <class T>
void Destroy(void* kernel) {
  delete static_cast<T*>(kernel);
}

double Inverse(float variance, float epsilon) { return 1 / std::sqrt(static_cast<double>(variance) + epsilon); }

// x, scale, offset -> mean, variance, coefficients [3, channels]
void ComputeStatistics(void* kernel, TF_OpKernelContext* context) {
  const float epsilon = static_cast<Options*>(kernel)->epsilon;
  Call call(context);
  Tensor x, scale, offset, mean, variance, coefficients;
  call.inputs({&x, &scale, &offset});
  if (!call.ok()) return;
  const int64_t channels = scale.size(), rows = x.size() / channels;
  call.output(0, TF_FLOAT, {channels}, mean);
  call.output(1, TF_FLOAT, {channels}, variance);
  call.output(2, TF_FLOAT, {3, channels}, coefficients);
  if (!call.ok()) return;
  const Blocks blocks(rows, channels);
  const int64_t portions = std::min(kPortions, blocks.count());
  std::vector<Moments> moments(portions, Moments(channels));
#pragma omp parallel
  {
    Buffer near(channels), sums(channels), squares(channels);
#pragma omp for schedule(dynamic)
    for (int64_t portion = 0; portion < portions; portion++) {
      const int64_t to = blocks.count() * (portion + 1) / portions;
      for (int64_t block = blocks.count() * portion / portions; block < to; block++) {
        const int64_t count = blocks.rowsOf(block);
        Best().moments(x.data<float>() + blocks.from(block) * channels, count, channels, near.data(), sums.data(),
                       squares.data());
        moments[portion].Add(count, [&](int64_t c) {
          const double distance = static_cast<double>(sums.data()[c]) / count;
          return MeanAndSquares{near.data()[c] + distance, squares.data()[c] - distance * sums.data()[c]};
        });
      }
    }
  }
  Moments all(channels);
  for (const Moments& one : moments)
    all.Add(one.rows, [&](int64_t c) { return MeanAndSquares{one.mean[c], one.squares[c]}; });
  float* of = coefficients.data<float>();
  for (int64_t c = 0; c < channels; c++) {
    mean.data<float>()[c] = of[c] = all.mean[c];
    const float biased = variance.data<float>()[c] = std::max(all.squares[c], 0.0) / rows;
    of[channels + c] = scale.data<float>()[c] * Inverse(biased, epsilon);
    of[2 * channels + c] = offset.data<float>()[c];
  }
}

void* CreateFollowing(TF_OpKernelConstruction* construction) { return new float(FloatOf(construction, "momentum")); }

// Moving mean and variance, and those of a batch -> the next mean and variance
void Follow(void* kernel, TF_OpKernelContext* context) {
  const float momentum = *static_cast<float*>(kernel);
  Call call(context);
  for (int i = 0; i < 2; i++) {
    Tensor moving, batch, next;
    call.input(i, moving);
    call.input(2 + i, batch);
    if (!call.ok()) return;
    call.output(i, TF_FLOAT, moving.shape(), next);
    if (!call.ok()) return;
    for (int64_t c = 0; c < moving.size(); c++)
      next.data<float>()[c] = momentum * moving.data<float>()[c] + (1 - momentum) * batch.data<float>()[c];
  }
}

void* CreateNormalisation(TF_OpKernelConstruction* construction) { return new bool(BoolOf(construction, "relu")); }

// x, coefficients, other (perhaps) -> y
void Normalise(void* kernel, TF_OpKernelContext* context) {
  Call call(context);
  Tensor x, coefficients, other, y;
  call.inputs({&x, &coefficients});
  if (TF_NumInputs(context) > 2) call.input(2, other);
  if (!call.ok()) return;
  call.output(0, TF_FLOAT, x.shape(), y);
  if (!call.ok()) return;
  const float* added = TF_NumInputs(context) > 2 ? other.data<float>() : nullptr;
  const Normalised work{Coefficients(coefficients), x.data<float>(), added, y.data<float>(), *static_cast<bool*>(kernel)};
  const int64_t channels = work.coefficients.channels;
  const Blocks blocks(x.size() / channels, channels);
#pragma omp parallel for schedule(static)
  for (int64_t block = 0; block < blocks.count(); block++)
    Best().normalise(work, blocks.from(block), blocks.rowsOf(block));
}

struct GradientOptions {
  float epsilon;
  bool relu;
  Window window;  // kernel_height 0: none
};

void* CreateGradient(TF_OpKernelConstruction* construction) {
  auto options = std::make_unique<GradientOptions>();
  options->epsilon = FloatOf(construction, "epsilon");
  options->relu = BoolOf(construction, "relu");
  const std::vector<int32_t> w = IntegersOf(construction, "window");
  if (w.size() >= 10) options->window = {w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7], w[8], w[9]};
  return options.release();
}

// A gradient in units of rows: blocks of dy as it is, or rows of windows, whose maxima are scattered into a buffer first.
struct Gradient {
  Blocks blocks;
  Maxima maxima;
  bool pooled;
  int64_t channels;
  const float* dy;

  int64_t units() const { return pooled ? blocks.rows / Pixels() * maxima.window.out_height : blocks.count(); }
  int64_t Pixels() const { return maxima.window.height * maxima.window.width; }

  int64_t from(int64_t unit) const {
    if (!pooled) return blocks.from(unit);
    const Window& w = maxima.window;
    return unit / w.out_height * Pixels() + w.FirstRow(unit % w.out_height) * w.width;
  }
  int64_t rowsOf(int64_t unit) const { return pooled ? from(unit + 1) - from(unit) : blocks.rowsOf(unit); }

  // Floats of room that `values` needs.
  int64_t Room() const {
    int64_t most = 0;
    for (int64_t unit = 0; pooled && unit < maxima.window.out_height; unit++) most = std::max(most, rowsOf(unit));
    return most * channels;
  }
  const float* values(int64_t unit, float* room) const {
    if (!pooled) return dy + from(unit) * channels;
    Best().scatter(maxima, unit, room);
    return room;
  }
};

// dy, x, coefficients, variance, indices (of a max-pooling after the relu, whose gradient dy is) -> dx, dscale, doffset
void Differentiate(void* kernel, TF_OpKernelContext* context) {
  const GradientOptions& options = *static_cast<GradientOptions*>(kernel);
  Call call(context);
  Tensor dy, x, given, variance, indices, dx, dscale, doffset;
  call.inputs({&dy, &x, &given, &variance});
  const bool pooled = TF_NumInputs(context) > 4;
  if (pooled) call.input(4, indices);
  if (!call.ok()) return;
  const Coefficients k(given);
  const int64_t channels = k.channels, rows = x.size() / channels;
  call.output(0, TF_FLOAT, x.shape(), dx);
  call.output(1, TF_FLOAT, {channels}, dscale);
  call.output(2, TF_FLOAT, {channels}, doffset);
  if (!call.ok()) return;
  const Maxima maxima{options.window, channels, dy.data<float>(), pooled ? indices.data<uint8_t>() : nullptr};
  const Gradient gradient{Blocks(rows, channels), maxima, pooled, channels, dy.data<float>()};
  const bool relu = options.relu;
  const int64_t units = gradient.units(), portions = std::min(kPortions, units);
  std::vector<double> sums(portions * 2 * channels);
  Buffer of_x(channels), constant(channels);
#pragma omp parallel
  {
    Buffer room(gradient.Room()), own(2 * channels);
#pragma omp for schedule(dynamic)
    for (int64_t portion = 0; portion < portions; portion++) {
      double* total = sums.data() + portion * 2 * channels;
      for (int64_t unit = units * portion / portions; unit < units * (portion + 1) / portions; unit++) {
        const float* from = x.data<float>() + gradient.from(unit) * channels;
        Best().sum_gradients(k, relu, from, gradient.values(unit, room.data()), gradient.rowsOf(unit), own.data());
        for (int64_t i = 0; i < 2 * channels; i++) total[i] += own.data()[i];
      }
    }
#pragma omp for schedule(static)
    for (int64_t c = 0; c < channels; c++) {
      double plain = 0, products = 0;
      for (int64_t portion = 0; portion < portions; portion++) {
        plain += sums[portion * 2 * channels + c];
        products += sums[(portion * 2 + 1) * channels + c];
      }
      const double inverse = Inverse(variance.data<float>()[c], options.epsilon);
      dscale.data<float>()[c] = products * inverse;
      doffset.data<float>()[c] = plain;
      of_x.data()[c] = -k.slope[c] * inverse * inverse * products / rows;
      constant.data()[c] = -k.slope[c] * plain / rows;
    }
#pragma omp for schedule(dynamic)
    for (int64_t unit = 0; unit < units; unit++) {
      const int64_t at = gradient.from(unit) * channels;
      Best().differentiate(k, {of_x.data(), constant.data()}, relu, x.data<float>() + at,
                           gradient.values(unit, room.data()), gradient.rowsOf(unit), dx.data<float>() + at);
    }
  }
}

const Registration statistics({"BatSupBatchNormStatistics",
                               {"x: float", "scale: float", "offset: float"},
                               {"mean: float", "variance: float", "coefficients: float"},
                               {"epsilon: float"},
                               &CreateStatistics,
                               &ComputeStatistics,
                               &Destroy<Options>});

const Registration following({"BatSupFollowBatch",
                              {"mean: float", "variance: float", "batch_mean: float", "batch_variance: float"},
                              {"next_mean: float", "next_variance: float"},
                              {"momentum: float"},
                              &CreateFollowing,
                              &Follow,
                              &Destroy<float>});

const Registration normalisation({"BatSupBatchNorm",
                                  {"x: float", "coefficients: float", "others: N * float"},
                                  {"y: float"},
                                  {"N: int >= 0", "relu: bool"},
                                  &CreateNormalisation,
                                  &Normalise,
                                  &Destroy<bool>});

const Registration gradient({"BatSupBatchNormGrad",
                             {"dy: float", "x: float", "coefficients: float", "variance: float", "indices: N * uint8"},
                             {"dx: float", "dscale: float", "doffset: float"},
                             {"N: int >= 0", "relu: bool", "epsilon: float", "window: list(int)"},
                             &CreateGradient,
                             &Differentiate,
                             &Destroy<GradientOptions>});

}  // namespace
