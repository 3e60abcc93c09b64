// A fully connected layer on a small batch. Its time is that of reading the weights from memory, so each of these
// passes over them once, four rows at a time. Outputs are a multiple of kLanes; larger batches are TensorFlow's.
// weights [inputs, outputs], x [batch, inputs], y and dy [batch, outputs]
#include <cstring>

#include "adam.h"

namespace {

constexpr int kLanes = 16;
typedef float Floats __attribute__((vector_size(kLanes * 4)));

inline Floats Load(const float* from) {
  Floats values;
  memcpy(&values, from, sizeof(values));
  return values;
}

// y += the rows from..to of the weights, each times its x.
FOR_EVERY_PROCESSOR
void MultiplyRows(const float* x, const float* weights, float* __restrict__ y, int64_t batch, int64_t inputs,
                  int64_t outputs, int64_t from, int64_t to) {
  int64_t row = from;
  for (; row + 4 <= to; row += 4) {
    const float* w = weights + row * outputs;
    for (int64_t picture = 0; picture < batch; picture++) {
      const float* factors = x + picture * inputs + row;
      const float a = factors[0], b = factors[1], c = factors[2], d = factors[3];
      float* sums = y + picture * outputs;
      for (int64_t i = 0; i < outputs; i++)
        sums[i] += a * w[i] + b * w[outputs + i] + c * w[2 * outputs + i] + d * w[3 * outputs + i];
    }
  }
  for (; row < to; row++) {
    for (int64_t picture = 0; picture < batch; picture++) {
      const float factor = x[picture * inputs + row];
      for (int64_t i = 0; i < outputs; i++) y[picture * outputs + i] += factor * weights[row * outputs + i];
    }
  }
}

// dx of the rows from..to, at most four.
FOR_EVERY_PROCESSOR
void BackRows(const float* dy, const float* weights, float* dx, int64_t batch, int64_t inputs, int64_t outputs,
              int64_t from, int64_t to) {
  const int64_t last = to - from - 1;
  const float* w0 = weights + from * outputs;
  const float* w1 = w0 + (last < 1 ? last : 1) * outputs;
  const float* w2 = w0 + (last < 2 ? last : 2) * outputs;
  const float* w3 = w0 + last * outputs;
  for (int64_t picture = 0; picture < batch; picture++) {
    Floats sums[4] = {};
    const float* d = dy + picture * outputs;
    for (int64_t i = 0; i < outputs; i += kLanes) {
      const Floats values = Load(d + i);
      sums[0] += values * Load(w0 + i);
      sums[1] += values * Load(w1 + i);
      sums[2] += values * Load(w2 + i);
      sums[3] += values * Load(w3 + i);
    }
    for (int64_t row = 0; row <= last; row++) {
      float sum = 0;
      for (int lane = 0; lane < kLanes; lane++) sum += sums[row][lane];
      dx[picture * inputs + from + row] = sum;
    }
  }
}

// The gradient of one row of the weights: the sum over the batch of x times dy.
FOR_EVERY_PROCESSOR
void RowGradient(const float* x, const float* dy, float* __restrict__ gradient, int64_t batch, int64_t inputs,
                 int64_t outputs) {
  memset(gradient, 0, outputs * sizeof(float));
  int64_t picture = 0;
  for (; picture + 4 <= batch; picture += 4) {
    const float* factors = x + picture * inputs;
    const float a = factors[0], b = factors[inputs], c = factors[2 * inputs], d = factors[3 * inputs];
    const float* from = dy + picture * outputs;
    for (int64_t i = 0; i < outputs; i++)
      gradient[i] += a * from[i] + b * from[outputs + i] + c * from[2 * outputs + i] + d * from[3 * outputs + i];
  }
  for (; picture < batch; picture++)
    for (int64_t i = 0; i < outputs; i++) gradient[i] += x[picture * inputs] * dy[picture * outputs + i];
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
    MultiplyRows(x.data<float>(), weights.data<float>(), sums.data() + portion * size, batch, inputs, outputs, from,
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
  for (int64_t row = 0; row < inputs; row += 4) {
    const int64_t to = row + 4 < inputs ? row + 4 : inputs;
    BackRows(dy.data<float>(), weights.data<float>(), dx.data<float>(), batch, inputs, outputs, row, to);
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
    std::vector<float> gradient(outputs);
#pragma omp for schedule(static)
    for (int64_t row = 0; row < inputs; row++) {
      const int64_t at = row * outputs;
      RowGradient(x.data<float>() + row, dy.data<float>(), gradient.data(), batch, inputs, outputs);
      UpdateAdam(weights.data<float>() + at, m.data<float>() + at, v.data<float>() + at, gradient.data(), outputs, n);
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
