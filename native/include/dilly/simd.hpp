// Eight floats at a time, written once: GCC and Clang lower the vector extension to AVX2 inside the kernels compiled
// for it, to SSE2 pairs in the x86-64 baseline and to NEON pairs on arm64.
#pragma once

#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace dilly {

using f8 = float __attribute__((vector_size(32)));
using i8 = std::int32_t __attribute__((vector_size(32)));

enum class Simd { scalar, avx2, neon };

// What this processor can do: the choice is made once, at run time.
inline Simd detect_simd() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? Simd::avx2 : Simd::scalar;
#elif defined(__aarch64__)
  return Simd::neon;  // part of every arm64
#else
  return Simd::scalar;
#endif
}

}  // namespace dilly
