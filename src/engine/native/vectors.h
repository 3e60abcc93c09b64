// What kernels share that read floats a vector at a time.
#pragma once
#include <cstdint>
#include <cstring>
#include <new>

#define INLINE inline __attribute__((always_inline))

// Rows that are read a vector at a time are padded to a multiple of this.
constexpr int64_t kPadding = 16;

INLINE int64_t RoundUp(int64_t size) { return (size + kPadding - 1) / kPadding * kPadding; }

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
