// The update of one variable.
#include "adam.h"

namespace {

// Inputs: variable, m and v, written to; gradient; numbers.
void Compute(void*, TF_OpKernelContext* context) {
  Call call(context);
  Tensor variable, m, v, gradient, numbers;
  call.input(0, variable);
  call.input(1, m);
  call.input(2, v);
  call.input(3, gradient);
  call.input(4, numbers);
  if (!call.ok()) return;
  const AdamNumbers n(numbers);
  const int64_t size = variable.size(), chunk = 1 << 16;
#pragma omp parallel for schedule(static) if (size > chunk)
  for (int64_t from = 0; from < size; from += chunk) {
    const int64_t length = from + chunk < size ? chunk : size - from;
    UpdateAdam(variable.data<float>() + from, m.data<float>() + from, v.data<float>() + from,
               gradient.data<float>() + from, length, n);
  }
}

const Registration registered({"BatSupAdam",
                               {"variable: float", "m: float", "v: float", "gradient: float", "numbers: float"},
                               {},
                               {},
                               nullptr,
                               &Compute,
                               nullptr});

}  // namespace
