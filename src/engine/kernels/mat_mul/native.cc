// A fully connected layer on a small batch. Reading the weights from memory takes most of the time, so each operation
// passes over them once and keeps a tile of sums in registers. The number of outputs is a multiple of kTileOutputs.
// Larger batches are left to TensorFlow.
// weights [inputs, outputs], x [batch, inputs], y and dy [batch, outputs]
#include <cstring>

#include "../adam/native.h"
#include "lanes.h"

namespace {

constexpr int kTilePictures = 5, kTileVectors = 2, kTileRows = 4;
constexpr int kTileOutputs = kTileVectors * kLanes;
constexpr int64_t kBlockRows = 16;

struct Sizes {
  int64_t batch, inputs, outputs;
};

// Fetches memory that is needed soon into the cache. Addresses beyond the end do no harm.
inline void Prefetch(const float* from, int64_t size) {
  for (int64_t i = 0; i < size; i += kLanes) __builtin_prefetch(from + i);
}

// Adds some rows of the weights, each times its x, to a tile of y.
template <int kPictures>
inline __attribute__((always_inline)) void MultiplyTile(const float* x, const float* weights, float* y, Sizes sizes,
                                                       int64_t rows) {
  Floats sums[kPictures][kTileVectors];
  for (int picture = 0; picture < kPictures; picture++)
    for (int i = 0; i < kTileVectors; i++) sums[picture][i] = Load(y + picture * sizes.outputs + i * kLanes);
  for (int64_t row = 0; row < rows; row++) {
    const float* w = weights + row * sizes.outputs;
    for (int picture = 0; picture < kPictures; picture++) {
      const float factor = x[picture * sizes.inputs + row];
      for (int i = 0; i < kTileVectors; i++) sums[picture][i] += factor * Load(w + i * kLanes);
    }
  }
  for (int picture = 0; picture < kPictures; picture++)
    for (int i = 0; i < kTileVectors; i++) Store(sums[picture][i], y + picture * sizes.outputs + i * kLanes);
}

// Adds the rows from..to of the weights, each times its x, to y.
FOR_EVERY_PROCESSOR
void MultiplyRows(const float* x, const float* weights, float* y, Sizes sizes, int64_t from, int64_t to) {
  for (int64_t row = from; row < to; row += kBlockRows) {
    const int64_t rows = row + kBlockRows < to ? kBlockRows : to - row;
    const float* block = weights + row * sizes.outputs;
    for (int64_t output = 0; output < sizes.outputs; output += kTileOutputs) {
      Prefetch(block + kBlockRows * (sizes.outputs + output), kBlockRows * kTileOutputs);
      int64_t picture = 0;
      for (; picture + kTilePictures <= sizes.batch; picture += kTilePictures)
        MultiplyTile<kTilePictures>(x + picture * sizes.inputs + row, block + output,
                                    y + picture * sizes.outputs + output, sizes, rows);
      for (; picture < sizes.batch; picture++)
        MultiplyTile<1>(x + picture * sizes.inputs + row, block + output, y + picture * sizes.outputs + output, sizes,
                        rows);
    }
  }
}

// A tile of dx: two rows of the weights.
template <int kPictures>
inline __attribute__((always_inline)) void BackTile(const float* dy, const float* w0, const float* w1, float* dx,
                                                   Sizes sizes) {
  Floats sums[kPictures][2] = {};
  for (int64_t i = 0; i < sizes.outputs; i += kLanes) {
    const Floats first = Load(w0 + i), second = Load(w1 + i);
    Prefetch(w0 + 2 * sizes.outputs + i, kLanes);
    Prefetch(w1 + 2 * sizes.outputs + i, kLanes);
    for (int picture = 0; picture < kPictures; picture++) {
      const Floats d = Load(dy + picture * sizes.outputs + i);
      sums[picture][0] += d * first;
      sums[picture][1] += d * second;
    }
  }
  for (int picture = 0; picture < kPictures; picture++) {
    for (int row = 0; row < 2; row++) {
      float sum = 0;
      for (int lane = 0; lane < kLanes; lane++) sum += sums[picture][row][lane];
      dx[picture * sizes.inputs + row * (w1 != w0)] = sum;
    }
  }
}

// dx of the rows from..to.
FOR_EVERY_PROCESSOR
void BackRows(const float* dy, const float* weights, float* dx, Sizes sizes, int64_t from, int64_t to) {
  for (int64_t row = from; row < to; row += 2) {
    const float* w0 = weights + row * sizes.outputs;
    const float* w1 = row + 1 < to ? w0 + sizes.outputs : w0;
    int64_t picture = 0;
    for (; picture + kTilePictures <= sizes.batch; picture += kTilePictures)
      BackTile<kTilePictures>(dy + picture * sizes.outputs, w0, w1, dx + picture * sizes.inputs + row, sizes);
    for (; picture < sizes.batch; picture++)
      BackTile<1>(dy + picture * sizes.outputs, w0, w1, dx + picture * sizes.inputs + row, sizes);
  }
}

// The gradient of kRows rows of the weights: the sum over the batch of x times dy.
template <int kRows>
inline __attribute__((always_inline)) void GradientTile(const float* x, const float* dy, float* gradient,
                                                       Sizes sizes) {
  Floats sums[kRows][kTileVectors] = {};
  for (int64_t picture = 0; picture < sizes.batch; picture++) {
    for (int row = 0; row < kRows; row++) {
      const float factor = x[picture * sizes.inputs + row];
      for (int i = 0; i < kTileVectors; i++)
        sums[row][i] += factor * Load(dy + picture * sizes.outputs + i * kLanes);
    }
  }
  for (int row = 0; row < kRows; row++)
    for (int i = 0; i < kTileVectors; i++) Store(sums[row][i], gradient + row * sizes.outputs + i * kLanes);
}

FOR_EVERY_PROCESSOR
void RowGradients(const float* x, const float* dy, float* gradient, Sizes sizes, int64_t rows) {
  for (int64_t output = 0; output < sizes.outputs; output += kTileOutputs) {
    if (rows == kTileRows)
      GradientTile<kTileRows>(x, dy + output, gradient + output, sizes);
    else
      for (int64_t row = 0; row < rows; row++)
        GradientTile<1>(x + row, dy + output, gradient + row * sizes.outputs + output, sizes);
  }
}

// x times the weights -> y. The rows are cut into a fixed number of portions whose sums are added in order, so that the
// result does not depend on the number of threads.
// multiply(from, to, sums): adds the rows from..to, each times its x, to sums [batch, outputs].
template <typename MultiplyPortion>
void MultiplyInPortions(Call& call, const Tensor& x, Sizes sizes, Tensor& y, MultiplyPortion multiply) {
  const int64_t size = sizes.batch * sizes.outputs;
  call.output(0, TF_FLOAT, {sizes.batch, sizes.outputs}, y);
  if (!call.ok()) return;
  const int64_t portions = 16, rows = (sizes.inputs + portions - 1) / portions;
  std::vector<float> sums(portions * size);
#pragma omp parallel for schedule(static)
  for (int64_t portion = 0; portion < portions; portion++) {
    const int64_t from = portion * rows, to = from + rows < sizes.inputs ? from + rows : sizes.inputs;
    multiply(from, to, sums.data() + portion * size);
  }
  memcpy(y.data<float>(), sums.data(), size * sizeof(float));
  for (int64_t portion = 1; portion < portions; portion++)
    for (int64_t i = 0; i < size; i++) y.data<float>()[i] += sums[portion * size + i];
}

// x, weights -> y
void Multiply(void*, TF_OpKernelContext* context) {
  Call call(context);
  Tensor x, weights, y;
  call.inputs({&x, &weights});
  if (!call.ok()) return;
  const Sizes sizes{x.dim(0), x.dim(1), weights.dim(1)};
  MultiplyInPortions(call, x, sizes, y, [&](int64_t from, int64_t to, float* sums) {
    MultiplyRows(x.data<float>(), weights.data<float>(), sums, sizes, from, to);
  });
}

// dy, weights -> dx
void MultiplyBack(void*, TF_OpKernelContext* context) {
  Call call(context);
  Tensor dy, weights, dx;
  call.inputs({&dy, &weights});
  if (!call.ok()) return;
  const int64_t batch = dy.dim(0), inputs = weights.dim(0), outputs = weights.dim(1);
  call.output(0, TF_FLOAT, {batch, inputs}, dx);
  if (!call.ok()) return;
#pragma omp parallel for schedule(static)
  for (int64_t row = 0; row < inputs; row += 16) {
    const int64_t to = row + 16 < inputs ? row + 16 : inputs;
    BackRows(dy.data<float>(), weights.data<float>(), dx.data<float>(), {batch, inputs, outputs}, row, to);
  }
}

// The inputs of an Adam update: weights, m and v, all updated in place; x and dy, whose product is the gradient;
// hyperparameters.
struct Update {
  Tensor weights, m, v, x, dy, hyperparameters;

  explicit Update(Call& call) {
    call.inputs({&weights, &m, &v, &x, &dy, &hyperparameters});
  }

  Sizes sizes() const { return {x.dim(0), weights.dim(0), weights.dim(1)}; }

  // gradients: room for kTileRows rows.
  void UpdateRows(int64_t from, int64_t to, float* gradients, AdamHyperparameters h) const {
    const Sizes all = sizes();
    for (int64_t row = from; row < to; row += kTileRows) {
      const int64_t rows = row + kTileRows < to ? kTileRows : to - row, at = row * all.outputs;
      RowGradients(x.data<float>() + row, dy.data<float>(), gradients, all, rows);
      UpdateAdam(weights.data<float>() + at, m.data<float>() + at, v.data<float>() + at, gradients,
                 rows * all.outputs, h);
    }
  }
};

void UpdateWeights(void*, TF_OpKernelContext* context) {
  Call call(context);
  const Update update(call);
  if (!call.ok()) return;
  const AdamHyperparameters h(update.hyperparameters.data<float>());
  const int64_t inputs = update.sizes().inputs;
#pragma omp parallel
  {
    std::vector<float> gradients(kTileRows * update.sizes().outputs);
#pragma omp for schedule(static)
    for (int64_t row = 0; row < inputs; row += kTileRows)
      update.UpdateRows(row, row + kTileRows < inputs ? row + kTileRows : inputs, gradients.data(), h);
  }
}

// The same; then x, the last input, times the new weights -> y.
void UpdateAndMultiply(void*, TF_OpKernelContext* context) {
  Call call(context);
  const Update update(call);
  Tensor x, y;
  call.input(6, x);
  if (!call.ok()) return;
  const AdamHyperparameters h(update.hyperparameters.data<float>());
  const Sizes sizes{x.dim(0), update.sizes().inputs, update.sizes().outputs};
  MultiplyInPortions(call, x, sizes, y, [&](int64_t from, int64_t to, float* sums) {
    std::vector<float> gradients(kTileRows * sizes.outputs);
    for (int64_t row = from; row < to; row += kBlockRows) {
      const int64_t end = row + kBlockRows < to ? row + kBlockRows : to;
      update.UpdateRows(row, end, gradients.data(), h);
      MultiplyRows(x.data<float>(), update.weights.data<float>(), sums, sizes, row, end);
    }
  });
}

const Registration multiply({"BatSupDense",
                             {"x: float", "weights: float"},
                             {"y: float"},
                             {},
                             nullptr,
                             &Multiply,
                             nullptr});

const Registration back({"BatSupDenseBack",
                         {"dy: float", "weights: float"},
                         {"dx: float"},
                         {},
                         nullptr,
                         &MultiplyBack,
                         nullptr});

const Registration update({"BatSupDenseAdam",
                           {"weights: float", "m: float", "v: float", "x: float", "dy: float",
                            "hyperparameters: float"},
                           {},
                           {},
                           nullptr,
                           &UpdateWeights,
                           nullptr});

const Registration update_and_multiply(
    {"BatSupDenseAdamMultiply",
     {"weights: float", "m: float", "v: float", "x: float", "dy: float", "hyperparameters: float", "next_x: float"},
     {"y: float"},
     {},
     nullptr,
     &UpdateAndMultiply,
     nullptr});

}  // namespace
