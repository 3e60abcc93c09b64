// Adam's update (Kingma and Ba 2015, the end of section 2), in place.
#pragma once
#include <cmath>

#include "operation.h"

struct AdamNumbers {
  float step_size, rest1, rest2, epsilon;  // rest: 1 - beta

  // The input 'numbers': [step size, beta1, beta2, epsilon].
  explicit AdamNumbers(const Tensor& numbers)
      : step_size(numbers.data<float>()[0]),
        rest1(1 - numbers.data<float>()[1]),
        rest2(1 - numbers.data<float>()[2]),
        epsilon(numbers.data<float>()[3]) {}
};

FOR_EVERY_PROCESSOR
static void UpdateAdam(float* __restrict__ variable, float* __restrict__ m, float* __restrict__ v,
                       const float* __restrict__ gradient, int64_t size, AdamNumbers n) {
  for (int64_t i = 0; i < size; i++) {
    const float g = gradient[i];
    const float m_next = m[i] + n.rest1 * (g - m[i]);
    const float v_next = v[i] + n.rest2 * (g * g - v[i]);
    m[i] = m_next;
    v[i] = v_next;
    variable[i] -= n.step_size * m_next / (std::sqrt(v_next) + n.epsilon);
  }
}
