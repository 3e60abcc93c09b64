// A convolution, batch normalisation by given statistics, and an activation that clamps: one pass forward, one backward.
// Normalisation is folded into the filter: y = clamp(x * (filter slope) + offset - mean slope), with
// slope = scale / sqrt(variance + epsilon). What the activation lets pass can be told from y alone.
//
// Forward:  x, filter, scale, offset, mean, variance -> y
// Backward: the same, y, dy -> dx, and the gradients of filter, scale and offset
//
// x [batch, height, width, inputs], filter [kernel, kernel, inputs, outputs] or, depthwise, [kernel, kernel, channels, 1].
// A batch is cut into portions whose number depends on the shapes alone, and their sums are added in order, so that the
// results do not depend on the number of threads.
#include <cmath>
#include <memory>

#include <cstring>
#include <limits>
#include <vector>

#include "operation.h"
#include "vectors.h"

namespace {

// Sizes of maps [height, width, channels] and of a kernel that moves over them.
struct Geometry {
  int64_t batch, height, width, channels, kernel, stride, top, left, out_height, out_width;

  // Columns that the kernel reads, those of the padding included.
  int64_t PaddedWidth() const { return (out_width - 1) * stride + kernel; }

  // Room for a depthwise convolution's rows, in floats: two sets for the kernel, and one of outputs.
  int64_t RowsMemory() const { return (2 * kernel * PaddedWidth() + out_width) * kPadding; }
};

// The part of a kernel that is inside the maps.
struct Range {
  int64_t from, to;
};

INLINE Range Inside(int64_t start, int64_t kernel, int64_t size) {
  return {start < 0 ? -start : 0, start + kernel > size ? size - start : kernel};
}

// `options` in native.ts, in this order.
struct Attributes {
  float epsilon = 0;
  bool is_depthwise = false, has_dx = false;
  int64_t kernel = 1, stride = 1, top = 0, left = 0, out_height = 0, out_width = 0, activation = 0;

  float low() const { return activation == 0 ? -std::numeric_limits<float>::infinity() : 0; }
  float high() const { return activation == 2 ? 6 : std::numeric_limits<float>::infinity(); }
};

void* Create(TF_OpKernelConstruction* construction) {
  auto attributes = std::make_unique<Attributes>();
  const std::vector<int32_t> v = IntegersOf(construction, "options");
  attributes->epsilon = FloatOf(construction, "epsilon");
  if (v.size() != 9) return nullptr;
  attributes->is_depthwise = v[0];
  attributes->kernel = v[1];
  attributes->stride = v[2];
  attributes->top = v[3];
  attributes->left = v[4];
  attributes->out_height = v[5];
  attributes->out_width = v[6];
  attributes->activation = v[7];
  attributes->has_dx = v[8];
  return attributes.release();
}

void Destroy(void* kernel) { delete static_cast<Attributes*>(kernel); }

// The inputs that forward and backward pass have in common, and what is folded of them.
struct Layer {
  Tensor x, filter, scale, offset, mean, variance;
  Geometry g;
  int64_t outputs, taps;
  std::vector<float> slope, bias;  // [RoundUp(outputs)]

  Layer(Call& call, const Attributes& a) {
    call.inputs({&x, &filter, &scale, &offset, &mean, &variance});
    if (!call.ok()) return;
    g = {x.dim(0), x.dim(1), x.dim(2), x.dim(3), a.kernel, a.stride, a.top, a.left, a.out_height, a.out_width};
    outputs = scale.size();
    taps = a.kernel * a.kernel * (a.is_depthwise ? 1 : g.channels);
    slope.assign(RoundUp(outputs), 0);
    bias.assign(RoundUp(outputs), 0);
    for (int64_t c = 0; c < outputs; c++) {
      slope[c] = scale.data<float>()[c] / std::sqrt(variance.data<float>()[c] + a.epsilon);
      bias[c] = offset.data<float>()[c] - mean.data<float>()[c] * slope[c];
    }
  }

  int64_t rows() const { return g.batch * g.out_height * g.out_width; }
  bool IsPointwise() const { return g.kernel == 1 && g.stride == 1; }

  // The filter times the slope, as it lies.
  void Fold(float* to) const {
    const float* from = filter.data<float>();
    for (int64_t i = 0; i < taps * outputs; i++) to[i] = from[i] * slope[i % outputs];
  }
};

// Portions of a batch whose gradients are summed apart; a power of two, so that threads share them evenly.
int64_t Portions(int64_t rows) {
  int64_t portions = 1;
  while (portions < 16 && portions * 2 * 96 <= rows) portions *= 2;
  return portions;
}

// Pixels whose inputs and outputs stay in the cache together.
int64_t BlockRows(int64_t inner, int64_t outputs) {
  const int64_t rows = (int64_t{1} << 16) / (inner + outputs) / 8 * 8;
  return rows < 48 ? 48 : rows > 128 ? 128 : rows;
}

// What the activation lets pass of dy: all of it, or only where 0 < y < high.
struct Mask {
  const float *dy, *y;
  float high;  // 0: all of it
  int64_t columns;
};

struct Forward {
  const Layer& layer;
  const float* filter;  // packed, or for a depthwise convolution folded
  float* y;
  float low, high;
};

struct Backward {
  const Layer& layer;
  Mask mask;
  const float* filter;  // as in Forward, but packed the other way round
  float* dx;            // null: not wanted
};

// Some channels of a picture, and memory for their rows.
struct Part {
  int64_t picture, from, to;
  float* memory;
};

// What native_kernels.h computes, compiled for a level of processors.
struct Kernels {
  // The folded filter, packed for the forward or the backward pass.
  void (*pack)(const Layer&, float* to);
  void (*pack_back)(const Layer&, float* to);
  // Some output pixels. patches: room for BlockRows() * taps floats, unless the convolution is pointwise.
  void (*forward)(const Forward&, int64_t from, int64_t rows, float* patches);
  // Adds to `sums`: of the folded filter's gradient [taps, RoundUp(outputs)], then of the bias's. dz: room.
  void (*backward)(const Backward&, int64_t from, int64_t rows, float* patches, float* dz, float* sums);
  // Depthwise: some channels of a picture.
  void (*depthwise)(const Forward&, const Part&);
  // Adds to `sums` [taps + 1, channels], the filter's and the bias's.
  void (*depthwise_back)(const Backward&, const Part&, float* sums);
};

#define KERNELS "../kernels/norm_conv/native_kernels.h"
#include "every_processor.h"

// Calls `task` for all channels of all pictures.
template <class Task>
void ForChannels(const Geometry& g, const Task& task) {
  const int64_t group = 64, groups = (g.channels + group - 1) / group;
#pragma omp parallel
  {
    Buffer memory(g.RowsMemory());
#pragma omp for schedule(dynamic)
    for (int64_t i = 0; i < g.batch * groups; i++) {
      const int64_t from = i % groups * group, to = from + group < g.channels ? from + group : g.channels;
      task(Part{i / groups, from, to, memory.data()});
    }
  }
}

void ComputeForward(void* kernel, TF_OpKernelContext* context) {
  const Attributes& a = *static_cast<Attributes*>(kernel);
  Call call(context);
  const Layer layer(call, a);
  if (!call.ok()) return;
  Tensor y;
  call.output(0, TF_FLOAT, {layer.g.batch, a.out_height, a.out_width, layer.outputs}, y);
  if (!call.ok()) return;
  Buffer filter(layer.taps * RoundUp(layer.outputs));
  const Forward forward{layer, filter.data(), y.data<float>(), a.low(), a.high()};
  if (a.is_depthwise) {
    layer.Fold(filter.data());
    ForChannels(layer.g, [&](const Part& part) { Best().depthwise(forward, part); });
    return;
  }
  Best().pack(layer, filter.data());
  const int64_t rows = layer.rows(), block = BlockRows(layer.taps, layer.outputs);
#pragma omp parallel
  {
    Buffer patches(layer.IsPointwise() ? 0 : block * layer.taps);
#pragma omp for schedule(dynamic)
    for (int64_t from = 0; from < rows; from += block)
      Best().forward(forward, from, from + block < rows ? block : rows - from, patches.data());
  }
}

// The gradients of what was folded, from the sums of the portions: each has the folded filter's [taps, stride] and the
// bias's [stride].
struct Unfolded {
  Tensor filter, scale, offset;

  Unfolded(Call& call, const Layer& layer) {
    const std::vector<int64_t> shape{layer.filter.dim(0), layer.filter.dim(1), layer.filter.dim(2), layer.filter.dim(3)};
    call.output(1, TF_FLOAT, shape, filter);
    call.output(2, TF_FLOAT, {layer.outputs}, scale);
    call.output(3, TF_FLOAT, {layer.outputs}, offset);
  }

  void Add(const Layer& layer, const Attributes& a, const float* sums, int64_t portions, int64_t stride) {
    const int64_t taps = layer.taps, n = layer.outputs, size = (taps + 1) * stride, chunk = 64;
#pragma omp parallel for schedule(static)
    for (int64_t from = 0; from < n; from += chunk) {
      const int64_t width = from + chunk < n ? chunk : n - from;
      double products[chunk] = {};
      for (int64_t tap = 0; tap <= taps; tap++) {
        float total[chunk] = {};
        for (int64_t portion = 0; portion < portions; portion++) {
          const float* sum = sums + portion * size + tap * stride + from;
          for (int64_t i = 0; i < width; i++) total[i] += sum[i];
        }
        for (int64_t i = 0; i < width; i++) {
          const int64_t c = from + i;
          if (tap < taps) {
            products[i] += static_cast<double>(layer.filter.data<float>()[tap * n + c]) * total[i];
            filter.data<float>()[tap * n + c] = total[i] * layer.slope[c];
          } else {
            const double inverse = 1 / std::sqrt(layer.variance.data<float>()[c] + a.epsilon);
            offset.data<float>()[c] = total[i];
            scale.data<float>()[c] = (products[i] - static_cast<double>(layer.mean.data<float>()[c]) * total[i]) * inverse;
          }
        }
      }
    }
  }
};

void Gradients(const Backward& b, int64_t portions, float* sums) {
  const Layer& layer = b.layer;
  const int64_t rows = layer.rows(), block = BlockRows(layer.taps, layer.outputs), stride = RoundUp(layer.outputs);
#pragma omp parallel
  {
    Buffer patches(layer.IsPointwise() ? 0 : block * layer.taps), dz(block * stride);
#pragma omp for schedule(dynamic)
    for (int64_t portion = 0; portion < portions; portion++) {
      const int64_t end = rows * (portion + 1) / portions;
      for (int64_t from = rows * portion / portions; from < end; from += block)
        Best().backward(b, from, from + block < end ? block : end - from, patches.data(), dz.data(),
                        sums + portion * (layer.taps + 1) * stride);
    }
  }
}

void ComputeBackward(void* kernel, TF_OpKernelContext* context) {
  const Attributes& a = *static_cast<Attributes*>(kernel);
  Call call(context);
  const Layer layer(call, a);
  Tensor y, dy, dx;
  call.input(6, y);
  call.input(7, dy);
  if (!call.ok()) return;
  const Geometry& g = layer.g;
  const std::vector<int64_t> shape{g.batch, g.height, g.width, g.channels};
  call.output(0, TF_FLOAT, a.has_dx ? shape : std::vector<int64_t>{0}, dx);
  Unfolded gradients(call, layer);
  if (!call.ok()) return;
  const int64_t stride = a.is_depthwise ? g.channels : RoundUp(layer.outputs);
  const int64_t portions = a.is_depthwise ? g.batch : Portions(layer.rows());
  std::vector<float> sums(portions * (layer.taps + 1) * stride);
  Buffer filter(layer.outputs * RoundUp(layer.taps));
  const Mask mask{dy.data<float>(), y.data<float>(), a.activation == 0 ? 0 : a.high(), layer.outputs};
  const Backward backward{layer, mask, filter.data(), a.has_dx ? dx.data<float>() : nullptr};
  if (a.is_depthwise) {
    layer.Fold(filter.data());
    ForChannels(g, [&](const Part& part) {
      Best().depthwise_back(backward, part, sums.data() + part.picture * (layer.taps + 1) * g.channels);
    });
  } else {
    if (a.has_dx) Best().pack_back(layer, filter.data());
    Gradients(backward, portions, sums.data());
  }
  gradients.Add(layer, a, sums.data(), portions, stride);
}

const Registration forward({"BatSupNormConv",
                            {"x: float", "filter: float", "scale: float", "offset: float", "mean: float",
                             "variance: float"},
                            {"y: float"},
                            {"options: list(int)", "epsilon: float"},
                            &Create,
                            &ComputeForward,
                            &Destroy});

const Registration backward({"BatSupNormConvGrad",
                             {"x: float", "filter: float", "scale: float", "offset: float", "mean: float",
                              "variance: float", "y: float", "dy: float"},
                             {"dx: float", "dfilter: float", "dscale: float", "doffset: float"},
                             {"options: list(int)", "epsilon: float"},
                             &Create,
                             &ComputeBackward,
                             &Destroy});

}  // namespace
