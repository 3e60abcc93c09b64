// Max-pooling that keeps the index of each maximum in its window (argmax), fused with a bias or a batch normalisation before
// it and a relu before or after it where there are any, and the gradients of bias, pooling and relu. Sixteen channels at a time.
#include <cstring>

#include "operation.h"

namespace {

constexpr int kLanes = 16, kTileColumns = 4;
typedef float Floats __attribute__((vector_size(kLanes * 4)));
typedef int32_t Integers __attribute__((vector_size(kLanes * 4)));
typedef uint8_t Bytes __attribute__((vector_size(kLanes)));

// The index of a maximum that relu sets to zero.
constexpr int kMasked = 255;

// The attribute 'window', in this order. Sizes in pixels; top and left: padding; height and width: of the output;
// relu: whether a relu follows (1) or not (0).
struct Window {
  int kernel_height, kernel_width, stride_height, stride_width, top, left, input_height, input_width, height, width,
      relu;
};

struct Maps {
  int64_t height, width, channels;
};

// The rows (or columns) of a window that lie within the picture.
struct Range {
  int from, to;
};

inline Range Inside(int64_t start, int kernel, int64_t size) {
  return {start < 0 ? static_cast<int>(-start) : 0, start + kernel > size ? static_cast<int>(size - start) : kernel};
}

inline Floats Load(const float* from, int64_t lanes) {
  Floats values = {};
  if (lanes == kLanes)
    memcpy(&values, from, sizeof(values));
  else
    memcpy(&values, from, lanes * sizeof(float));
  return values;
}

// One row of outputs. x: the whole picture; bias: [channels], or null; norm: mean, slope and offset [3, channels] of a
// normalisation (x - mean) * slope + offset, or null; y and indices: this row; y0: the input row where its windows begin; high:
// which rows of the windows are in the picture.
struct Row {
  const float* x;
  const float* bias;
  const float* norm;
  float* y;
  uint8_t* indices;
  Maps maps;
  Window window;
  int64_t y0;
  Range high;
};

// Outputs of neighbouring columns whose windows are clipped alike. Computed together, since the comparisons of a single
// one would each wait for the one before.
template <int kColumns, bool kNormalises>
inline __attribute__((always_inline)) void PoolColumns(const Row& row, int column, Range wide, int64_t channel,
                                                       int64_t lanes) {
  const Maps& maps = row.maps;
  const Window& window = row.window;
  const int64_t x0 = static_cast<int64_t>(column) * window.stride_width - window.left;
  const int64_t next = window.stride_width * maps.channels;
  const float* origin = row.x + (row.y0 * maps.width + x0) * maps.channels + channel;
  Floats mean, slope, offset;
  if (kNormalises) {
    mean = Load(row.norm + channel, lanes);
    slope = Load(row.norm + maps.channels + channel, lanes);
    offset = Load(row.norm + 2 * maps.channels + channel, lanes);
  }
  const auto value_at = [&](const float* from) __attribute__((always_inline)) {
    const Floats value = Load(from, lanes);
    return kNormalises ? (value - mean) * slope + offset : value;
  };
  Floats best[kColumns];
  Integers index[kColumns];
  // The largest magnitude, as an integer: above infinity's it is NaN, which is passed on, so that a network that diverged
  // says so. (With a comparison of each value with itself, GCC's code is 30 times as slow.)
  Integers largest[kColumns] = {};
  for (int i = 0; i < kColumns; i++) {
    best[i] = value_at(origin + i * next + (row.high.from * maps.width + wide.from) * maps.channels);
    index[i] = Integers{} + (row.high.from * window.kernel_width + wide.from);
  }
  for (int ky = row.high.from; ky < row.high.to; ky++) {
    for (int kx = wide.from; kx < wide.to; kx++) {
      const float* from = origin + (ky * maps.width + kx) * maps.channels;
      const Integers here = Integers{} + (ky * window.kernel_width + kx);
      for (int i = 0; i < kColumns; i++) {
        const Floats value = value_at(from + i * next);
        const Integers larger = value > best[i];
        best[i] = larger ? value : best[i];
        index[i] = larger ? here : index[i];
        const Integers size = reinterpret_cast<Integers>(value) & 0x7fffffff;
        largest[i] = size > largest[i] ? size : largest[i];
      }
    }
  }
  for (int i = 0; i < kColumns; i++) {
    best[i] = largest[i] > 0x7f800000 ? Floats{} + __builtin_nanf("") : best[i];
    if (row.bias) best[i] += Load(row.bias + channel, lanes);
    if (window.relu) {
      const Integers stops = best[i] <= 0;
      index[i] = stops ? Integers{} + kMasked : index[i];
      best[i] = stops ? Floats{} : best[i];
    }
    const int64_t at = (column + i) * maps.channels + channel;
    memcpy(row.y + at, &best[i], lanes * sizeof(float));
    const Bytes narrow = __builtin_convertvector(index[i], Bytes);
    memcpy(row.indices + at, &narrow, lanes);
  }
}

template <int kColumns, bool kNormalises>
inline __attribute__((always_inline)) void PoolChannels(const Row& row, int column, Range wide) {
  int64_t channel = 0;
  for (; channel + kLanes <= row.maps.channels; channel += kLanes)
    PoolColumns<kColumns, kNormalises>(row, column, wide, channel, kLanes);
  if (channel < row.maps.channels)
    PoolColumns<kColumns, kNormalises>(row, column, wide, channel, row.maps.channels - channel);
}

template <bool kNormalises>
inline __attribute__((always_inline)) void PoolColumnsOf(const Row& row) {
  const Window& window = row.window;
  for (int column = 0; column < window.width;) {
    const Range wide = Inside(column * window.stride_width - window.left, window.kernel_width, row.maps.width);
    const int last = column + kTileColumns - 1;
    const int64_t end = static_cast<int64_t>(last) * window.stride_width - window.left + window.kernel_width;
    if (wide.from == 0 && last < window.width && end <= row.maps.width) {
      PoolChannels<kTileColumns, kNormalises>(row, column, wide);
      column += kTileColumns;
    } else {
      PoolChannels<1, kNormalises>(row, column++, wide);
    }
  }
}

FOR_EVERY_PROCESSOR
void PoolRow(const Row& row) {
  if (row.norm) return PoolColumnsOf<true>(row);
  PoolColumnsOf<false>(row);
}

// dy where relu let the maximum pass, else 0.
inline Floats Passing(const float* dy, const uint8_t* indices, int64_t lanes) {
  Bytes narrow = {};
  memcpy(&narrow, indices, lanes);
  const Integers passes = __builtin_convertvector(narrow, Integers) != kMasked;
  return passes ? Load(dy, lanes) : Floats{};
}

// One picture: adds each dy to where its maximum was. dx: zeros at first.
FOR_EVERY_PROCESSOR
void ScatterPicture(const float* dy, const uint8_t* indices, float* dx, const Maps maps, const Window window) {
  int64_t offsets[kMasked + 1] = {};
  for (int index = 0; index < window.kernel_height * window.kernel_width; index++) {
    const int64_t ky = index / window.kernel_width, kx = index % window.kernel_width;
    offsets[index] = (ky * maps.width + kx) * maps.channels;
  }
  for (int row = 0; row < window.height; row++) {
    const int64_t y0 = row * window.stride_height - window.top;
    for (int column = 0; column < window.width; column++) {
      const int64_t x0 = column * window.stride_width - window.left;
      // A masked dy adds 0 to some element that is within the picture.
      offsets[kMasked] = ((y0 < 0 ? -y0 : 0) * maps.width + (x0 < 0 ? -x0 : 0)) * maps.channels;
      float* origin = dx + (y0 * maps.width + x0) * maps.channels;
      for (int64_t channel = 0; channel < maps.channels; channel += kLanes) {
        const int64_t lanes = maps.channels - channel < kLanes ? maps.channels - channel : kLanes;
        const Floats passing = Passing(dy, indices, lanes);
        for (int64_t lane = 0; lane < lanes; lane++) origin[channel + lane + offsets[indices[lane]]] += passing[lane];
        dy += lanes;
        indices += lanes;
      }
    }
  }
}

// The sum over one picture of what passes of dy, for each channel.
FOR_EVERY_PROCESSOR
void SumPicture(const float* dy, const uint8_t* indices, float* sums, int64_t size, int64_t channels) {
  for (int64_t channel = 0; channel < channels; channel += kLanes) {
    const int64_t lanes = channels - channel < kLanes ? channels - channel : kLanes;
    Floats sum = {};
    for (int64_t i = channel; i < size; i += channels) sum += Passing(dy + i, indices + i, lanes);
    memcpy(sums + channel, &sum, lanes * sizeof(float));
  }
}

void* Create(TF_OpKernelConstruction* construction) {
  const std::vector<int32_t> w = IntegersOf(construction, "window");
  if (w.size() != 11) return new Window{};
  return new Window{w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7], w[8], w[9], w[10]};
}

void Destroy(void* kernel) { delete static_cast<Window*>(kernel); }

// x [batch, height, width, channels]; bias [channels], or [1] for none; or the coefficients of a normalisation [3, channels]
// -> y and indices [batch, window.height, window.width, channels]
template <bool kNormalises>
void Pool(void* kernel, TF_OpKernelContext* context) {
  const Window window = *static_cast<Window*>(kernel);
  Call call(context);
  Tensor x, bias, y, indices;
  call.inputs({&x, &bias});
  if (!call.ok()) return;
  const Maps maps{x.dim(1), x.dim(2), x.dim(3)};
  const std::vector<int64_t> shape{x.dim(0), window.height, window.width, maps.channels};
  call.output(0, TF_FLOAT, shape, y);
  call.output(1, TF_UINT8, shape, indices);
  if (!call.ok()) return;
  const float* norm = kNormalises ? bias.data<float>() : nullptr;
  const float* added = !kNormalises && bias.size() == maps.channels ? bias.data<float>() : nullptr;
  const int64_t rows = shape[0] * window.height, length = window.width * maps.channels;
#pragma omp parallel for schedule(static)
  for (int64_t row = 0; row < rows; row++) {
    const float* picture = x.data<float>() + row / window.height * maps.height * maps.width * maps.channels;
    const int64_t y0 = row % window.height * window.stride_height - window.top;
    PoolRow({picture, added, norm, y.data<float>() + row * length, indices.data<uint8_t>() + row * length, maps, window, y0,
             Inside(y0, window.kernel_height, maps.height)});
  }
}

// dy, indices [batch, window.height, window.width, channels]
// -> dx [batch, window.input_height, window.input_width, channels]
void PoolGradient(void* kernel, TF_OpKernelContext* context) {
  const Window window = *static_cast<Window*>(kernel);
  Call call(context);
  Tensor dy, indices, dx;
  call.inputs({&dy, &indices});
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
    ScatterPicture(dy.data<float>() + picture * pooled, indices.data<uint8_t>() + picture * pooled, to, maps, window);
  }
}

// dy, indices -> dbias [channels]. The sums of the pictures are added in their order, whatever the number of threads.
void BiasGradient(void*, TF_OpKernelContext* context) {
  Call call(context);
  Tensor dy, indices, dbias;
  call.inputs({&dy, &indices});
  if (!call.ok()) return;
  const int64_t batch = dy.dim(0), channels = dy.dim(3), size = dy.dim(1) * dy.dim(2) * channels;
  call.output(0, TF_FLOAT, {channels}, dbias);
  if (!call.ok()) return;
  std::vector<float> sums(batch * channels);
#pragma omp parallel for schedule(static)
  for (int64_t picture = 0; picture < batch; picture++) {
    SumPicture(dy.data<float>() + picture * size, indices.data<uint8_t>() + picture * size,
               sums.data() + picture * channels, size, channels);
  }
  float* total = dbias.data<float>();
  memset(total, 0, channels * sizeof(float));
  for (size_t i = 0; i < sums.size(); i++) total[i % channels] += sums[i];
}

const Registration pool({"BatSupMaxPool",
                         {"x: float", "bias: float"},
                         {"y: float", "indices: uint8"},
                         {"window: list(int)"},
                         &Create,
                         &Pool<false>,
                         &Destroy});

const Registration norm_pool({"BatSupNormMaxPool",
                              {"x: float", "coefficients: float"},
                              {"y: float", "indices: uint8"},
                              {"window: list(int)"},
                              &Create,
                              &Pool<true>,
                              &Destroy});

const Registration gradient({"BatSupMaxPoolGrad",
                             {"dy: float", "indices: uint8"},
                             {"dx: float"},
                             {"window: list(int)"},
                             &Create,
                             &PoolGradient,
                             &Destroy});

const Registration bias({"BatSupMaxPoolBiasGrad",
                         {"dy: float", "indices: uint8"},
                         {"dbias: float"},
                         {},
                         nullptr,
                         &BiasGradient,
                         nullptr});

}  // namespace
