// The gradients of a convolution whose output was max-pooled. Of such an output only the maxima have a gradient, one for
// each window, and of these relu masks some; so the sums run over the maxima instead of over all pixels. They are exact:
// what is left out is multiplied by zero.
//
// A maximum contributes dy times a patch of the input to the filter's gradient, and dy times the filter to a patch of the
// input's gradient. In pictures with zeros around them a patch is kernel_height runs of kernel_width * inputs neighbouring
// numbers. The maxima of one output channel are listed once; then a tile of the patch, a few vectors of a few runs, is
// summed over the list in registers.
#include <algorithm>
#include <cstring>

#include "lanes.h"
#include "operation.h"
#include "vectors.h"

namespace {

// What max-pooling marks a maximum with that relu sets to zero (max_pool/native.cc).
constexpr int kMasked = 255;

// So many portions of the batch are summed by themselves, or fewer where the filter is large (numbers in all portions):
// a fixed number, so that the result does not depend on the number of threads.
constexpr int64_t kPortions = 16, kSums = 1 << 22;
// Output channels that are computed together, from the same lines of the cache.
constexpr int64_t kChannels = 8;

// The attribute 'sizes', in this order. pool_top and pool_left: the padding of the windows; width: of the convolution's
// output; the input's sizes, and the zeros above and to the left of it.
struct Sizes {
  int kernel_height, kernel_width, stride_height, stride_width, pool_height, pool_width, pool_stride_height,
      pool_stride_width, pool_top, pool_left, output_height, output_width, input_height, input_width, top, left;
};

// A maximum: its patch begins at this offset of the picture with zeros around it.
struct Maximum {
  int32_t offset;
  float dy;
};

// The patches, in numbers (floats).
struct Patches {
  Sizes sizes;
  int64_t inputs, outputs, pooled_height, pooled_width;
  // Of the picture with zeros around it; `size` of it all.
  int64_t height, width, row, size;
  // Of a run: its numbers, and the same in whole vectors.
  int64_t run, vectors;

  Patches(const Sizes& s, int64_t inputs_, const Tensor& dy) : sizes(s), inputs(inputs_), outputs(dy.dim(3)) {
    pooled_height = dy.dim(1), pooled_width = dy.dim(2);
    height = (s.output_height - 1) * s.stride_height + s.kernel_height;
    width = (s.output_width - 1) * s.stride_width + s.kernel_width;
    row = width * inputs;
    run = s.kernel_width * inputs;
    vectors = (run + kLanes - 1) / kLanes;
    // The last vector of the last run may end behind the picture.
    size = height * row + kLanes;
  }

  int64_t filter() const { return sizes.kernel_height * vectors * kLanes; }
  int64_t maxima() const { return pooled_height * pooled_width; }

  // Copies between a picture and the same with zeros around it, as far as patches reach.
  template <typename CopyRow>
  void ForEachRow(CopyRow copy) const {
    const int64_t y0 = sizes.top, x0 = sizes.left;
    const int64_t rows = std::min<int64_t>(sizes.input_height, height - y0);
    const int64_t numbers = std::min<int64_t>(sizes.input_width, width - x0) * inputs;
    for (int64_t y = 0; y < rows; y++) copy(y * sizes.input_width * inputs, (y + y0) * row + x0 * inputs, numbers);
  }

  // Lists the maxima of a channel that have a gradient. dy and indices: of one picture. @returns how many.
  int64_t List(const float* dy, const uint8_t* indices, int64_t channel, Maximum* maxima) const {
    int32_t offsets[kMasked + 1] = {};
    for (int index = 0; index < sizes.pool_height * sizes.pool_width; index++) {
      const int64_t y = index / sizes.pool_width * sizes.stride_height;
      const int64_t x = index % sizes.pool_width * sizes.stride_width;
      offsets[index] = y * row + x * inputs;
    }
    int64_t count = 0, at = channel;
    for (int64_t y = 0; y < pooled_height; y++) {
      const int64_t y0 = (y * sizes.pool_stride_height - sizes.pool_top) * sizes.stride_height;
      for (int64_t x = 0; x < pooled_width; x++, at += outputs) {
        const int64_t x0 = (x * sizes.pool_stride_width - sizes.pool_left) * sizes.stride_width;
        maxima[count] = {static_cast<int32_t>(y0 * row + x0 * inputs + offsets[indices[at]]), dy[at]};
        count += indices[at] != kMasked;
      }
    }
    return count;
  }
};

// Adds to a tile of a filter's gradient: kRuns runs of kVectors vectors each. x: where the tile begins in the patch at
// offset 0.
struct AddToFilter {
  const float* x;
  float* sums;

  template <int kRuns, int kVectors>
  inline __attribute__((always_inline)) void Tile(const Maximum* maxima, int64_t count, const Patches& patches,
                                                 int64_t at, int64_t place) const {
    const int64_t row = patches.row, vectors = patches.vectors * kLanes;
    Floats sum[kRuns][kVectors];
    for (int r = 0; r < kRuns; r++)
      for (int v = 0; v < kVectors; v++) sum[r][v] = Load(sums + place + r * vectors + v * kLanes);
    const float* from = x + at;
    for (int64_t i = 0; i < count; i++) {
      const float* patch = from + maxima[i].offset;
      const float dy = maxima[i].dy;
      for (int r = 0; r < kRuns; r++)
        for (int v = 0; v < kVectors; v++) sum[r][v] += dy * Load(patch + r * row + v * kLanes);
    }
    for (int r = 0; r < kRuns; r++)
      for (int v = 0; v < kVectors; v++) Store(sum[r][v], sums + place + r * vectors + v * kLanes);
  }
};

// Adds a tile of the filter, times each dy, to the input's gradient.
struct AddToInput {
  const float* filter;
  float* dx;

  template <int kRuns, int kVectors>
  inline __attribute__((always_inline)) void Tile(const Maximum* maxima, int64_t count, const Patches& patches,
                                                 int64_t at, int64_t place) const {
    const int64_t row = patches.row, vectors = patches.vectors * kLanes;
    Floats weights[kRuns][kVectors];
    for (int r = 0; r < kRuns; r++)
      for (int v = 0; v < kVectors; v++) weights[r][v] = Load(filter + place + r * vectors + v * kLanes);
    float* to = dx + at;
    for (int64_t i = 0; i < count; i++) {
      float* patch = to + maxima[i].offset;
      const float dy = maxima[i].dy;
      for (int r = 0; r < kRuns; r++) {
        for (int v = 0; v < kVectors; v++) {
          float* place_of = patch + r * row + v * kLanes;
          Store(Load(place_of) + dy * weights[r][v], place_of);
        }
      }
    }
  }
};

// All tiles of a patch, the largest that registers hold first.
template <int kRuns, int kVectors, typename Add>
inline __attribute__((always_inline)) void Vectors(const Maximum* maxima, int64_t count, const Patches& patches,
                                                  const Add& add, int64_t first, int64_t vector) {
  for (; vector + kVectors <= patches.vectors; vector += kVectors)
    add.template Tile<kRuns, kVectors>(maxima, count, patches, first * patches.row + vector * kLanes,
                                      (first * patches.vectors + vector) * kLanes);
  if constexpr (kVectors > 1) Vectors<kRuns, kVectors / 2>(maxima, count, patches, add, first, vector);
}

template <typename Add>
inline __attribute__((always_inline)) void Tiles(const Maximum* maxima, int64_t count, const Patches& patches,
                                                const Add& add) {
  int64_t first = 0;
  for (const int64_t runs = patches.sizes.kernel_height; first < runs;) {
    const int64_t left = runs - first, taken = left > 5 ? 4 : left;
    if (taken == 5) Vectors<5, 1>(maxima, count, patches, add, first, 0);
    if (taken == 4) Vectors<4, 2>(maxima, count, patches, add, first, 0);
    if (taken == 3) Vectors<3, 2>(maxima, count, patches, add, first, 0);
    if (taken == 2) Vectors<2, 4>(maxima, count, patches, add, first, 0);
    if (taken == 1) Vectors<1, 8>(maxima, count, patches, add, first, 0);
    first += taken;
  }
}

FOR_EVERY_PROCESSOR
void FilterTiles(const Maximum* maxima, int64_t count, const Patches& patches, const AddToFilter& add) {
  Tiles(maxima, count, patches, add);
}

FOR_EVERY_PROCESSOR
void InputTiles(const Maximum* maxima, int64_t count, const Patches& patches, const AddToInput& add) {
  Tiles(maxima, count, patches, add);
}

void* Create(TF_OpKernelConstruction* construction) {
  const std::vector<int32_t> s = IntegersOf(construction, "sizes");
  if (s.size() != 16) return new Sizes{};
  return new Sizes{s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7], s[8], s[9], s[10], s[11], s[12], s[13], s[14], s[15]};
}

void Destroy(void* kernel) { delete static_cast<Sizes*>(kernel); }

// x [batch, input_height, input_width, inputs], dy and indices [batch, pooled height, pooled width, outputs]
// -> gradient [kernel_height, kernel_width, inputs, outputs]
void FilterGradient(void* kernel, TF_OpKernelContext* context) {
  const Sizes sizes = *static_cast<Sizes*>(kernel);
  Call call(context);
  Tensor x, dy, indices, gradient;
  call.inputs({&x, &dy, &indices});
  if (!call.ok()) return;
  const int64_t batch = x.dim(0), inputs = x.dim(3);
  const Patches patches(sizes, inputs, dy);
  const int64_t outputs = patches.outputs, filter = patches.filter();
  call.output(0, TF_FLOAT, {sizes.kernel_height, sizes.kernel_width, inputs, outputs}, gradient);
  if (!call.ok()) return;

  const int64_t picture = sizes.input_height * sizes.input_width * inputs, maps = patches.maxima() * outputs;
  const int64_t portions = std::clamp<int64_t>(kSums / (outputs * filter), 1, std::min(batch, kPortions));
  const int64_t blocks = (outputs + kChannels - 1) / kChannels;
  // [portions, outputs, kernel_height, vectors, kLanes]
  Buffer sums(portions * outputs * filter);
#pragma omp parallel
  {
    Buffer padded(patches.size);
    memset(padded.data(), 0, patches.size * sizeof(float));
    std::vector<Maximum> maxima(patches.maxima() + 1);
#pragma omp for schedule(dynamic)
    for (int64_t unit = 0; unit < portions * blocks; unit++) {
      const int64_t portion = unit / blocks, channel = unit % blocks * kChannels;
      const int64_t channels = std::min(kChannels, outputs - channel);
      float* own = sums.data() + (portion * outputs + channel) * filter;
      memset(own, 0, channels * filter * sizeof(float));
      for (int64_t i = batch * portion / portions; i < batch * (portion + 1) / portions; i++) {
        const float* from = x.data<float>() + i * picture;
        patches.ForEachRow([&](int64_t plain, int64_t at, int64_t numbers) {
          memcpy(padded.data() + at, from + plain, numbers * sizeof(float));
        });
        for (int64_t c = 0; c < channels; c++) {
          const int64_t count =
              patches.List(dy.data<float>() + i * maps, indices.data<uint8_t>() + i * maps, channel + c, maxima.data());
          FilterTiles(maxima.data(), count, patches, {padded.data(), own + c * filter});
        }
      }
    }
  }

#pragma omp parallel for schedule(static)
  for (int64_t ky = 0; ky < sizes.kernel_height; ky++) {
    for (int64_t i = 0; i < patches.run; i++) {
      float* to = gradient.data<float>() + (ky * patches.run + i) * outputs;
      for (int64_t c = 0; c < outputs; c++) {
        const float* from = sums.data() + c * filter + ky * patches.vectors * kLanes + i;
        float sum = *from;
        for (int64_t portion = 1; portion < portions; portion++) sum += from[portion * outputs * filter];
        to[c] = sum;
      }
    }
  }
}

// dy, indices, filter -> dx [batch, input_height, input_width, inputs]
void InputGradient(void* kernel, TF_OpKernelContext* context) {
  const Sizes sizes = *static_cast<Sizes*>(kernel);
  Call call(context);
  Tensor dy, indices, filter, dx;
  call.inputs({&dy, &indices, &filter});
  if (!call.ok()) return;
  const int64_t batch = dy.dim(0), inputs = filter.dim(2);
  const Patches patches(sizes, inputs, dy);
  const int64_t outputs = patches.outputs, size = patches.filter();
  call.output(0, TF_FLOAT, {batch, sizes.input_height, sizes.input_width, inputs}, dx);
  if (!call.ok()) return;

  // The filter of one output after the other: [outputs, kernel_height, vectors, kLanes], with zeros behind each run.
  Buffer filters(outputs * size);
  memset(filters.data(), 0, outputs * size * sizeof(float));
  for (int64_t ky = 0; ky < sizes.kernel_height; ky++)
    for (int64_t i = 0; i < patches.run; i++)
      for (int64_t c = 0; c < outputs; c++)
        filters.data()[c * size + ky * patches.vectors * kLanes + i] =
            filter.data<float>()[(ky * patches.run + i) * outputs + c];

  const int64_t picture = sizes.input_height * sizes.input_width * inputs, maps = patches.maxima() * outputs;
#pragma omp parallel
  {
    Buffer padded(patches.size);
    std::vector<Maximum> maxima(patches.maxima() + 1);
#pragma omp for schedule(dynamic)
    for (int64_t i = 0; i < batch; i++) {
      memset(padded.data(), 0, patches.size * sizeof(float));
      for (int64_t c = 0; c < outputs; c++) {
        const int64_t count =
            patches.List(dy.data<float>() + i * maps, indices.data<uint8_t>() + i * maps, c, maxima.data());
        InputTiles(maxima.data(), count, patches, {filters.data() + c * size, padded.data()});
      }
      float* to = dx.data<float>() + i * picture;
      memset(to, 0, picture * sizeof(float));
      patches.ForEachRow([&](int64_t plain, int64_t at, int64_t numbers) {
        memcpy(to + plain, padded.data() + at, numbers * sizeof(float));
      });
    }
  }
}

const Registration filter_gradient({"BatSupPooledConvFilterGrad",
                                    {"x: float", "dy: float", "indices: uint8"},
                                    {"gradient: float"},
                                    {"sizes: list(int)"},
                                    &Create,
                                    &FilterGradient,
                                    &Destroy});

const Registration input_gradient({"BatSupPooledConvInputGrad",
                                   {"dy: float", "indices: uint8", "filter: float"},
                                   {"dx: float"},
                                   {"sizes: list(int)"},
                                   &Create,
                                   &InputGradient,
                                   &Destroy});

}  // namespace
