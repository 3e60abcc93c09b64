// Adam's update of one variable in one pass, in place (Kingma and Ba 2015, the end of section 2).
#include <cmath>

#include "operation.h"

namespace {

struct Numbers {
  float step_size, rest1, rest2, epsilon;  // rest: 1 - beta
};

FOR_EVERY_PROCESSOR
void Update(float* variable, float* m, float* v, const float* gradient, int64_t from, int64_t to, Numbers n) {
  for (int64_t i = from; i < to; i++) {
    const float g = gradient[i];
    const float m_next = m[i] + n.rest1 * (g - m[i]);
    const float v_next = v[i] + n.rest2 * (g * g - v[i]);
    m[i] = m_next;
    v[i] = v_next;
    variable[i] -= n.step_size * m_next / (std::sqrt(v_next) + n.epsilon);
  }
}

// Inputs: variable, m and v, written to; gradient; numbers [step size, beta1, beta2, epsilon].
void Compute(void*, TF_OpKernelContext* context) {
  Call call(context);
  Tensor variable, m, v, gradient, numbers;
  call.input(0, variable);
  call.input(1, m);
  call.input(2, v);
  call.input(3, gradient);
  call.input(4, numbers);
  if (!call.ok()) return;
  const float* given = numbers.data<float>();
  const Numbers n{given[0], 1 - given[1], 1 - given[2], given[3]};
  const int64_t size = variable.size(), chunk = 1 << 16;
#pragma omp parallel for schedule(static) if (size > chunk)
  for (int64_t from = 0; from < size; from += chunk) {
    const int64_t to = from + chunk < size ? from + chunk : size;
    Update(variable.data<float>(), m.data<float>(), v.data<float>(), gradient.data<float>(), from, to, n);
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
