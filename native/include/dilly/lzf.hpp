// LZF, the compression of PCD binary_compressed (Marc Lehmann's liblzf format).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace dilly {

// Three bytes can stand for 264: no honest stream expands further.
constexpr std::size_t kLzfMaxExpansion = 88;

// Whether `in` decompresses to exactly `out_size` bytes, and nothing of it is left over. Reads and writes
// stay within both buffers whatever the bytes are.
inline bool lzf_decompress(const std::uint8_t* in, std::size_t in_size, std::uint8_t* out,
                           std::size_t out_size) {
  std::size_t from = 0, to = 0;
  while (from < in_size) {
    const std::size_t control = in[from++];
    if (control < 32) {  // a run of control + 1 literal bytes
      const std::size_t length = control + 1;
      if (length > in_size - from || length > out_size - to) return false;
      std::memcpy(out + to, in + from, length);
      from += length;
      to += length;
      continue;
    }
    std::size_t length = control >> 5;
    if (length == 7) {
      if (from == in_size) return false;
      length += in[from++];
    }
    length += 2;
    if (from == in_size) return false;
    const std::size_t distance = ((control & 31) << 8 | in[from++]) + 1;
    if (distance > to || length > out_size - to) return false;
    if (distance >= length) {
      std::memcpy(out + to, out + to - distance, length);
      to += length;
    } else {  // overlapping: a pattern that repeats itself
      for (std::size_t k = 0; k < length; k++, to++) out[to] = out[to - distance];
    }
  }
  return to == out_size;
}

}  // namespace dilly
