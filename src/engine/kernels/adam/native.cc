// Updates any number of variables together: networks have many that are too small to be shared by threads.
#include "native.h"

#include <algorithm>

namespace {

struct Variable {
  Tensor values, m, v, gradient;
};

// A part of a variable.
struct Chunk {
  int64_t variable, from, size;
};

// variables, m and v, all updated in place; gradients; hyperparameters [variables, 4]
void Compute(void*, TF_OpKernelContext* context) {
  Call call(context);
  const int count = TF_NumInputs(context) / 4;
  std::vector<Variable> variables(count);
  Tensor hyperparameters;
  std::vector<Chunk> chunks;
  const int64_t chunk = 1 << 14;
  call.input(4 * count, hyperparameters);
  for (int i = 0; i < count; i++) {
    Variable& one = variables[i];
    int group = 0;
    for (Tensor* tensor : {&one.values, &one.m, &one.v, &one.gradient}) call.input(group++ * count + i, *tensor);
    if (!call.ok()) return;
    for (int64_t from = 0; from < one.values.size(); from += chunk)
      chunks.push_back({i, from, std::min(chunk, one.values.size() - from)});
  }
#pragma omp parallel for schedule(dynamic) if (chunks.size() > 4)
  for (size_t i = 0; i < chunks.size(); i++) {
    const auto [variable, from, size] = chunks[i];
    const Variable& one = variables[variable];
    UpdateAdam(one.values.data<float>() + from, one.m.data<float>() + from, one.v.data<float>() + from,
               one.gradient.data<float>() + from, size,
               AdamHyperparameters(hyperparameters.data<float>() + 4 * variable));
  }
}

const Registration registered({"BatSupAdam",
                               {"variables: N * float", "m: N * float", "v: N * float", "gradients: N * float",
                                "hyperparameters: float"},
                               {},
                               {"N: int >= 1"},
                               nullptr,
                               &Compute,
                               nullptr});

}  // namespace
