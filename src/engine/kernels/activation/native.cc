// The gradient of a relu whose output's gradient is a sum: of what a residual connection carries, and its branch.
#include <algorithm>

#include "lanes.h"
#include "operation.h"

namespace {

FOR_EVERY_PROCESSOR
void AddPassing(const float* a, const float* b, const float* y, float* dx, int64_t size) {
  int64_t i = 0;
  for (; i + kLanes <= size; i += kLanes) Store(Load(y + i) > 0 ? Load(a + i) + Load(b + i) : Floats{}, dx + i);
  for (; i < size; i++) dx[i] = y[i] > 0 ? a[i] + b[i] : 0;
}

// a, b, y -> a + b where y is above zero, else 0
void Compute(void*, TF_OpKernelContext* context) {
  Call call(context);
  Tensor a, b, y, dx;
  call.inputs({&a, &b, &y});
  if (!call.ok()) return;
  call.output(0, TF_FLOAT, y.shape(), dx);
  if (!call.ok()) return;
  const int64_t size = y.size(), chunk = 1 << 14;
#pragma omp parallel for schedule(static)
  for (int64_t from = 0; from < size; from += chunk)
    AddPassing(a.data<float>() + from, b.data<float>() + from, y.data<float>() + from, dx.data<float>() + from,
               std::min(chunk, size - from));
}

const Registration registered({"BatSupReluGradOfSum",
                               {"a: float", "b: float", "y: float"},
                               {"dx: float"},
                               {},
                               nullptr,
                               &Compute,
                               nullptr});

}  // namespace
