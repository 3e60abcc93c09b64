// Vectors of sixteen floats, which the compiler makes of shorter ones where the processor has no such.
#pragma once
#include <cstring>

constexpr int kLanes = 16;
typedef float Floats __attribute__((vector_size(kLanes * 4)));

inline Floats Load(const float* from) {
  Floats values;
  memcpy(&values, from, sizeof(values));
  return values;
}

inline void Store(Floats values, float* to) { memcpy(to, &values, sizeof(values)); }
