// Products of matrices in row-major order, as 1x1 convolutions of feature maps [pixels, channels] and their gradients need
// them. Sums are kept in registers, a tile at a time, and are added in an order that depends on the shapes alone.
// Included by the kernels of every_processor.h.

// A level of processors: the length of its vectors, and a tile of sums, kRows rows of kVectors vectors, that fits its
// registers.
template <int kLanesOf, int kRowsOf, int kVectorsOf>
struct Level {
  static constexpr int kLanes = kLanesOf, kRows = kRowsOf, kVectors = kVectorsOf;
  static constexpr int64_t kColumns = kVectors * kLanes;
  typedef float Floats __attribute__((vector_size(kLanes * 4)));

  static INLINE Floats Load(const float* from) {
    Floats values;
    memcpy(&values, from, sizeof(values));
    return values;
  }

  static INLINE void Store(const Floats& values, float* to) { memcpy(to, &values, sizeof(values)); }

  static INLINE void StoreSome(const Floats& values, float* to, int64_t count) {
    if (count >= kLanes) return Store(values, to);
    if (count == kLanes / 2) {
      memcpy(to, &values, sizeof(values) / 2);
      return;
    }
    if (count > 0) memcpy(to, &values, count * sizeof(float));
  }

  // NaN stays NaN.
  static INLINE void Clamp(Floats& x, float low, float high) {
    const Floats lows = low - Floats{}, highs = high - Floats{};
    x = lows > x ? lows : x;
    x = highs < x ? highs : x;
  }
};

// c = clamp(a b + bias)
struct Product {
  const float* a;  // [rows, inner]
  int64_t a_stride;
  const float* b;  // packed, see Pack
  float* c;        // [rows, columns]
  int64_t c_stride, rows, inner, columns;
  const float* bias;  // [RoundUp(columns)]; null: none
  float low, high;
};

// b [inner, columns] in panels of L::kColumns columns, of which the last may be narrower: [panel][inner][columns of it],
// with zeros beyond the last column. Holds inner * RoundUp(columns) floats.
// at(row, column): an element of b.
template <class L, class At>
INLINE void Pack(float* to, int64_t inner, int64_t columns, At at) {
  for (int64_t from = 0; from < columns; from += L::kColumns) {
    const int64_t width = RoundUp(columns - from) < L::kColumns ? RoundUp(columns - from) : L::kColumns;
    for (int64_t row = 0; row < inner; row++)
      for (int64_t i = 0; i < width; i++) *to++ = from + i < columns ? at(row, from + i) : 0;
  }
}

// Where Pack puts an element of b; columns: a multiple of kPadding.
template <class L>
INLINE int64_t PackedIndex(int64_t inner, int64_t columns, int64_t row, int64_t column) {
  const int64_t from = column / L::kColumns * L::kColumns;
  const int64_t width = columns - from < L::kColumns ? columns - from : L::kColumns;
  return from * inner + row * width + column - from;
}

template <class L, int kRows, int kVectors>
INLINE void ProductTile(const Product& p, const float* b, int64_t row, int64_t column) {
  typename L::Floats sums[kRows][kVectors] = {};
  const float* a = p.a + row * p.a_stride;
  for (int64_t k = 0; k < p.inner; k++, b += kVectors * L::kLanes) {
    typename L::Floats w[kVectors];
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; v++) w[v] = L::Load(b + v * L::kLanes);
#pragma GCC unroll 16
    for (int r = 0; r < kRows; r++) {
      const float factor = a[r * p.a_stride + k];
#pragma GCC unroll 16
      for (int v = 0; v < kVectors; v++) sums[r][v] += factor * w[v];
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < kRows; r++) {
    float* c = p.c + (row + r) * p.c_stride + column;
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; v++) {
      typename L::Floats sum = sums[r][v];
      if (p.bias) {
        sum += L::Load(p.bias + column + v * L::kLanes);
        L::Clamp(sum, p.low, p.high);
      }
      L::StoreSome(sum, c + v * L::kLanes, p.columns - column - v * L::kLanes);
    }
  }
}

template <class L, int kRows, int kVectors>
INLINE void ProductRows(int64_t rows, const Product& p, const float* b, int64_t row, int64_t column) {
  if (rows == kRows) return ProductTile<L, kRows, kVectors>(p, b, row, column);
  if constexpr (kRows > 1) ProductRows<L, kRows - 1, kVectors>(rows, p, b, row, column);
}

template <class L, int kVectors>
INLINE void ProductPanel(int64_t vectors, const Product& p, const float* b, int64_t column) {
  if (vectors != kVectors) {
    if constexpr (kVectors > 1) ProductPanel<L, kVectors - 1>(vectors, p, b, column);
    return;
  }
  int64_t row = 0;
  for (; row + L::kRows <= p.rows; row += L::kRows) ProductTile<L, L::kRows, kVectors>(p, b, row, column);
  if (row < p.rows) ProductRows<L, L::kRows - 1, kVectors>(p.rows - row, p, b, row, column);
}

template <class L>
INLINE void Multiply(const Product& p) {
  for (int64_t column = 0; column < p.columns; column += L::kColumns) {
    const int64_t left = RoundUp(p.columns - column) / L::kLanes;
    ProductPanel<L, L::kVectors>(left < L::kVectors ? left : L::kVectors, p, p.b + column * p.inner, column);
  }
}

// sums += transpose of x, times d
struct Outer {
  const float* x;  // [rows, inner]
  int64_t x_stride;
  const float* d;  // [rows, columns]
  int64_t rows, inner, columns;  // columns: a multiple of kPadding
  float* sums;                   // [inner, columns]
};

template <class L, int kRows, int kVectors>
INLINE void OuterTile(const Outer& o, int64_t k, int64_t column) {
  typename L::Floats sums[kRows][kVectors];
  float* to = o.sums + k * o.columns + column;
#pragma GCC unroll 16
  for (int r = 0; r < kRows; r++)
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; v++) sums[r][v] = L::Load(to + r * o.columns + v * L::kLanes);
  const float* x = o.x + k;
  const float* d = o.d + column;
  for (int64_t row = 0; row < o.rows; row++, x += o.x_stride, d += o.columns) {
    typename L::Floats w[kVectors];
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; v++) w[v] = L::Load(d + v * L::kLanes);
#pragma GCC unroll 16
    for (int r = 0; r < kRows; r++)
#pragma GCC unroll 16
      for (int v = 0; v < kVectors; v++) sums[r][v] += x[r] * w[v];
  }
#pragma GCC unroll 16
  for (int r = 0; r < kRows; r++)
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; v++) L::Store(sums[r][v], to + r * o.columns + v * L::kLanes);
}

template <class L, int kRows, int kVectors>
INLINE void OuterRows(int64_t rows, const Outer& o, int64_t k, int64_t column) {
  if (rows == kRows) return OuterTile<L, kRows, kVectors>(o, k, column);
  if constexpr (kRows > 1) OuterRows<L, kRows - 1, kVectors>(rows, o, k, column);
}

template <class L, int kVectors>
INLINE void OuterPanel(int64_t vectors, const Outer& o, int64_t column) {
  if (vectors != kVectors) {
    if constexpr (kVectors > 1) OuterPanel<L, kVectors - 1>(vectors, o, column);
    return;
  }
  int64_t k = 0;
  for (; k + L::kRows <= o.inner; k += L::kRows) OuterTile<L, L::kRows, kVectors>(o, k, column);
  if (k < o.inner) OuterRows<L, L::kRows - 1, kVectors>(o.inner - k, o, k, column);
}

template <class L>
INLINE void AddOuter(const Outer& o) {
  for (int64_t column = 0; column < o.columns; column += L::kColumns) {
    const int64_t left = (o.columns - column) / L::kLanes;
    OuterPanel<L, L::kVectors>(left < L::kVectors ? left : L::kVectors, o, column);
  }
}
