// Max-pooling that keeps where in its window each largest value was, and its gradient. Sixteen channels at a time.
#include <cstring>

#include "operation.h"

namespace {

constexpr int kLanes = 16;
typedef float Floats __attribute__((vector_size(kLanes * 4)));
typedef int32_t Integers __attribute__((vector_size(kLanes * 4)));

// The attribute 'window': sizes in pixels, padding at the top and at the left, sizes of the input and of the output.
struct Window {
  int kernel_height, kernel_width, stride_height, stride_width, top, left, input_height, input_width, height, width;
};

struct Maps {
  int64_t height, width, channels;
};

// One row of outputs. x: the whole picture; bias: of each channel, or null; y and places: this row.
FOR_EVERY_PROCESSOR
void PoolRow(const float* x, const float* bias, float* y, uint8_t* places, const Maps maps, const Window window, int row) {
  const int y0 = row * window.stride_height - window.top;
  for (int column = 0; column < window.width; column++) {
    const int x0 = column * window.stride_width - window.left;
    for (int64_t channel = 0; channel < maps.channels; channel += kLanes) {
      const int64_t lanes = maps.channels - channel < kLanes ? maps.channels - channel : kLanes;
      Floats best = {};
      Integers place = {};
      bool first = true;
      for (int ky = 0; ky < window.kernel_height; ky++) {
        if (y0 + ky < 0 || y0 + ky >= maps.height) continue;
        for (int kx = 0; kx < window.kernel_width; kx++) {
          if (x0 + kx < 0 || x0 + kx >= maps.width) continue;
          const float* from = x + ((y0 + ky) * maps.width + x0 + kx) * maps.channels + channel;
          const Integers here = Integers{} + (ky * window.kernel_width + kx);
          Floats value = {};
          if (lanes == kLanes)
            memcpy(&value, from, sizeof(value));
          else
            memcpy(&value, from, lanes * sizeof(float));
          if (first) {
            best = value;
            place = here;
            first = false;
            continue;
          }
          const Integers larger = value > best;
          best = larger ? value : best;
          place = larger ? here : place;
        }
      }
      if (bias) {
        Floats added = {};
        memcpy(&added, bias + channel, lanes * sizeof(float));
        best += added;
      }
      const int64_t at = column * maps.channels + channel;
      memcpy(y + at, &best, lanes * sizeof(float));
      for (int64_t lane = 0; lane < lanes; lane++) places[at + lane] = static_cast<uint8_t>(place[lane]);
    }
  }
}

// One picture: each dy goes to the place where its largest value was. dx: zeros.
void ScatterPicture(const float* dy, const uint8_t* places, float* dx, const Maps maps, const Window window) {
  std::vector<int64_t> offsets(window.kernel_height * window.kernel_width);
  for (size_t place = 0; place < offsets.size(); place++) {
    const int64_t ky = place / window.kernel_width, kx = place % window.kernel_width;
    offsets[place] = (ky * maps.width + kx) * maps.channels;
  }
  for (int row = 0; row < window.height; row++) {
    for (int column = 0; column < window.width; column++) {
      const int64_t y0 = row * window.stride_height - window.top, x0 = column * window.stride_width - window.left;
      const int64_t origin = (y0 * maps.width + x0) * maps.channels;
      for (int64_t channel = 0; channel < maps.channels; channel++)
        dx[origin + channel + offsets[*places++]] += *dy++;
    }
  }
}

void* Create(TF_OpKernelConstruction* construction) {
  const std::vector<int32_t> w = IntegersOf(construction, "window");
  if (w.size() != 10) return new Window{};
  return new Window{w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7], w[8], w[9]};
}

void Destroy(void* kernel) { delete static_cast<Window*>(kernel); }

// x [batch, height, width, channels], bias [channels], or [1] for none -> y and places [batch, window.height, window.width,
// channels]
void Pool(void* kernel, TF_OpKernelContext* context) {
  const Window window = *static_cast<Window*>(kernel);
  Call call(context);
  Tensor x, bias, y, places;
  call.input(0, x);
  call.input(1, bias);
  if (!call.ok()) return;
  const Maps maps{x.dim(1), x.dim(2), x.dim(3)};
  const std::vector<int64_t> shape{x.dim(0), window.height, window.width, maps.channels};
  call.output(0, TF_FLOAT, shape, y);
  call.output(1, TF_UINT8, shape, places);
  if (!call.ok()) return;
  const float* added = bias.size() == maps.channels ? bias.data<float>() : nullptr;
  const int64_t rows = shape[0] * window.height, length = window.width * maps.channels;
#pragma omp parallel for schedule(static)
  for (int64_t row = 0; row < rows; row++) {
    const float* picture = x.data<float>() + row / window.height * maps.height * maps.width * maps.channels;
    PoolRow(picture, added, y.data<float>() + row * length, places.data<uint8_t>() + row * length, maps, window,
            row % window.height);
  }
}

// dy, places [batch, window.height, window.width, channels] -> dx [batch, window.input_height, window.input_width,
// channels]
void PoolGradient(void* kernel, TF_OpKernelContext* context) {
  const Window window = *static_cast<Window*>(kernel);
  Call call(context);
  Tensor dy, places, dx;
  call.input(0, dy);
  call.input(1, places);
  if (!call.ok()) return;
  const int64_t batch = dy.dim(0);
  const Maps maps{window.input_height, window.input_width, dy.dim(3)};
  call.output(0, TF_FLOAT, {batch, maps.height, maps.width, maps.channels}, dx);
  if (!call.ok()) return;
  const int64_t size = maps.height * maps.width * maps.channels;
  const int64_t pooled = static_cast<int64_t>(window.height) * window.width * maps.channels;
#pragma omp parallel for schedule(static)
  for (int64_t picture = 0; picture < batch; picture++) {
    float* to = dx.data<float>() + picture * size;
    memset(to, 0, size * sizeof(float));
    ScatterPicture(dy.data<float>() + picture * pooled, places.data<uint8_t>() + picture * pooled, to, maps, window);
  }
}

const Registration pool({"BatSupMaxPool",
                         {"x: float", "bias: float"},
                         {"y: float", "places: uint8"},
                         {"window: list(int)"},
                         &Create,
                         &Pool,
                         &Destroy});

const Registration gradient({"BatSupMaxPoolGrad",
                             {"dy: float", "places: uint8"},
                             {"dx: float"},
                             {"window: list(int)"},
                             &Create,
                             &PoolGradient,
                             &Destroy});

}  // namespace
