// Adam's update (Kingma and Ba 2015, end of section 2), in place.
#pragma once
#include <cmath>

#include "operation.h"

struct AdamHyperparameters {
  float step_size, one_minus_beta1, one_minus_beta2, epsilon;

  // values: [step size, beta1, beta2, epsilon].
  explicit AdamHyperparameters(const float* values)
      : step_size(values[0]), one_minus_beta1(1 - values[1]), one_minus_beta2(1 - values[2]), epsilon(values[3]) {}
};

// Moments of weights without a gradient shrink for ever, down to denormal numbers, which cost processors ten times as
// much: below these they become 0. With epsilon 1e-8 such a moment moves a weight by less than 1e-22 learning rates, and
// its square adds nothing to epsilon.
constexpr float kLeastM = 1e-30f, kLeastV = 1e-36f;

FOR_EVERY_PROCESSOR
static void UpdateAdam(float* __restrict__ variable, float* __restrict__ m, float* __restrict__ v,
                       const float* __restrict__ gradient, int64_t size, AdamHyperparameters h) {
  for (int64_t i = 0; i < size; i++) {
    const float g = gradient[i];
    float m_next = m[i] + h.one_minus_beta1 * (g - m[i]);
    float v_next = v[i] + h.one_minus_beta2 * (g * g - v[i]);
    m_next = std::fabs(m_next) < kLeastM ? 0 : m_next;
    v_next = v_next < kLeastV ? 0 : v_next;
    m[i] = m_next;
    v[i] = v_next;
    variable[i] -= h.step_size * m_next / (std::sqrt(v_next) + h.epsilon);
  }
}
