// Adam's update (Kingma and Ba 2015, end of section 2), in place.
#pragma once
#include <cmath>

#include "operation.h"

struct AdamHyperparameters {
  float step_size, one_minus_beta1, one_minus_beta2, epsilon;

  // values: [step size, beta1, beta2, epsilon].
  explicit AdamHyperparameters(const Tensor& values)
      : step_size(values.data<float>()[0]),
        one_minus_beta1(1 - values.data<float>()[1]),
        one_minus_beta2(1 - values.data<float>()[2]),
        epsilon(values.data<float>()[3]) {}
};

FOR_EVERY_PROCESSOR
static void UpdateAdam(float* __restrict__ variable, float* __restrict__ m, float* __restrict__ v,
                       const float* __restrict__ gradient, int64_t size, AdamHyperparameters h) {
  for (int64_t i = 0; i < size; i++) {
    const float g = gradient[i];
    const float m_next = m[i] + h.one_minus_beta1 * (g - m[i]);
    const float v_next = v[i] + h.one_minus_beta2 * (g * g - v[i]);
    m[i] = m_next;
    v[i] = v_next;
    variable[i] -= h.step_size * m_next / (std::sqrt(v_next) + h.epsilon);
  }
}
