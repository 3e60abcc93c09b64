// A fully connected layer on a small batch. Its time is that of reading the weights from memory, so each of these
// passes over them once, and keeps a tile of sums in registers meanwhile. Outputs are a multiple of kTileOutputs;
// larger batches are TensorFlow's.
// weights [inputs, outputs], x [batch, inputs], y and dy [batch, outputs]
#include <cstring>

#include "adam.h"

namespace {

constexpr int kLanes = 16;
constexpr int kTilePictures = 5, kTileVectors = 2, kTileRows = 4;
constexpr int kTileOutputs = kTileVectors * kLanes;
typedef float Floats __attribute__((vector_size(kLanes * 4)));

inline Floats Load(const float* from) {
  Floats values;
  memcpy(&values, from, sizeof(values));
  return values;
}

inline void Store(Floats values, float* to) { memcpy(to, &values, sizeof(values)); }

struct Sizes {
  int64_t batch, inputs, outputs;
};

// Asks for memory that is needed soon, while there is something to compute. Beyond the end it does nothing.
inline void Prefetch(const float* from, int64_t size) {
  for (int64_t i = 0; i < size; i += kLanes) __builtin_prefetch(from + i);
}

// A tile of y: adds the rows of the weights, each times its x.
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

// y, zeros at first: the rows from..to of the weights, each times its x.
FOR_EVERY_PROCESSOR
void MultiplyRows(const float* x, const float* weights, float* y, Sizes sizes, int64_t from, int64_t to) {
  constexpr int64_t kBlock = 16;
  for (int64_t row = from; row < to; row += kBlock) {
    const int64_t rows = row + kBlock < to ? kBlock : to - row;
    const float* block = weights + row * sizes.outputs;
    for (int64_t output = 0; output < sizes.outputs; output += kTileOutputs) {
      Prefetch(block + kBlock * (sizes.outputs + output), kBlock * kTileOutputs);
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

// x, weights -> y. The rows are shared out in portions of one size, and these added in their order, so that the
// number of threads makes no difference to the result.
void Multiply(void*, TF_OpKernelContext* context) {
  Call call(context);
  Tensor x, weights, y;
  call.input(0, x);
  call.input(1, weights);
  if (!call.ok()) return;
  const int64_t batch = x.dim(0), inputs = x.dim(1), outputs = weights.dim(1), size = batch * outputs;
  call.output(0, TF_FLOAT, {batch, outputs}, y);
  if (!call.ok()) return;
  const int64_t portions = 16, rows = (inputs + portions - 1) / portions;
  std::vector<float> sums(portions * size);
#pragma omp parallel for schedule(static)
  for (int64_t portion = 0; portion < portions; portion++) {
    const int64_t from = portion * rows, to = from + rows < inputs ? from + rows : inputs;
    MultiplyRows(x.data<float>(), weights.data<float>(), sums.data() + portion * size, {batch, inputs, outputs}, from,
                 to);
  }
  memcpy(y.data<float>(), sums.data(), size * sizeof(float));
  for (int64_t portion = 1; portion < portions; portion++)
    for (int64_t i = 0; i < size; i++) y.data<float>()[i] += sums[portion * size + i];
}

// dy, weights -> dx
void MultiplyBack(void*, TF_OpKernelContext* context) {
  Call call(context);
  Tensor dy, weights, dx;
  call.input(0, dy);
  call.input(1, weights);
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

// Inputs: weights, m and v, written to; x and dy, whose product is the gradient; numbers.
void Learn(void*, TF_OpKernelContext* context) {
  Call call(context);
  Tensor weights, m, v, x, dy, numbers;
  call.input(0, weights);
  call.input(1, m);
  call.input(2, v);
  call.input(3, x);
  call.input(4, dy);
  call.input(5, numbers);
  if (!call.ok()) return;
  const AdamNumbers n(numbers);
  const int64_t batch = x.dim(0), inputs = weights.dim(0), outputs = weights.dim(1);
#pragma omp parallel
  {
    std::vector<float> gradients(kTileRows * outputs);
#pragma omp for schedule(static)
    for (int64_t row = 0; row < inputs; row += kTileRows) {
      const int64_t rows = row + kTileRows < inputs ? kTileRows : inputs - row, at = row * outputs;
      RowGradients(x.data<float>() + row, dy.data<float>(), gradients.data(), {batch, inputs, outputs}, rows);
      UpdateAdam(weights.data<float>() + at, m.data<float>() + at, v.data<float>() + at, gradients.data(),
                 rows * outputs, n);
    }
  }
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

const Registration learn({"BatSupDenseAdam",
                          {"weights: float", "m: float", "v: float", "x: float", "dy: float", "numbers: float"},
                          {},
                          {},
                          nullptr,
                          &Learn,
                          nullptr});

}  // namespace
