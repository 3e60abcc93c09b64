// Updates one variable.
#include "native.h"

namespace {

// Inputs: variable, m and v, all updated in place; gradient; hyperparameters.
void Compute(void*, TF_OpKernelContext* context) {
  Call call(context);
  Tensor variable, m, v, gradient, hyperparameters;
  call.input(0, variable);
  call.input(1, m);
  call.input(2, v);
  call.input(3, gradient);
  call.input(4, hyperparameters);
  if (!call.ok()) return;
  const AdamHyperparameters h(hyperparameters);
  const int64_t size = variable.size(), chunk = 1 << 16;
#pragma omp parallel for schedule(static) if (size > chunk)
  for (int64_t from = 0; from < size; from += chunk) {
    const int64_t length = from + chunk < size ? chunk : size - from;
    UpdateAdam(variable.data<float>() + from, m.data<float>() + from, v.data<float>() + from,
               gradient.data<float>() + from, length, h);
  }
}

const Registration registered({"BatSupAdam",
                               {"variable: float", "m: float", "v: float", "gradient: float",
                                "hyperparameters: float"},
                               {},
                               {},
                               nullptr,
                               &Compute,
                               nullptr});

}  // namespace
