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

#include "native_depthwise.h"
#include "operation.h"

namespace {

float FloatOf(TF_OpKernelConstruction* construction, const char* name) {
  TF_Status* status = TF_NewStatus();
  float value = 0;
  TF_OpKernelConstruction_GetAttrFloat(construction, name, &value, status);
  if (TF_GetCode(status) != TF_OK) TF_OpKernelConstruction_Failure(construction, status);
  TF_DeleteStatus(status);
  return value;
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

// Floats at an address that vectors may be loaded from.
class Buffer {
 public:
  explicit Buffer(int64_t size) : memory_(new (std::align_val_t(64)) float[size]) {}
  Buffer(const Buffer&) = delete;
  ~Buffer() { operator delete[](memory_, std::align_val_t(64)); }
  float* data() { return memory_; }

 private:
  float* memory_;
};

// The inputs that forward and backward pass have in common, and what is folded of them.
struct Layer {
  Tensor x, filter, scale, offset, mean, variance;
  Geometry g;
  int64_t outputs, taps;
  std::vector<float> slope, bias;  // [RoundUp(outputs)]

  Layer(Call& call, const Attributes& a) {
    int index = 0;
    for (Tensor* tensor : {&x, &filter, &scale, &offset, &mean, &variance}) call.input(index++, *tensor);
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
  const int64_t rows = (int64_t{1} << 17) / (inner + outputs) / 8 * 8;
  return rows < 32 ? 32 : rows > 256 ? 256 : rows;
}

// The inputs of some output pixels as a matrix [pixels, taps]: x itself for a kernel of 1, else a copy in `patches`.
INLINE const float* RowsOf(const Layer& layer, int64_t from, int64_t rows, float* patches) {
  const Geometry& g = layer.g;
  const float* x = layer.x.data<float>();
  if (layer.IsPointwise()) return x + from * g.channels;
  float* to = patches;
  for (int64_t row = from; row < from + rows; row++) {
    const int64_t picture = row / (g.out_height * g.out_width), pixel = row % (g.out_height * g.out_width);
    const int64_t y0 = pixel / g.out_width * g.stride - g.top, x0 = pixel % g.out_width * g.stride - g.left;
    const Range columns = Inside(x0, g.kernel, g.width);
    for (int64_t u = 0; u < g.kernel; u++, to += g.kernel * g.channels) {
      memset(to, 0, g.kernel * g.channels * sizeof(float));
      if (y0 + u < 0 || y0 + u >= g.height || columns.to <= columns.from) continue;
      const float* inside = x + ((picture * g.height + y0 + u) * g.width + x0 + columns.from) * g.channels;
      memcpy(to + columns.from * g.channels, inside, (columns.to - columns.from) * g.channels * sizeof(float));
    }
  }
  return patches;
}

template <class L>
INLINE void PackForward(const Layer& layer, float* to) {
  const float* filter = layer.filter.data<float>();
  Pack<L>(to, layer.taps, layer.outputs,
          [&](int64_t tap, int64_t output) { return filter[tap * layer.outputs + output] * layer.slope[output]; });
}

template <class L>
INLINE void PackBackward(const Layer& layer, float* to) {
  const float* filter = layer.filter.data<float>();
  Pack<L>(to, layer.outputs, layer.taps,
          [&](int64_t output, int64_t tap) { return filter[tap * layer.outputs + output] * layer.slope[output]; });
}

// What the activation lets pass of dy.
struct Mask {
  const float *dy, *y;
  float high;      // 0: all of it; else where 0 < y < high
  int64_t columns;

  INLINE float at(int64_t i) const { return high == 0 || ((y[i] > 0) & (y[i] < high)) ? dy[i] : 0; }

  // Rows [columns] of dz, each padded with zeros to `stride`. sums += the sum of the rows.
  INLINE void Rows(int64_t from, int64_t rows, float* dz, int64_t stride, float* sums) const {
    for (int64_t at = from * columns; rows > 0; rows--, at += columns, dz += stride) {
      if (high == 0)
        memcpy(dz, dy + at, columns * sizeof(float));
      else
        for (int64_t i = 0; i < columns; i++) dz[i] = (y[at + i] > 0) & (y[at + i] < high) ? dy[at + i] : 0;
      for (int64_t i = 0; i < columns; i++) sums[i] += dz[i];
      for (int64_t i = columns; i < stride; i++) dz[i] = 0;
    }
  }
};

struct Forward {
  const Layer& layer;
  const float* filter;  // packed, or for a depthwise convolution folded
  float* y;
  float low, high;
};

template <class L>
INLINE void ForwardRows(const Forward& f, int64_t from, int64_t rows, float* patches) {
  const int64_t taps = f.layer.taps, n = f.layer.outputs;
  const float* a = RowsOf(f.layer, from, rows, patches);
  Multiply<L>({a, taps, f.filter, f.y + from * n, n, rows, taps, n, f.layer.bias.data(), f.low, f.high});
}

struct Backward {
  const Layer& layer;
  Mask mask;
  const float* filter;  // as in Forward, but packed the other way round
  float* dx;            // null: not wanted
};

// sums: of the folded filter's gradient [taps, RoundUp(outputs)], then of the bias's.
template <class L>
INLINE void BackwardRows(const Backward& b, int64_t from, int64_t rows, float* patches, float* dz, float* sums) {
  const int64_t taps = b.layer.taps, n = b.layer.outputs, stride = RoundUp(n);
  b.mask.Rows(from, rows, dz, stride, sums + taps * stride);
  if (b.dx) Multiply<L>({dz, stride, b.filter, b.dx + from * taps, taps, rows, n, taps, nullptr, 0, 0});
  AddOuter<L>({RowsOf(b.layer, from, rows, patches), taps, dz, rows, taps, stride, sums});
}

template <class L, int kKernel, int kStride>
INLINE void DepthwiseForward(const Forward& f, int64_t row) {
  const Geometry& g = f.layer.g;
  const int64_t channels = g.channels, of_picture = row % g.out_height;
  const float* x = f.layer.x.data<float>() + row / g.out_height * g.height * g.width * channels;
  const float* bias = f.layer.bias.data();
  float* y = f.y + row * g.out_width * channels;
  int64_t c = 0;
  for (; c + L::kLanes <= channels; c += L::kLanes)
    DepthwiseRow<L, kKernel, kStride>(g, x + c, of_picture, f.filter + c, bias + c, y + c, f.low, f.high);
  for (; c < channels; c++)
    DepthwiseRow<Single, kKernel, kStride>(g, x + c, of_picture, f.filter + c, bias + c, y + c, f.low, f.high);
}

// The channels from..to of a row of dz, [pixel][lane] for one vector after the other, and its gradients.
template <class L, int kKernel, int kStride, bool kNeedsX>
INLINE void DepthwiseBackwardRow(const Backward& b, int64_t picture, int64_t row, int64_t from, int64_t to, float* dz,
                                 float* sums) {
  const Geometry& g = b.layer.g;
  const int64_t channels = g.channels, y0 = row * kStride - g.top;
  const int64_t of_x = (picture * g.height + y0) * g.width * channels;
  const int64_t of_y = (picture * g.out_height + row) * g.out_width * channels;
  const Range rows = Inside(y0, kKernel, g.height);
  for (int64_t c = from; c < to; c += L::kLanes) {
    typename L::Floats sum = L::Load(sums + kKernel * kKernel * channels + c);
    for (int64_t column = 0; column < g.out_width; column++) {
      float* d = dz + column * L::kLanes;
      for (int lane = 0; lane < L::kLanes; lane++) d[lane] = b.mask.at(of_y + column * channels + c + lane);
      sum += L::Load(d);
    }
    L::Store(sum, sums + kKernel * kKernel * channels + c);
    for (int64_t u = rows.from; u < rows.to; u++) {
      const int64_t at = of_x + u * g.width * channels + c, tap = u * kKernel * channels + c;
      DepthwiseRowGradient<L, kKernel, kStride, kNeedsX>(g, dz, b.layer.x.data<float>() + at,
                                                         kNeedsX ? b.dx + at : nullptr, b.filter + tap, sums + tap);
    }
  }
}

// The channels from..to of one picture. sums: [taps + 1, channels], the filter's and the bias's.
template <class L, int kKernel, int kStride, bool kNeedsX>
INLINE void DepthwiseBackward(const Backward& b, int64_t picture, int64_t from, int64_t to, float* dz, float* sums) {
  const Geometry& g = b.layer.g;
  const int64_t whole = from + (to - from) / L::kLanes * L::kLanes;
  int64_t cleared = 0;
  for (int64_t row = 0; row <= g.out_height; row++) {
    const int64_t below = row == g.out_height ? g.height : row * kStride - g.top + kKernel;
    for (; kNeedsX && cleared < (below < g.height ? below : g.height); cleared++)
      for (int64_t column = 0; column < g.width; column++)
        memset(b.dx + ((picture * g.height + cleared) * g.width + column) * g.channels + from, 0,
               (to - from) * sizeof(float));
    if (row == g.out_height) break;
    DepthwiseBackwardRow<L, kKernel, kStride, kNeedsX>(b, picture, row, from, whole, dz, sums);
    DepthwiseBackwardRow<Single, kKernel, kStride, kNeedsX>(b, picture, row, whole, to, dz, sums);
  }
}

// Calls `run` with the kernel and stride of a depthwise convolution as constants.
template <class Run>
INLINE void WithKernel(const Geometry& g, const Run& run) {
  if (g.kernel == 3 && g.stride == 1) return run(Constant<3>{}, Constant<1>{});
  if (g.kernel == 3) return run(Constant<3>{}, Constant<2>{});
  if (g.stride == 1) return run(Constant<5>{}, Constant<1>{});
  return run(Constant<5>{}, Constant<2>{});
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
#pragma omp parallel for schedule(dynamic, 4)
    for (int64_t row = 0; row < layer.g.batch * a.out_height; row++)
      AtBestLevel([&](auto level) __attribute__((always_inline)) {
        WithKernel(layer.g, [&](auto size, auto stride) __attribute__((always_inline)) {
          DepthwiseForward<decltype(level), size.value, stride.value>(forward, row);
        });
      });
    return;
  }
  AtBestLevel([&](auto level) __attribute__((always_inline)) { PackForward<decltype(level)>(layer, filter.data()); });
  const int64_t rows = layer.rows(), block = BlockRows(layer.taps, layer.outputs);
#pragma omp parallel
  {
    Buffer patches(layer.IsPointwise() ? 0 : block * layer.taps);
#pragma omp for schedule(dynamic)
    for (int64_t from = 0; from < rows; from += block)
      AtBestLevel([&](auto level) __attribute__((always_inline)) {
        ForwardRows<decltype(level)>(forward, from, from + block < rows ? block : rows - from, patches.data());
      });
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

void DepthwiseGradients(const Backward& b, float* sums) {
  const Geometry& g = b.layer.g;
  const int64_t group = 64, groups = (g.channels + group - 1) / group;
#pragma omp parallel
  {
    Buffer dz(g.out_width * kPadding);
#pragma omp for schedule(dynamic)
    for (int64_t task = 0; task < g.batch * groups; task++) {
      const int64_t picture = task / groups, from = task % groups * group;
      const int64_t to = from + group < g.channels ? from + group : g.channels;
      float* own = sums + picture * (b.layer.taps + 1) * g.channels;
      AtBestLevel([&](auto level) __attribute__((always_inline)) {
        using L = decltype(level);
        WithKernel(g, [&](auto size, auto stride) __attribute__((always_inline)) {
          if (b.dx)
            DepthwiseBackward<L, size.value, stride.value, true>(b, picture, from, to, dz.data(), own);
          else
            DepthwiseBackward<L, size.value, stride.value, false>(b, picture, from, to, dz.data(), own);
        });
      });
    }
  }
}

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
        AtBestLevel([&](auto level) __attribute__((always_inline)) {
          BackwardRows<decltype(level)>(b, from, from + block < end ? block : end - from, patches.data(), dz.data(),
                                        sums + portion * (layer.taps + 1) * stride);
        });
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
    DepthwiseGradients(backward, sums.data());
  } else {
    if (a.has_dx)
      AtBestLevel([&](auto level) __attribute__((always_inline)) { PackBackward<decltype(level)>(layer, filter.data()); });
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
