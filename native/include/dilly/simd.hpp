// Vectors in the extension of GCC and Clang, and what it lacks: four lanes are one register in every
// instruction set, eight are one in AVX2 only (see lanes.inl.hpp).
#pragma once

#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace dilly {

using f8 = float __attribute__((vector_size(32)));
using i8 = std::int32_t __attribute__((vector_size(32)));
using f4 = float __attribute__((vector_size(16)));
using d4 = double __attribute__((vector_size(32)));
using d2 = double __attribute__((vector_size(16)));
using i4 = std::int32_t __attribute__((vector_size(16)));

// Four lanes: what every x86-64 and arm64 has. Where a lane of either is not a number the answer is b's.
inline __attribute__((always_inline)) f4 min4(f4 a, f4 b) {
#if defined(__SSE2__)
  return reinterpret_cast<f4>(_mm_min_ps(reinterpret_cast<__m128>(a), reinterpret_cast<__m128>(b)));
#else
  return a < b ? a : b;
#endif
}

inline __attribute__((always_inline)) f4 max4(f4 a, f4 b) {
#if defined(__SSE2__)
  return reinterpret_cast<f4>(_mm_max_ps(reinterpret_cast<__m128>(a), reinterpret_cast<__m128>(b)));
#else
  return a > b ? a : b;
#endif
}

inline __attribute__((always_inline)) d2 min2(d2 a, d2 b) {
#if defined(__SSE2__)
  return reinterpret_cast<d2>(_mm_min_pd(reinterpret_cast<__m128d>(a), reinterpret_cast<__m128d>(b)));
#else
  return a < b ? a : b;
#endif
}

inline __attribute__((always_inline)) d2 max2(d2 a, d2 b) {
#if defined(__SSE2__)
  return reinterpret_cast<d2>(_mm_max_pd(reinterpret_cast<__m128d>(a), reinterpret_cast<__m128d>(b)));
#else
  return a > b ? a : b;
#endif
}

inline __attribute__((always_inline)) i4 min4(i4 a, i4 b) {
  return a < b ? a : b;
}

inline __attribute__((always_inline)) float least4(f4 v) {
  const f4 m = min4(v, f4{v[2], v[3], v[0], v[1]});
  return m[0] < m[1] ? m[0] : m[1];
}

inline __attribute__((always_inline)) std::int32_t least4(i4 v) {
  const i4 half = min4(v, i4{v[2], v[3], v[0], v[1]});
  return min4(half, i4{half[1], half[0], half[3], half[2]})[0];
}

// One bit a lane that is all ones.
inline __attribute__((always_inline)) unsigned mask4(i4 v) {
#if defined(__SSE2__)
  return static_cast<unsigned>(_mm_movemask_ps(reinterpret_cast<__m128>(v)));
#elif defined(__aarch64__)
  const uint32x4_t bit{1, 2, 4, 8};
  return vaddvq_u32(vandq_u32(reinterpret_cast<uint32x4_t>(v), bit));
#else
  return (v[0] & 1u) | (v[1] & 2u) | (v[2] & 4u) | (v[3] & 8u);
#endif
}

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
