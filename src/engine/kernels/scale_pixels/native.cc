// Converts pixels to the floats that the network reads: each byte times a scale.
#include "operation.h"

namespace {

FOR_EVERY_PROCESSOR
void Scale(const uint8_t* bytes, float* to, int64_t size, float scale) {
  for (int64_t i = 0; i < size; i++) to[i] = bytes[i] * scale;
}

// bytes [batch, height, width, channels], scale [] -> pictures of the same shape
void Compute(void*, TF_OpKernelContext* context) {
  Call call(context);
  Tensor bytes, scale, pictures;
  call.inputs({&bytes, &scale});
  if (!call.ok()) return;
  call.output(0, TF_FLOAT, {bytes.dim(0), bytes.dim(1), bytes.dim(2), bytes.dim(3)}, pictures);
  if (!call.ok()) return;
  const int64_t size = bytes.size(), chunk = 1 << 16;
#pragma omp parallel for schedule(static) if (size > chunk)
  for (int64_t from = 0; from < size; from += chunk) {
    Scale(bytes.data<uint8_t>() + from, pictures.data<float>() + from, from + chunk < size ? chunk : size - from,
          *scale.data<float>());
  }
}

const Registration registered({"BatSupScalePixels",
                               {"bytes: uint8", "scale: float"},
                               {"pictures: float"},
                               {},
                               nullptr,
                               &Compute,
                               nullptr});

}  // namespace
