// 3 x 3 convolutions with stride 1 and their gradients by Winograd's minimal filtering F(2 x 2, 3 x 3) (Lavin and Gray 2016,
// "Fast Algorithms for Convolutional Neural Networks", section 4.1): 16 multiplications for 4 outputs instead of 36.
//
// Of each tile of 2 x 2 outputs the 4 x 4 inputs d are transformed to V = B'dB, and the filter g to U = GgG', both by
// additions and halving alone. Then V U is 16 products of matrices [tiles, inputs] [inputs, outputs], one for each place in a
// tile; M = VU is transformed back to the outputs A'MA. For the filter's gradient the same V is multiplied with the transform
// A dy A' of the outputs' gradients, summed over all tiles, and transformed back by G'(sum)G.
//
// x [batch, height, width, inputs], filter [3, 3, inputs, outputs], y [batch, out_height, out_width, outputs]; inputs and
// outputs are multiples of kPadding. Tiles are cut into blocks, and the batch of a gradient into portions, by the shapes
// alone, so that the results do not depend on the number of threads.
#include <algorithm>
#include <cstring>
#include <vector>

#include "operation.h"
#include "vectors.h"

namespace {

constexpr int kTile = 4, kPlaces = kTile * kTile, kKernel = 3;

// Sizes of a convolution; top and left: zeros around the input.
struct Geometry {
  int64_t batch, height, width, inputs, out_height, out_width, outputs, top, left;

  int64_t TilesDown() const { return (out_height + 1) / 2; }
  int64_t TilesAcross() const { return (out_width + 1) / 2; }
  int64_t Tiles() const { return batch * TilesDown() * TilesAcross(); }

  // Tiles whose transforms stay in a processor's second cache, but enough of them to read the filter seldom.
  int64_t BlockTiles() const { return std::clamp<int64_t>(8192 / (inputs + outputs), 48, 128); }
  int64_t Blocks() const { return (Tiles() + BlockTiles() - 1) / BlockTiles(); }
};

// Some tiles, or some channels.
struct Range {
  int64_t from, count;
};

// Floats of one place of a transform, for some tiles. Places that lie powers of two apart would share a set of the cache, and a
// tile is read and written at all of them.
INLINE int64_t PlaceSize(int64_t tiles, int64_t channels) { return tiles * channels + kPadding; }

// y = convolution of x with the filter whose transform is packed in u [kPlaces, inputs * outputs].
struct Convolution {
  Geometry g;
  const float* x;
  const float* u;
  float* y;
};

// sums [kPlaces, inputs, outputs] += those of some inputs over a block's tiles.
struct FilterSums {
  Geometry g;
  const float* x;
  const float* dy;
  Range channels;
};

// What native_kernels.h computes, for a level of processors.
struct Kernels {
  // filter [kKernel, kKernel, inputs, outputs] -> u [kPlaces, inputs * outputs], each place as the products read it, for the row
  // `input`.
  void (*transform_filter)(const float* filter, int64_t inputs, int64_t outputs, int64_t input, float* u);
  // v: room for kPlaces * PlaceSize(count, inputs); m: for kPlaces * PlaceSize(count, outputs); zeros: as many as inputs.
  void (*convolve)(const Convolution&, Range, float* v, float* m, const float* zeros);
  // v: room for kPlaces * PlaceSize(count, channels); w: for kPlaces * PlaceSize(count, outputs); zeros: as many as inputs or outputs.
  void (*add_filter)(const FilterSums&, Range, float* v, float* w, const float* zeros, float* sums);
  // sums -> gradient [kKernel, kKernel, inputs, outputs], for the row `input`.
  void (*transform_gradient)(const float* sums, int64_t inputs, int64_t outputs, int64_t input, float* gradient);
};

#define KERNELS "../kernels/winograd_conv/native_kernels.h"
#include "every_processor.h"

// The attribute 'padding': top, left, then height and width of the output, or of dx.
struct Padding {
  int top, left, height, width;
};

void* Create(TF_OpKernelConstruction* construction) {
  const std::vector<int32_t> v = IntegersOf(construction, "padding");
  return v.size() == 4 ? new Padding{v[0], v[1], v[2], v[3]} : new Padding{};
}

void Destroy(void* kernel) { delete static_cast<Padding*>(kernel); }

// filter [kKernel, kKernel, g.inputs, g.outputs]
void Convolve(const Geometry& g, const float* x, const float* filter, float* y) {
  Buffer u(kPlaces * g.inputs * g.outputs);
  const Convolution convolution{g, x, u.data(), y};
#pragma omp parallel
  {
#pragma omp for schedule(static)
    for (int64_t input = 0; input < g.inputs; input++)
      Best().transform_filter(filter, g.inputs, g.outputs, input, u.data());
    const int64_t tiles = g.BlockTiles();
    Buffer v(kPlaces * PlaceSize(tiles, g.inputs)), m(kPlaces * PlaceSize(tiles, g.outputs));
    const std::vector<float> zeros(g.inputs);
#pragma omp for schedule(dynamic)
    for (int64_t block = 0; block < g.Blocks(); block++) {
      const int64_t from = block * tiles;
      Best().convolve(convolution, {from, std::min(tiles, g.Tiles() - from)}, v.data(), m.data(), zeros.data());
    }
  }
}

// x, filter -> y
void Forward(void* kernel, TF_OpKernelContext* context) {
  const Padding p = *static_cast<Padding*>(kernel);
  Call call(context);
  Tensor x, filter, y;
  call.input(0, x);
  call.input(1, filter);
  if (!call.ok()) return;
  const Geometry g{x.dim(0), x.dim(1), x.dim(2), x.dim(3), p.height, p.width, filter.dim(3), p.top, p.left};
  call.output(0, TF_FLOAT, {g.batch, g.out_height, g.out_width, g.outputs}, y);
  if (call.ok()) Convolve(g, x.data<float>(), filter.data<float>(), y.data<float>());
}

// A square of kPadding rows: larger ones would not stay in the cache.
void Transpose(const float* from, int64_t from_stride, float* to, int64_t to_stride) {
  for (int64_t row = 0; row < kPadding; row++)
    for (int64_t column = 0; column < kPadding; column++)
      to[row * to_stride + column] = from[column * from_stride + row];
}

// dy, filter -> dx: the convolution of dy with the filter rotated by 180 degrees, its inputs and outputs exchanged.
void InputGradient(void* kernel, TF_OpKernelContext* context) {
  const Padding p = *static_cast<Padding*>(kernel);
  Call call(context);
  Tensor dy, filter, dx;
  call.input(0, dy);
  call.input(1, filter);
  if (!call.ok()) return;
  const int64_t inputs = filter.dim(2), outputs = filter.dim(3), taps = kKernel * kKernel;
  const Geometry g{dy.dim(0), dy.dim(1), dy.dim(2), outputs, p.height, p.width, inputs, kKernel - 1 - p.top,
                   kKernel - 1 - p.left};
  call.output(0, TF_FLOAT, {g.batch, g.out_height, g.out_width, g.outputs}, dx);
  if (!call.ok()) return;
  Buffer rotated(taps * inputs * outputs);
#pragma omp parallel for schedule(static) collapse(2)
  for (int64_t tap = 0; tap < taps; tap++)
    for (int64_t output = 0; output < outputs; output += kPadding)
      for (int64_t input = 0; input < inputs; input += kPadding)
        Transpose(filter.data<float>() + ((taps - 1 - tap) * inputs + input) * outputs + output, outputs,
                  rotated.data() + (tap * outputs + output) * inputs + input, inputs);
  Convolve(g, dy.data<float>(), rotated.data(), dx.data<float>());
}

// A filter's gradient is cut into groups of inputs, and the batch into portions, as many as give so many units of work, or
// fewer, since each portion has sums of its own (numbers in all of them).
constexpr int64_t kGroup = 64, kUnits = 16, kSums = 1 << 21;

// gradient [kKernel, kKernel, g.inputs, g.outputs]
void SumFilter(const Geometry& g, const float* x, const float* dy, float* gradient) {
  const int64_t size = kPlaces * g.inputs * g.outputs, tiles = g.BlockTiles();
  const int64_t groups = (g.inputs + kGroup - 1) / kGroup;
  const int64_t wanted = std::min(std::max<int64_t>(kUnits / groups, 1), g.Blocks());
  const int64_t portions = std::clamp<int64_t>(kSums / size, 1, wanted);
  Buffer sums(portions * size);
#pragma omp parallel
  {
    Buffer v(kPlaces * PlaceSize(tiles, std::min(kGroup, g.inputs))), w(kPlaces * PlaceSize(tiles, g.outputs));
    const std::vector<float> zeros(std::max(g.inputs, g.outputs));
#pragma omp for schedule(dynamic)
    for (int64_t unit = 0; unit < portions * groups; unit++) {
      const int64_t portion = unit / groups, channel = unit % groups * kGroup;
      const FilterSums work{g, x, dy, {channel, std::min(kGroup, g.inputs - channel)}};
      float* own = sums.data() + portion * size;
      for (int64_t place = 0; place < kPlaces; place++)
        memset(own + (place * g.inputs + channel) * g.outputs, 0, work.channels.count * g.outputs * sizeof(float));
      const int64_t to = g.Blocks() * (portion + 1) / portions;
      for (int64_t block = g.Blocks() * portion / portions; block < to; block++) {
        const int64_t from = block * tiles;
        Best().add_filter(work, {from, std::min(tiles, g.Tiles() - from)}, v.data(), w.data(), zeros.data(), own);
      }
    }
#pragma omp for schedule(static)
    for (int64_t i = 0; i < kPlaces * g.inputs; i++)
      for (int64_t portion = 1; portion < portions; portion++)
        for (int64_t c = 0; c < g.outputs; c++)
          sums.data()[i * g.outputs + c] += sums.data()[portion * size + i * g.outputs + c];
#pragma omp for schedule(static)
    for (int64_t input = 0; input < g.inputs; input++)
      Best().transform_gradient(sums.data(), g.inputs, g.outputs, input, gradient);
  }
}

// x, dy -> gradient
void FilterGradient(void* kernel, TF_OpKernelContext* context) {
  const Padding p = *static_cast<Padding*>(kernel);
  Call call(context);
  Tensor x, dy, gradient;
  call.input(0, x);
  call.input(1, dy);
  if (!call.ok()) return;
  const Geometry g{x.dim(0), x.dim(1), x.dim(2), x.dim(3), dy.dim(1), dy.dim(2), dy.dim(3), p.top, p.left};
  call.output(0, TF_FLOAT, {kKernel, kKernel, g.inputs, g.outputs}, gradient);
  if (call.ok()) SumFilter(g, x.data<float>(), dy.data<float>(), gradient.data<float>());
}

const Registration forward({"BatSupWinogradConv",
                            {"x: float", "filter: float"},
                            {"y: float"},
                            {"padding: list(int)"},
                            &Create,
                            &Forward,
                            &Destroy});

const Registration input_gradient({"BatSupWinogradConvInputGrad",
                                   {"dy: float", "filter: float"},
                                   {"dx: float"},
                                   {"padding: list(int)"},
                                   &Create,
                                   &InputGradient,
                                   &Destroy});

const Registration filter_gradient({"BatSupWinogradConvFilterGrad",
                                    {"x: float", "dy: float"},
                                    {"gradient: float"},
                                    {"padding: list(int)"},
                                    &Create,
                                    &FilterGradient,
                                    &Destroy});

}  // namespace
