// 3 x 3 convolutions with stride 1 and their gradients by Winograd's minimal filtering (Lavin and Gray 2016, "Fast Algorithms
// for Convolutional Neural Networks", section 4.1): F(4 x 4, 3 x 3) takes 36 multiplications for 16 outputs instead of 144.
// Where maps are small and the filter large, so that transforming the filter is most of the work, F(2 x 2, 3 x 3) takes 16 for 4.
//
// Of each tile of outputs the inputs d that they need are transformed to V = B'dB, and the filter g to U = GgG'. Then V U are
// products of matrices [tiles, inputs] [inputs, outputs], one for each place in a tile; M = VU is transformed back to the
// outputs A'MA. For the filter's gradient the same V is multiplied with the transform A dy A' of the outputs' gradients, summed
// over all tiles, and transformed back by G'(sum)G.
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

constexpr int kKernel = 3;

// Outputs of a tile, along an axis.
constexpr int64_t kSmallTile = 2, kLargeTile = 4;

// Numbers in the transform of a filter. Memory for more than 32 MiB is new each time (native/memory.cc), and slow.
constexpr int64_t kMaxFilter = 1 << 23;

// How many parts of `size` make up all.
INLINE int64_t PartsOf(int64_t all, int64_t size) { return (all + size - 1) / size; }

// Places in the transform of a tile.
INLINE int64_t PlacesOf(int64_t tile) { return (tile + kKernel - 1) * (tile + kKernel - 1); }

// Sizes of a convolution; top and left: zeros around the input.
struct Geometry {
  int64_t batch, height, width, inputs, out_height, out_width, outputs, top, left, tile;

  Geometry(const Tensor& x, int64_t outputs, int64_t out_height, int64_t out_width, int64_t top, int64_t left)
      : batch(x.dim(0)), height(x.dim(1)), width(x.dim(2)), inputs(x.dim(3)), out_height(out_height), out_width(out_width),
        outputs(outputs), top(top), left(left) {
    const bool fits = PlacesOf(kLargeTile) * inputs * outputs <= kMaxFilter;
    tile = fits && CostOf(kLargeTile) < CostOf(kSmallTile) ? kLargeTile : kSmallTile;
  }

  int64_t TilesDown() const { return PartsOf(out_height, tile); }
  int64_t TilesAcross() const { return PartsOf(out_width, tile); }
  int64_t Tiles() const { return batch * TilesDown() * TilesAcross(); }
  int64_t Places() const { return PlacesOf(tile); }

  // Products of matrices, with transforming the filter counted as so many tiles. Of a batch of 8 in any case, so that a
  // picture's results do not depend on the batch that it is in.
  int64_t CostOf(int64_t tile) const {
    return PlacesOf(tile) * (8 * PartsOf(out_height, tile) * PartsOf(out_width, tile) + 40);
  }

  // Tiles of a block, of which the last may have fewer: so few that the transforms stay in a processor's second cache and that
  // there are blocks for several threads, an even number of them, but enough to read the filter seldom.
  int64_t BlockTiles() const {
    const int64_t most = std::clamp<int64_t>(Tiles() / 16, 24, 40) * (tile == kSmallTile ? 2 : 1);
    return PartsOf(Tiles(), 2 * PartsOf(Tiles(), 2 * most));
  }
};

// Some tiles, or some channels.
struct Range {
  int64_t from, count;
};

// Floats of one place of a transform [rows, columns]. Places that lie powers of two apart would share a set of the cache, and a
// row is read and written at all of them.
INLINE int64_t PlaceSize(int64_t rows, int64_t columns) { return rows * columns + kPadding; }

// y = convolution of x with the filter whose transform is packed in u [Places, PlaceSize(inputs, outputs)].
struct Convolution {
  Geometry g;
  const float* x;
  const float* u;
  float* y;
};

// sums [Places, PlaceSize(inputs, outputs)] += those of some inputs over a block's tiles.
struct FilterSums {
  Geometry g;
  const float* x;
  const float* dy;
  Range channels;
};

// What native_kernels.h computes, for a size of tiles.
struct TileKernels {
  // filter [kKernel, kKernel, inputs, outputs] -> u [Places, PlaceSize(inputs, outputs)], each place as the products read it,
  // for the row `input`.
  void (*transform_filter)(const float* filter, int64_t inputs, int64_t outputs, int64_t input, float* u);
  // v: room for Places * PlaceSize(count, inputs); m: for Places * PlaceSize(count, outputs); zeros: as many as inputs.
  void (*convolve)(const Convolution&, Range, float* v, float* m, const float* zeros);
  // v: room for Places * PlaceSize(count, channels); w: for Places * PlaceSize(count, outputs); zeros: as many as inputs or
  // outputs.
  void (*add_filter)(const FilterSums&, Range, float* v, float* w, const float* zeros, float* sums);
  // sums -> gradient [kKernel, kKernel, inputs, outputs], for the row `input`.
  void (*transform_gradient)(const float* sums, int64_t inputs, int64_t outputs, int64_t input, float* gradient);
};

// For a level of processors.
struct Kernels {
  TileKernels small, large;
};

#define KERNELS "../kernels/winograd_conv/native_kernels.h"
#include "every_processor.h"

const TileKernels& KernelsOf(const Geometry& g) { return g.tile == kSmallTile ? Best().small : Best().large; }

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
  const TileKernels& kernels = KernelsOf(g);
  Buffer u(g.Places() * PlaceSize(g.inputs, g.outputs));
  const Convolution convolution{g, x, u.data(), y};
#pragma omp parallel
  {
#pragma omp for schedule(static)
    for (int64_t input = 0; input < g.inputs; input++)
      kernels.transform_filter(filter, g.inputs, g.outputs, input, u.data());
    const int64_t tiles = g.BlockTiles();
    Buffer v(g.Places() * PlaceSize(tiles, g.inputs)), m(g.Places() * PlaceSize(tiles, g.outputs));
    const std::vector<float> zeros(g.inputs);
#pragma omp for schedule(dynamic)
    for (int64_t from = 0; from < g.Tiles(); from += tiles)
      kernels.convolve(convolution, {from, std::min(tiles, g.Tiles() - from)}, v.data(), m.data(), zeros.data());
  }
}

// x, filter -> y
void Forward(void* kernel, TF_OpKernelContext* context) {
  const Padding p = *static_cast<Padding*>(kernel);
  Call call(context);
  Tensor x, filter, y;
  call.inputs({&x, &filter});
  if (!call.ok()) return;
  const Geometry g(x, filter.dim(3), p.height, p.width, p.top, p.left);
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
  call.inputs({&dy, &filter});
  if (!call.ok()) return;
  const int64_t inputs = filter.dim(2), outputs = filter.dim(3), taps = kKernel * kKernel;
  const Geometry g(dy, inputs, p.height, p.width, kKernel - 1 - p.top, kKernel - 1 - p.left);
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

// A filter's gradient is cut into groups of inputs, and the tiles into portions: as many as give so many units of work, or
// fewer, since each portion has sums of its own (numbers in all of them).
constexpr int64_t kGroup = 64, kUnits = 16, kSums = 1 << 22;

// gradient [kKernel, kKernel, g.inputs, g.outputs]
void SumFilter(const Geometry& g, const float* x, const float* dy, float* gradient) {
  const TileKernels& kernels = KernelsOf(g);
  const int64_t place_size = PlaceSize(g.inputs, g.outputs), size = g.Places() * place_size;
  const int64_t groups = PartsOf(g.inputs, kGroup);
  // Sums are read and written for each block of tiles, so that larger ones than for the convolution are better.
  const int64_t most = std::clamp<int64_t>(24576 / g.outputs, 40, 128);
  const int64_t wanted = std::max<int64_t>(std::min(kUnits / groups, g.Tiles() / 64), 1);
  const int64_t portions = std::clamp<int64_t>(kSums / size, 1, wanted);
  const int64_t blocks = PartsOf(g.Tiles(), portions * most);  // of each portion
  const int64_t tiles = PartsOf(g.Tiles(), portions * blocks);
  Buffer sums(portions * size);
#pragma omp parallel
  {
    Buffer v(g.Places() * PlaceSize(tiles, std::min(kGroup, g.inputs))), w(g.Places() * PlaceSize(tiles, g.outputs));
    const std::vector<float> zeros(std::max(g.inputs, g.outputs));
#pragma omp for schedule(dynamic)
    for (int64_t unit = 0; unit < portions * groups; unit++) {
      const int64_t portion = unit / groups, channel = unit % groups * kGroup;
      const FilterSums work{g, x, dy, {channel, std::min(kGroup, g.inputs - channel)}};
      float* own = sums.data() + portion * size;
      for (int64_t place = 0; place < g.Places(); place++)
        memset(own + place * place_size + channel * g.outputs, 0, work.channels.count * g.outputs * sizeof(float));
      const int64_t to = std::min((portion + 1) * blocks * tiles, g.Tiles());
      for (int64_t from = portion * blocks * tiles; from < to; from += tiles)
        kernels.add_filter(work, {from, std::min(tiles, to - from)}, v.data(), w.data(), zeros.data(), own);
    }
#pragma omp for schedule(static)
    for (int64_t place = 0; place < g.Places(); place++)
      for (int64_t portion = 1; portion < portions; portion++)
        for (int64_t i = place * place_size; i < place * place_size + g.inputs * g.outputs; i++)
          sums.data()[i] += sums.data()[portion * size + i];
#pragma omp for schedule(static)
    for (int64_t input = 0; input < g.inputs; input++)
      kernels.transform_gradient(sums.data(), g.inputs, g.outputs, input, gradient);
  }
}

// x, dy -> gradient
void FilterGradient(void* kernel, TF_OpKernelContext* context) {
  const Padding p = *static_cast<Padding*>(kernel);
  Call call(context);
  Tensor x, dy, gradient;
  call.inputs({&x, &dy});
  if (!call.ok()) return;
  const Geometry g(x, dy.dim(3), dy.dim(1), dy.dim(2), p.top, p.left);
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
