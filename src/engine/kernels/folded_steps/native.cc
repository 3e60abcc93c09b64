// Several steps of a folded network in one operation. Each picture passes through all of them on one thread, so that the
// maps between the steps stay in its cache; a picture without others beside it is shared out over the threads. Maps lie
// in panels of 16 channels (native_sums.h). native.ts makes the program and the weights.
#include <omp.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <limits>
#include <memory>
#include <thread>

#include "../../native/operation.h"
#include "native_sums.h"

namespace {

enum Kind : int32_t {
  kLoad,
  kConvolution,
  kDepthwise,
  kBlock,
  kMaxPool,
  kAverage,
  kDense,
  kAveragePool,
  kGroups,
  kActivate,
  kAffine,
  kAdd,
  kMultiply,
  kPlace,
  kPad,
};

// The fields that native.ts writes, in its order. Weights are given by their first float.
struct Step {
  int32_t kind;
  int32_t from;      // the buffer that it reads; -1: the picture [height][width][channels]
  int32_t residual;  // the buffer whose values are added, or multiplied with; -1: none
  int32_t to;
  int32_t height, width, channels;
  int32_t out_height, out_width, outputs;
  int32_t kernel, stride, top, left;
  int32_t k;           // products per value of a convolution
  int32_t activation;  // 0: none, 1: relu, 2: relu6; of kActivate one of the functions
  int32_t filter, bias;
  int32_t middle;  // channels between the convolutions of a block
  int32_t depthwise_filter, depthwise_bias;
  int32_t expand_filter, expand_bias;  // -1: none
  int32_t groups;                      // of a convolution in groups
  int32_t offset;                      // of kPlace: the output's channel that its first one becomes
  float alpha;                         // of kLeakyRelu

  int64_t pixels() const { return static_cast<int64_t>(height) * width; }
  int64_t out_pixels() const { return static_cast<int64_t>(out_height) * out_width; }
  float low() const { return activation == 0 ? -std::numeric_limits<float>::infinity() : 0.0f; }
  float high() const { return activation == 2 ? 6.0f : std::numeric_limits<float>::infinity(); }
};
constexpr int64_t kFields = sizeof(Step) / sizeof(int32_t);

inline int64_t PanelsOf(int64_t channels) { return (channels + kPanel - 1) / kPanel; }

// Floats of maps in panels.
inline int64_t SizeOf(int64_t pixels, int64_t channels) { return PanelsOf(channels) * pixels * kPanel; }

inline void Pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#endif
}

// Where threads wait until all of them have come. OpenMP's barrier puts them to sleep, since the engine asks it to
// (OMP_WAIT_POLICY in load.ts); to wake up takes as long as a small step. Others of the machine get the processor where a
// thread waits for longer.
class Barrier {
 public:
  void Wait(int64_t count) {
    const int64_t round = round_.load(std::memory_order_relaxed);
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == count) {
      arrived_.store(0, std::memory_order_relaxed);
      round_.store(round + 1, std::memory_order_release);
      return;
    }
    for (int spins = 0; round_.load(std::memory_order_acquire) == round; spins++)
      if (spins < kSpins)
        Pause();
      else
        std::this_thread::yield();
  }

 private:
  static constexpr int kSpins = 4000;  // some tens of microseconds
  std::atomic<int64_t> arrived_{0}, round_{0};
};

// The threads that compute a picture together. All of them call the same functions, and each does its share.
struct Team {
  int64_t index, count;
  Barrier* barrier;

  void Wait() const {
    if (count > 1) barrier->Wait(count);
  }
  // Where this thread's share of `size` begins; that of `index` + 1 is where it ends.
  int64_t Share(int64_t size, int64_t at) const { return size * at / count; }
};

// Memory of a thread that stays from one call to the next.
class Memory {
 public:
  float* Room(int64_t floats) {
    if (floats > size_) {
      data_.reset(static_cast<float*>(aligned_alloc(64, (floats * sizeof(float) + 63) / 64 * 64)));
      size_ = data_ ? floats : 0;
    }
    return data_.get();
  }

 private:
  struct Free {
    void operator()(float* data) const { free(data); }
  };
  std::unique_ptr<float, Free> data_;
  int64_t size_ = 0;
};

// What all steps of a picture use.
struct Run {
  Sums sums;
  const float* weights;
  const float* picture;
  std::vector<float*> buffers;
  float* scratch;
  Team team;
};

// ---- A convolution: the pixels under the kernel become the rows of a matrix, a strip of pixels at a time ----

constexpr int64_t kStripFloats = 1 << 15;

bool ReadsInPlace(const Step& s) { return s.from >= 0 && s.kernel == 1 && s.stride == 1; }

int64_t StripPixels(const Step& s) {
  const int64_t fitting = kStripFloats / SizeOf(1, s.k) / 14 * 14;
  return std::min(s.out_pixels(), std::max<int64_t>(fitting, 14));
}

int64_t ConvolutionScratch(const Step& s) {
  return ReadsInPlace(s) ? 0 : SizeOf(StripPixels(s), s.k);
}

// The pixels under the kernel at an output pixel -> out [kernel][kernel][channels]; zeros beyond the borders.
void GatherAtBorder(const Step& s, const float* picture, int64_t y, int64_t x, float* out) {
  const int64_t line = s.kernel * s.channels;
  const int64_t from = std::max<int64_t>(0, -x), to = std::min<int64_t>(s.kernel, s.width - x);
  memset(out, 0, s.kernel * line * sizeof(float));
  for (int64_t u = std::max<int64_t>(0, -y); u < std::min<int64_t>(s.kernel, s.height - y) && from < to; u++)
    memcpy(out + u * line + from * s.channels, picture + ((y + u) * s.width + x + from) * s.channels,
           (to - from) * s.channels * sizeof(float));
}

// The same where all of them lie within the picture. kLine: floats of a row of the kernel; 0: any number.
template <int64_t kLine>
void GatherInside(const Step& s, const float* picture, int64_t y, int64_t x, float* out) {
  const int64_t line = kLine ? kLine : s.kernel * s.channels;
  const float* from = picture + (y * s.width + x) * s.channels;
  for (int64_t u = 0; u < s.kernel; u++) memcpy(out + u * line, from + u * s.width * s.channels, line * sizeof(float));
}

template <int64_t kLine>
void StripOfPicture(const Step& s, const float* picture, int64_t first, int64_t pixels, float* strip) {
  std::vector<float> gathered(SizeOf(1, s.k));
  int64_t row = first / s.out_width, column = first % s.out_width;
  for (int64_t pixel = 0; pixel < pixels; pixel++, column++) {
    if (column == s.out_width) column = 0, row++;
    const int64_t y = row * s.stride - s.top, x = column * s.stride - s.left;
    const bool isInside = y >= 0 && x >= 0 && y + s.kernel <= s.height && x + s.kernel <= s.width;
    if (isInside)
      GatherInside<kLine>(s, picture, y, x, gathered.data());
    else
      GatherAtBorder(s, picture, y, x, gathered.data());
    for (int64_t panel = 0; panel < PanelsOf(s.k); panel++)
      memcpy(strip + (panel * pixels + pixel) * kPanel, gathered.data() + panel * kPanel, kPanel * sizeof(float));
  }
}

void StripOfMaps(const Step& s, const float* maps, int64_t first, int64_t pixels, float* strip) {
  for (int64_t u = 0; u < s.kernel; u++)
    for (int64_t v = 0; v < s.kernel; v++)
      for (int64_t panel = 0; panel < PanelsOf(s.channels); panel++)
        for (int64_t pixel = 0; pixel < pixels; pixel++, strip += kPanel) {
          const int64_t y = (first + pixel) / s.out_width * s.stride - s.top + u;
          const int64_t x = (first + pixel) % s.out_width * s.stride - s.left + v;
          if (y < 0 || x < 0 || y >= s.height || x >= s.width)
            memset(strip, 0, kPanel * sizeof(float));
          else
            memcpy(strip, maps + (panel * s.pixels() + y * s.width + x) * kPanel, kPanel * sizeof(float));
        }
}

void GatherStrip(const Step& s, const Run& run, int64_t first, int64_t pixels, float* strip) {
  if (s.from >= 0) return StripOfMaps(s, run.buffers[s.from], first, pixels, strip);
  // Three by three pixels of a colour picture, which most networks begin with.
  const bool isUsual = s.kernel * s.channels == 9;
  (isUsual ? StripOfPicture<9> : StripOfPicture<0>)(s, run.picture, first, pixels, strip);
}

// A product into the buffer of a step, for the output pixels from `first` on.
Product ProductInto(const Step& s, const Run& run, int64_t first, int64_t pixels) {
  const int64_t at = first * kPanel;
  Product p{};
  p.pixels = pixels;
  p.filter = run.weights + s.filter;
  p.bias = run.weights + s.bias;
  p.residual = s.residual < 0 ? nullptr : run.buffers[s.residual] + at;
  p.out = run.buffers[s.to] + at;
  p.out_panel = s.out_pixels() * kPanel;
  p.low = s.low();
  p.high = s.high();
  return p;
}

// Computes a product together: each thread some of the panels where there are many, else some of the pixels.
void ShareProduct(Product p, int64_t panels, const Run& run) {
  const Team& team = run.team;
  if (panels >= 4 * team.count) {
    // Whole pairs, which make the larger tiles.
    const int64_t pairs = (panels + 1) / 2;
    run.sums.product(p, 2 * team.Share(pairs, team.index), std::min(panels, 2 * team.Share(pairs, team.index + 1)));
    return;
  }
  const int64_t from = team.Share(p.pixels, team.index), to = team.Share(p.pixels, team.index + 1);
  p.a += from * kPanel;
  p.out += from * kPanel;
  if (p.residual) p.residual += from * kPanel;
  p.pixels = to - from;
  run.sums.product(p, 0, panels);
}

void ConvolveInPlace(const Step& s, const Run& run) {
  Product p = ProductInto(s, run, 0, s.out_pixels());
  p.a = run.buffers[s.from];
  p.a_panel = s.pixels() * kPanel;
  p.k = s.k;
  ShareProduct(p, PanelsOf(s.outputs), run);
}

void Convolve(const Step& s, const Run& run) {
  if (ReadsInPlace(s)) return ConvolveInPlace(s, run);
  const int64_t most = StripPixels(s), strips = (s.out_pixels() + most - 1) / most, panels = PanelsOf(s.outputs);
  const Team& team = run.team;
  float* strip = run.scratch + team.index * ConvolutionScratch(s);
  // With fewer strips than threads, every thread gathers them all and computes some of the panels.
  const bool sharesPanels = strips < team.count;
  const Team split = sharesPanels ? team : Team{0, 1, nullptr};
  for (int64_t i = sharesPanels ? 0 : team.index; i < strips; i += sharesPanels ? 1 : team.count) {
    const int64_t first = i * most, pixels = std::min(most, s.out_pixels() - first);
    GatherStrip(s, run, first, pixels, strip);
    Product p = ProductInto(s, run, first, pixels);
    p.a = strip;
    p.a_panel = pixels * kPanel;
    p.k = s.k;
    run.sums.product(p, split.Share(panels, split.index), split.Share(panels, split.index + 1));
  }
}

// ---- Depthwise convolution, and the blocks around it ----

// Rows of the maps with zeros around them, of which a depthwise convolution computes some rows of its output at a time.
struct Band {
  int64_t out_rows;  // of the output, at most
  int64_t rows;      // of the input under them
  int64_t width;     // of the input, with the zeros
  bool isWhole;      // all rows of the output

  int64_t floats() const { return rows * width * kPanel; }  // per panel
};

constexpr int64_t kWholeFloats = 192 << 10, kBandFloats = 96 << 10;

Band BandOf(const Step& s, int64_t out_rows) {
  const int64_t width = std::max<int64_t>(s.left + s.width, (s.out_width - 1) * s.stride + s.kernel);
  return {out_rows, (out_rows - 1) * s.stride + s.kernel, width, out_rows == s.out_height};
}

// The whole maps where what lies between a block's convolutions fits into the cache.
Band BandOfBlock(const Step& s) {
  const int64_t panels = PanelsOf(s.middle);
  if (SizeOf(s.out_pixels(), s.middle) <= kWholeFloats) return BandOf(s, s.out_height);
  int64_t rows = s.out_height;
  for (; rows > 1; rows--) {
    const Band band = BandOf(s, rows);
    if (panels * (band.floats() + rows * s.out_width * kPanel) <= kBandFloats) break;
  }
  return BandOf(s, rows);
}

// Zeros above, below and beside the maps in some rows of a band, which begin at `row` of the maps with their zeros.
void ZeroBorders(const Step& s, const Band& band, float* to, int64_t row, int64_t rows) {
  for (int64_t i = 0; i < rows; i++, to += band.width * kPanel) {
    const int64_t y = row + i - s.top, after = s.left + s.width;
    if (y < 0 || y >= s.height) {
      memset(to, 0, band.width * kPanel * sizeof(float));
      continue;
    }
    memset(to, 0, s.left * kPanel * sizeof(float));
    memset(to + after * kPanel, 0, (band.width - after) * kPanel * sizeof(float));
  }
}

// A block's memory that its threads share, and one thread's part of it.
struct BlockMemory {
  float* between;      // output of the depthwise convolution [panel][pixel][16]
  float* bands;        // its input
  int32_t* positions;  // of the pixels of a band's rows, in the band
};

int64_t BandsOf(const Step& s, const Band& band, int64_t threads) {
  // Where a band is all of the maps, nothing of it is needed again, and each thread has two.
  return band.isWhole ? 2 * threads : PanelsOf(s.middle);
}

int64_t BlockMemorySize(const Step& s, const Band& band, int64_t threads) {
  return SizeOf(band.out_rows * s.out_width, s.middle) + BandsOf(s, band, threads) * band.floats() +
         (band.rows * s.width + kPanel) / kPanel * kPanel * threads;
}

// A band that is not all of the maps belongs to one thread, with memory of its own.
int64_t BlockScratch(const Step& s, int64_t threads) {
  const Band band = BandOfBlock(s);
  return band.isWhole ? BlockMemorySize(s, band, threads) : BlockMemorySize(s, band, 1) * threads;
}

BlockMemory Divide(const Step& s, const Band& band, const Run& run) {
  BlockMemory memory;
  memory.between = run.scratch;
  memory.bands = memory.between + SizeOf(band.out_rows * s.out_width, s.middle);
  float* rest = memory.bands + BandsOf(s, band, run.team.count) * band.floats();
  memory.positions = reinterpret_cast<int32_t*>(rest + run.team.index * ((band.rows * s.width + kPanel) / kPanel * kPanel));
  return memory;
}

// Rows of the output from `first` to `last`, and of the input [begin, end) under them, zeros counted.
struct Rows {
  int64_t first, last, begin, end, kept;
};

// Fills the rows of one or two panels of a band that are not kept from before: the expansion, or a copy of the input.
void FillBands(const Step& s, const Run& run, const Band& band, const Rows& rows, int64_t panel, int64_t panels,
               float* bands, const int32_t* positions) {
  const int64_t line = band.width * kPanel, begin = rows.begin + rows.kept;
  const int64_t top = std::max<int64_t>(begin, s.top), bottom = std::min<int64_t>(rows.end, s.top + s.height);
  for (int64_t i = 0; i < panels; i++)
    ZeroBorders(s, band, bands + i * band.floats() + rows.kept * line, begin, rows.end - begin);
  if (top >= bottom) return;
  const float* x = run.buffers[s.from] + (top - s.top) * s.width * kPanel;
  float* to = bands + (top - rows.begin) * line;
  if (s.expand_filter < 0) {
    for (int64_t i = 0; i < panels; i++)
      for (int64_t row = 0; row < bottom - top; row++)
        memcpy(to + i * band.floats() + row * line + s.left * kPanel,
               x + (panel + i) * s.pixels() * kPanel + row * s.width * kPanel, s.width * kPanel * sizeof(float));
    return;
  }
  Product p{};
  p.a = x;
  p.a_panel = s.pixels() * kPanel;
  p.pixels = (bottom - top) * s.width;
  p.k = s.channels;
  p.filter = run.weights + s.expand_filter + panel * s.channels * kPanel;
  p.bias = run.weights + s.expand_bias + panel * kPanel;
  p.out = to;
  p.out_panel = band.floats();
  p.positions = positions;
  p.low = s.low();
  p.high = s.high();
  run.sums.product(p, 0, panels);
}

// A step from its input to the depthwise convolution, in the panel pairs of this thread.
void BandToBetween(const Step& s, const Run& run, const Band& band, const BlockMemory& memory, const Rows& rows,
                   int64_t before, float* out, int64_t out_panel, const float* residual) {
  const int64_t panels = PanelsOf(s.middle), pairs = (panels + 1) / 2, line = band.width * kPanel;
  for (int64_t pair = run.team.index; pair < pairs; pair += run.team.count) {
    const int64_t panel = 2 * pair, count = std::min<int64_t>(2, panels - panel);
    float* bands = memory.bands + (band.isWhole ? 2 * run.team.index : panel) * band.floats();
    for (int64_t i = 0; i < count; i++) {
      float* one = bands + i * band.floats();
      memmove(one, one + (before - rows.kept) * line, rows.kept * line * sizeof(float));
    }
    FillBands(s, run, band, rows, panel, count, bands, memory.positions);
    for (int64_t i = 0; i < count; i++) {
      Depthwise d{};
      d.x = bands + i * band.floats();
      d.x_row = line;
      d.rows = rows.last - rows.first;
      d.width = s.out_width;
      d.kernel = s.kernel;
      d.stride = s.stride;
      d.filter = run.weights + s.depthwise_filter + (panel + i) * s.kernel * s.kernel * kPanel;
      d.bias = run.weights + s.depthwise_bias + (panel + i) * kPanel;
      d.out = out + (panel + i) * out_panel;
      d.residual = residual ? residual + (panel + i) * out_panel : nullptr;
      d.low = s.low();
      d.high = s.high();
      run.sums.depthwise(d);
    }
  }
}

void FillPositions(const Step& s, const Band& band, int32_t* positions) {
  for (int64_t row = 0; row < band.rows; row++)
    for (int64_t column = 0; column < s.width; column++)
      *positions++ = static_cast<int32_t>(row * band.width + s.left + column);
}

// Calls compute(rows, before) for each band of the output rows from..to; `before`: rows of the input in the band before.
template <typename Compute>
void ForEachBand(const Step& s, const Band& band, int64_t from, int64_t to, Compute compute) {
  int64_t before = 0, end = 0;
  for (int64_t first = from; first < to; first += band.out_rows) {
    const int64_t last = std::min<int64_t>(to, first + band.out_rows);
    Rows rows{first, last, first * s.stride, (last - 1) * s.stride + s.kernel, 0};
    rows.kept = before ? std::max<int64_t>(0, end - rows.begin) : 0;
    compute(rows, before);
    before = rows.end - rows.begin;
    end = rows.end;
  }
}

// The output rows from..to of a block, computed together.
void ComputeBlockRows(const Step& s, const Run& run, const Band& band, int64_t from, int64_t to) {
  const BlockMemory memory = Divide(s, band, run);
  const int64_t between = band.out_rows * s.out_width * kPanel;
  FillPositions(s, band, memory.positions);
  ForEachBand(s, band, from, to, [&](const Rows& rows, int64_t before) {
    BandToBetween(s, run, band, memory, rows, before, memory.between, between, nullptr);
    run.team.Wait();
    Product p = ProductInto(s, run, rows.first * s.out_width, (rows.last - rows.first) * s.out_width);
    p.a = memory.between;
    p.a_panel = between;
    p.k = s.middle;
    p.low = -std::numeric_limits<float>::infinity();
    p.high = std::numeric_limits<float>::infinity();
    ShareProduct(p, PanelsOf(s.outputs), run);
  });
}

// Maps that fit into the cache are shared out by channels. Of larger ones each thread takes some rows, so that it need
// not wait for the others after every band.
void ComputeBlock(const Step& s, const Run& run) {
  const Band band = BandOfBlock(s);
  if (band.isWhole) return ComputeBlockRows(s, run, band, 0, s.out_height);
  Run alone = run;
  alone.team = {0, 1, nullptr};
  alone.scratch += run.team.index * BlockMemorySize(s, band, 1);
  const Team& team = run.team;
  ComputeBlockRows(s, alone, band, team.Share(s.out_height, team.index), team.Share(s.out_height, team.index + 1));
}

// As a block without its products: `middle` are the channels, and nothing is expanded.
void ComputeDepthwise(const Step& s, const Run& run) {
  const Band band = BandOf(s, s.out_height);
  const BlockMemory memory{nullptr, run.scratch, nullptr};
  const float* residual = s.residual < 0 ? nullptr : run.buffers[s.residual];
  ForEachBand(s, band, 0, s.out_height, [&](const Rows& rows, int64_t before) {
    BandToBetween(s, run, band, memory, rows, before, run.buffers[s.to], s.out_pixels() * kPanel, residual);
  });
}

int64_t DepthwiseScratch(const Step& s, int64_t threads) { return 2 * threads * BandOf(s, s.out_height).floats(); }

// ---- The other steps ----

// The picture [pixel][channels] -> panels.
void Load(const Step& s, const Run& run) {
  float* to = run.buffers[s.to];
  for (int64_t panel = run.team.index; panel < PanelsOf(s.channels); panel += run.team.count)
    for (int64_t pixel = 0; pixel < s.pixels(); pixel++)
      for (int64_t i = 0; i < kPanel; i++) {
        const int64_t channel = panel * kPanel + i;
        to[(panel * s.pixels() + pixel) * kPanel + i] =
            channel < s.channels ? run.picture[pixel * s.channels + channel] : 0;
      }
}

void ComputeMaxPool(const Step& s, const Run& run) {
  for (int64_t panel = run.team.index; panel < PanelsOf(s.outputs); panel += run.team.count) {
    const float* x = run.buffers[s.from] + panel * s.pixels() * kPanel;
    float* out = run.buffers[s.to] + panel * s.out_pixels() * kPanel;
    run.sums.max_pool({x, s.height, s.width, s.out_height, s.out_width, s.kernel, s.stride, s.top, s.left, out, s.low(),
                       s.high()});
  }
}

// The mean of each map. Rows are added up on their own, which keeps rounding errors small.
void Average(const Step& s, const Run& run) {
  for (int64_t panel = run.team.index; panel < PanelsOf(s.channels); panel += run.team.count) {
    const float* from = run.buffers[s.from] + panel * s.pixels() * kPanel;
    float sums[kPanel] = {};
    for (int64_t row = 0; row < s.height; row++) {
      float line[kPanel] = {};
      for (int64_t column = 0; column < s.width; column++, from += kPanel)
        for (int64_t i = 0; i < kPanel; i++) line[i] += from[i];
      for (int64_t i = 0; i < kPanel; i++) sums[i] += line[i];
    }
    for (int64_t i = 0; i < kPanel; i++) run.buffers[s.to][panel * kPanel + i] = sums[i] / s.pixels();
  }
}

// Panels -> out [pixel][channels].
void Unload(const Step& s, const Run& run, float* out) {
  const float* from = run.buffers[s.to];
  const int64_t pixels = s.out_pixels();
  for (int64_t pixel = run.team.Share(pixels, run.team.index); pixel < run.team.Share(pixels, run.team.index + 1);
       pixel++)
    for (int64_t channel = 0; channel < s.outputs; channel += kPanel)
      memcpy(out + pixel * s.outputs + channel, from + (channel / kPanel * pixels + pixel) * kPanel,
             std::min<int64_t>(kPanel, s.outputs - channel) * sizeof(float));
}

void ComputeAveragePool(const Step& s, const Run& run) {
  for (int64_t panel = run.team.index; panel < PanelsOf(s.outputs); panel += run.team.count)
    run.sums.average_pool({run.buffers[s.from] + panel * s.pixels() * kPanel, s.height, s.width, s.out_height, s.out_width,
                           s.kernel, s.stride, s.top, s.left, run.buffers[s.to] + panel * s.out_pixels() * kPanel});
}

// This thread's share of a step's output, in floats; each begins at a multiple of 16.
struct Part {
  int64_t from, to;
};
Part PartOf(const Step& s, const Run& run) {
  const int64_t rows = PanelsOf(s.outputs) * s.out_pixels();
  return {run.team.Share(rows, run.team.index) * kPanel, run.team.Share(rows, run.team.index + 1) * kPanel};
}

void Activate(const Step& s, const Run& run) {
  const Part part = PartOf(s, run);
  run.sums.activate({run.buffers[s.from] + part.from, run.buffers[s.to] + part.from, part.to - part.from, s.activation,
                     s.alpha});
}

inline float Limited(float x, float low, float high) {
  x = low > x ? low : x;
  return high < x ? high : x;
}

// Each channel times a factor plus a number, limited.
FOR_EVERY_PROCESSOR
void Scale(const float* from, const float* factors, const float* numbers, int64_t size, float low, float high, float* to) {
  for (int64_t at = 0; at < size; at += kPanel)
    for (int64_t i = 0; i < kPanel; i++) to[at + i] = Limited(from[at + i] * factors[i] + numbers[i], low, high);
}

void Affine(const Step& s, const Run& run) {
  for (int64_t panel = run.team.index; panel < PanelsOf(s.outputs); panel += run.team.count) {
    const int64_t at = panel * s.pixels() * kPanel;
    Scale(run.buffers[s.from] + at, run.weights + s.filter + panel * kPanel, run.weights + s.bias + panel * kPanel,
          s.pixels() * kPanel, s.low(), s.high(), run.buffers[s.to] + at);
  }
}

FOR_EVERY_PROCESSOR
void AddValues(const float* a, const float* b, int64_t size, float low, float high, float* to) {
  for (int64_t i = 0; i < size; i++) to[i] = Limited(a[i] + b[i], low, high);
}

void Add(const Step& s, const Run& run) {
  const Part part = PartOf(s, run);
  AddValues(run.buffers[s.from] + part.from, run.buffers[s.residual] + part.from, part.to - part.from, s.low(), s.high(),
            run.buffers[s.to] + part.from);
}

FOR_EVERY_PROCESSOR
void MultiplyValues(const float* a, const float* b, int64_t size, float* to) {
  for (int64_t i = 0; i < size; i++) to[i] = a[i] * b[i];
}

FOR_EVERY_PROCESSOR
void MultiplyPanel(const float* a, const float* factors, int64_t size, float* to) {
  for (int64_t at = 0; at < size; at += kPanel)
    for (int64_t i = 0; i < kPanel; i++) to[at + i] = a[at + i] * factors[i];
}

// Maps times maps of the same size, or times one factor for each channel: then `groups` is 1.
void Multiply(const Step& s, const Run& run) {
  const float *a = run.buffers[s.from], *b = run.buffers[s.residual];
  float* to = run.buffers[s.to];
  if (s.groups != 1) {
    const Part part = PartOf(s, run);
    return MultiplyValues(a + part.from, b + part.from, part.to - part.from, to + part.from);
  }
  const int64_t size = s.pixels() * kPanel;
  for (int64_t panel = run.team.index; panel < PanelsOf(s.outputs); panel += run.team.count)
    MultiplyPanel(a + panel * size, b + panel * kPanel, size, to + panel * size);
}

// Copies maps to some channels of larger ones. The channels of the last panel beyond the copied ones become zeros: what is
// copied there comes later.
void Place(const Step& s, const Run& run) {
  const float* from = run.buffers[s.from];
  float* to = run.buffers[s.to];
  const int64_t pixels = s.pixels(), size = pixels * kPanel, panels = PanelsOf(s.channels);
  if (s.offset % kPanel == 0) {
    for (int64_t panel = run.team.index; panel < panels; panel += run.team.count)
      memcpy(to + (s.offset / kPanel + panel) * size, from + panel * size, size * sizeof(float));
    return;
  }
  for (int64_t pixel = run.team.Share(pixels, run.team.index); pixel < run.team.Share(pixels, run.team.index + 1); pixel++) {
    const int64_t end = PanelsOf(s.offset + s.channels) * kPanel - s.offset;
    for (int64_t i = 0; i < end; i++) {
      const int64_t channel = s.offset + i;
      to[channel / kPanel * size + pixel * kPanel + channel % kPanel] =
          i < s.channels ? from[i / kPanel * size + pixel * kPanel + i % kPanel] : 0;
    }
  }
}

// Maps with zeros around them.
void Pad(const Step& s, const Run& run) {
  for (int64_t panel = run.team.index; panel < PanelsOf(s.channels); panel += run.team.count) {
    float* to = run.buffers[s.to] + panel * s.out_pixels() * kPanel;
    memset(to, 0, s.out_pixels() * kPanel * sizeof(float));
    for (int64_t row = 0; row < s.height; row++)
      memcpy(to + ((row + s.top) * s.out_width + s.left) * kPanel,
             run.buffers[s.from] + (panel * s.height + row) * s.width * kPanel, s.width * kPanel * sizeof(float));
  }
}

// ---- A convolution in groups: each panel of outputs is a product over the panels of inputs that its groups read ----

// The panels of inputs that a panel of outputs reads begin here; native.ts packs the filter for as many as `middle`.
int64_t FirstInputPanel(const Step& s, int64_t panel) {
  const int64_t group = panel * kPanel / (s.outputs / s.groups);
  const int64_t first = group * (s.channels / s.groups) / kPanel;
  return std::max<int64_t>(0, std::min<int64_t>(first, PanelsOf(s.channels) - s.middle));
}

int64_t GroupsScratch(const Step& s) { return SizeOf(StripPixels(s), s.k); }

void StripOfPanels(const Step& s, const float* maps, int64_t first, int64_t pixels, float* strip) {
  for (int64_t u = 0; u < s.kernel; u++)
    for (int64_t v = 0; v < s.kernel; v++)
      for (int64_t panel = 0; panel < s.middle; panel++) {
        int64_t row = first / s.out_width, column = first % s.out_width;
        for (int64_t pixel = 0; pixel < pixels; pixel++, column++, strip += kPanel) {
          if (column == s.out_width) column = 0, row++;
          const int64_t y = row * s.stride - s.top + u, x = column * s.stride - s.left + v;
          if (y < 0 || x < 0 || y >= s.height || x >= s.width)
            memset(strip, 0, kPanel * sizeof(float));
          else
            memcpy(strip, maps + (panel * s.pixels() + y * s.width + x) * kPanel, kPanel * sizeof(float));
        }
      }
}

void ConvolveGroups(const Step& s, const Run& run) {
  const int64_t most = StripPixels(s), strips = (s.out_pixels() + most - 1) / most, panels = PanelsOf(s.outputs);
  float* strip = run.scratch + run.team.index * GroupsScratch(s);
  for (int64_t i = run.team.index; i < panels * strips; i += run.team.count) {
    const int64_t panel = i / strips, first = i % strips * most, pixels = std::min(most, s.out_pixels() - first);
    const float* maps = run.buffers[s.from] + FirstInputPanel(s, panel) * s.pixels() * kPanel;
    StripOfPanels(s, maps, first, pixels, strip);
    Product p = ProductInto(s, run, first, pixels);
    p.a = strip;
    p.a_panel = pixels * kPanel;
    p.k = s.k;
    p.filter += panel * s.k * kPanel;
    p.bias += panel * kPanel;
    p.out += panel * p.out_panel;
    if (p.residual) p.residual += panel * p.out_panel;
    run.sums.product(p, 0, 1);
  }
}

int64_t ScratchOf(const Step& s, int64_t threads) {
  switch (s.kind) {
    case kConvolution: return ConvolutionScratch(s) * threads;
    case kGroups: return GroupsScratch(s) * threads;
    case kDepthwise: return DepthwiseScratch(s, threads);
    case kBlock: return BlockScratch(s, threads);
    default: return 0;
  }
}

void ComputeStep(const Step& s, const Run& run) {
  switch (s.kind) {
    case kLoad: return Load(s, run);
    case kConvolution: return Convolve(s, run);
    case kDepthwise: return ComputeDepthwise(s, run);
    case kBlock: return ComputeBlock(s, run);
    case kMaxPool: return ComputeMaxPool(s, run);
    case kAverage: return Average(s, run);
    case kAveragePool: return ComputeAveragePool(s, run);
    case kGroups: return ConvolveGroups(s, run);
    case kActivate: return Activate(s, run);
    case kAffine: return Affine(s, run);
    case kAdd: return Add(s, run);
    case kMultiply: return Multiply(s, run);
    case kPlace: return Place(s, run);
    case kPad: return Pad(s, run);
  }
}

// The steps, and the sizes of the buffers and of the scratch memory that they need.
struct Program {
  std::vector<Step> steps;
  std::vector<int64_t> buffers;

  explicit Program(std::vector<Step> all) : steps(std::move(all)) {
    for (const Step& s : steps) {
      if (s.to >= static_cast<int64_t>(buffers.size())) buffers.resize(s.to + 1);
      buffers[s.to] = std::max(buffers[s.to], SizeOf(s.out_pixels(), s.outputs));
    }
  }
  int64_t scratch(int64_t threads) const {
    int64_t most = 0;
    for (const Step& s : steps) most = std::max(most, ScratchOf(s, threads));
    return most;
  }
  int64_t floats(int64_t threads) const {
    int64_t sum = scratch(threads);
    for (int64_t size : buffers) sum += size;
    return sum;
  }
  // Divides memory between the buffers and the scratch memory of a picture.
  Run Prepare(const float* weights, float* memory, Team team) const {
    Run run{ChooseSums(), weights, nullptr, {}, nullptr, team};
    for (int64_t size : buffers) {
      run.buffers.push_back(memory);
      memory += size;
    }
    run.scratch = memory;
    return run;
  }
};

void ComputePicture(const Program& program, Run& run, const float* picture, float* out) {
  run.picture = picture;
  for (const Step& s : program.steps) {
    ComputeStep(s, run);
    run.team.Wait();
  }
  Unload(program.steps.back(), run, out);
  run.team.Wait();
}

// Where the pictures and outputs of a call lie.
struct Batch {
  const float* pictures;
  float* out;
  int64_t size, picture_size, out_size;
};

// A picture per thread, as long as there is one for every thread.
// @returns the number of pictures that are left.
bool ComputeEach(const Program& program, const float* weights, const Batch& batch, int64_t count) {
  bool fits = true;
#pragma omp parallel reduction(&& : fits)
  {
    static thread_local Memory memory;
    float* room = memory.Room(program.floats(1));
    fits = room != nullptr;
    Run run = program.Prepare(weights, room, {0, 1, nullptr});
#pragma omp for schedule(dynamic)
    for (int64_t i = 0; i < count; i++)
      if (room)
        ComputePicture(program, run, batch.pictures + i * batch.picture_size, batch.out + i * batch.out_size);
  }
  return fits;
}

// The others one after the other, each on all threads.
bool ComputeTogether(const Program& program, const float* weights, const Batch& batch, int64_t from) {
  static thread_local Memory memory;
  float* room = memory.Room(program.floats(omp_get_max_threads()));
  if (!room) return false;
  Barrier barrier;
#pragma omp parallel
  {
    Run run = program.Prepare(weights, room, {omp_get_thread_num(), omp_get_num_threads(), &barrier});
    for (int64_t i = from; i < batch.size; i++)
      ComputePicture(program, run, batch.pictures + i * batch.picture_size, batch.out + i * batch.out_size);
  }
  return true;
}

std::vector<Step> StepsOf(const Tensor& program) {
  std::vector<Step> steps(program.size() / kFields);
  memcpy(steps.data(), program.data<int32_t>(), steps.size() * sizeof(Step));
  return steps;
}

void Fail(Call& call) { call.fail(TF_RESOURCE_EXHAUSTED, "not enough memory for the maps of a picture"); }

// x [batch, height, width, channels], weights, program -> y [batch, height, width, outputs]
void Compute(void*, TF_OpKernelContext* context) {
  Call call(context);
  Tensor x, weights, fields, y;
  call.inputs({&x, &weights, &fields});
  if (!call.ok()) return;
  const Program program(StepsOf(fields));
  const Step& last = program.steps.back();
  const int64_t size = x.dim(0);
  call.output(0, TF_FLOAT, {size, last.out_height, last.out_width, last.outputs}, y);
  if (!call.ok() || size == 0) return;
  const Batch batch{x.data<float>(), y.data<float>(), size, x.size() / size, last.out_pixels() * last.outputs};
  const int64_t threads = omp_get_max_threads(), each = size / threads * threads;
  const bool done = (each == 0 || ComputeEach(program, weights.data<float>(), batch, each)) &&
                    (each == size || ComputeTogether(program, weights.data<float>(), batch, each));
  if (!done) Fail(call);
}

// x [batch, features], weights, program of one step -> y [batch, outputs]. The rows are taken for pixels of a picture,
// so that the weights are read once for all of them.
void ComputeDense(void*, TF_OpKernelContext* context) {
  Call call(context);
  Tensor x, weights, fields, y;
  call.inputs({&x, &weights, &fields});
  if (!call.ok()) return;
  Step load = StepsOf(fields)[0], dense = load;
  load.kind = kLoad;
  load.outputs = load.channels;
  dense.kind = kConvolution;
  dense.from = 0;
  dense.to = 1;
  for (Step* s : {&load, &dense}) s->height = s->out_height = static_cast<int32_t>(x.dim(0));
  call.output(0, TF_FLOAT, {x.dim(0), dense.outputs}, y);
  if (!call.ok() || x.dim(0) == 0) return;
  const Batch batch{x.data<float>(), y.data<float>(), 1, x.size(), y.size()};
  if (!ComputeTogether(Program({load, dense}), weights.data<float>(), batch, 0)) Fail(call);
}

const Registration registered({"BatSupFoldedSteps",
                               {"x: float", "weights: float", "program: int32"},
                               {"y: float"},
                               {},
                               nullptr,
                               &Compute,
                               nullptr});

const Registration dense({"BatSupFoldedDense",
                          {"x: float", "weights: float", "program: int32"},
                          {"y: float"},
                          {},
                          nullptr,
                          &ComputeDense,
                          nullptr});

}  // namespace
