// Eight lanes in the instruction set being compiled (kernels.inl.hpp includes this file once for each): one
// vector where there are registers of 32 bytes, else two halves of 16, because GCC takes a vector that is
// wider than a register through memory, lane by lane.
namespace dilly {
namespace DILLY_ISA {

#define DILLY_INLINE inline __attribute__((always_inline))

#if DILLY_ISA_AVX2

using F8 = f8;
using I8 = i8;

DILLY_INLINE F8 splat8(float v) {
  return F8{v, v, v, v, v, v, v, v};
}
DILLY_INLINE I8 all_lanes(std::int32_t v) {
  return I8{v, v, v, v, v, v, v, v};
}
DILLY_INLINE F8 load8(const float* from) {
  F8 v;
  std::memcpy(&v, from, sizeof v);
  return v;
}
DILLY_INLINE void store8(float* to, F8 v) {
  std::memcpy(to, &v, sizeof v);
}
DILLY_INLINE F8 max8(F8 a, F8 b) {
  return reinterpret_cast<F8>(_mm256_max_ps(reinterpret_cast<__m256>(a), reinterpret_cast<__m256>(b)));
}
// a · b + c, rounded once: written out, so that a distance has the same bits wherever it is computed.
DILLY_INLINE F8 multiply_add(F8 a, F8 b, F8 c) {
  return reinterpret_cast<F8>(
      _mm256_fmadd_ps(reinterpret_cast<__m256>(a), reinterpret_cast<__m256>(b), reinterpret_cast<__m256>(c)));
}
// The lesser of the lanes k and k + 4.
DILLY_INLINE f4 fold_min(F8 v) {
  const __m256 all = reinterpret_cast<__m256>(v);
  return min4(reinterpret_cast<f4>(_mm256_castps256_ps128(all)),
              reinterpret_cast<f4>(_mm256_extractf128_ps(all, 1)));
}
DILLY_INLINE F8 min8(F8 a, F8 b) {
  return reinterpret_cast<F8>(_mm256_min_ps(reinterpret_cast<__m256>(a), reinterpret_cast<__m256>(b)));
}
DILLY_INLINE I8 min_i8(I8 a, I8 b) {
  return reinterpret_cast<I8>(_mm256_min_epi32(reinterpret_cast<__m256i>(a), reinterpret_cast<__m256i>(b)));
}
DILLY_INLINE i4 fold_min(I8 v) {
  const __m256i all = reinterpret_cast<__m256i>(v);
  return min4(reinterpret_cast<i4>(_mm256_castsi256_si128(all)),
              reinterpret_cast<i4>(_mm256_extracti128_si256(all, 1)));
}
// One bit a lane whose value is at most `limit`.
DILLY_INLINE unsigned lanes_at_most(F8 v, float limit) {
  return static_cast<unsigned>(_mm256_movemask_ps(reinterpret_cast<__m256>(v <= splat8(limit))));
}
DILLY_INLINE F8 one_where(I8 mask) {
  return mask ? splat8(1) : splat8(0);
}
DILLY_INLINE I8 bits_of(F8 v) {
  return reinterpret_cast<I8>(v);
}
DILLY_INLINE I8 lane_numbers() {
  return I8{0, 1, 2, 3, 4, 5, 6, 7};
}

using D4 = d4;

DILLY_INLINE D4 all_lanes(double v) {
  return D4{v, v, v, v};
}
DILLY_INLINE D4 min_d4(D4 a, D4 b) {
  return reinterpret_cast<D4>(_mm256_min_pd(reinterpret_cast<__m256d>(a), reinterpret_cast<__m256d>(b)));
}
DILLY_INLINE D4 max_d4(D4 a, D4 b) {
  return reinterpret_cast<D4>(_mm256_max_pd(reinterpret_cast<__m256d>(a), reinterpret_cast<__m256d>(b)));
}
// Lanes moved up by one; the last lane of `left` comes in.
DILLY_INLINE D4 shifted_in(D4 left, D4 v) {
  const __m256d middle =
      _mm256_permute2f128_pd(reinterpret_cast<__m256d>(left), reinterpret_cast<__m256d>(v), 0x21);
  return reinterpret_cast<D4>(_mm256_shuffle_pd(middle, reinterpret_cast<__m256d>(v), 0x5));
}

#else

struct F8 {
  f4 a, b;
};
struct I8 {
  i4 a, b;
};

DILLY_INLINE F8 operator+(F8 u, F8 v) {
  return {u.a + v.a, u.b + v.b};
}
DILLY_INLINE F8 operator-(F8 u, F8 v) {
  return {u.a - v.a, u.b - v.b};
}
DILLY_INLINE F8 operator*(F8 u, F8 v) {
  return {u.a * v.a, u.b * v.b};
}
DILLY_INLINE F8 operator/(F8 u, F8 v) {
  return {u.a / v.a, u.b / v.b};
}
DILLY_INLINE F8& operator+=(F8& u, F8 v) {
  return u = u + v;
}
DILLY_INLINE I8 operator<=(F8 u, F8 v) {
  return {u.a <= v.a, u.b <= v.b};
}
DILLY_INLINE I8 operator>(F8 u, F8 v) {
  return {u.a > v.a, u.b > v.b};
}
DILLY_INLINE I8 operator==(I8 u, std::int32_t v) {
  return {u.a == v, u.b == v};
}
DILLY_INLINE I8 operator&(I8 u, I8 v) {
  return {u.a & v.a, u.b & v.b};
}
DILLY_INLINE I8 operator&(I8 u, std::int32_t v) {
  return {u.a & v, u.b & v};
}
DILLY_INLINE I8 operator|(I8 u, I8 v) {
  return {u.a | v.a, u.b | v.b};
}

DILLY_INLINE F8 splat8(float v) {
  return {f4{v, v, v, v}, f4{v, v, v, v}};
}
DILLY_INLINE I8 all_lanes(std::int32_t v) {
  return {i4{v, v, v, v}, i4{v, v, v, v}};
}
DILLY_INLINE F8 load8(const float* from) {
  F8 v;
  std::memcpy(&v, from, sizeof v);
  return v;
}
DILLY_INLINE void store8(float* to, F8 v) {
  std::memcpy(to, &v, sizeof v);
}
DILLY_INLINE F8 multiply_add(F8 u, F8 v, F8 w) {
#if defined(__aarch64__)
  // Rounded once, as AVX2 does, whether or not the compiler contracts u · v + w.
  const auto fused = [](f4 a, f4 b, f4 c) {
    return reinterpret_cast<f4>(vfmaq_f32(reinterpret_cast<float32x4_t>(c), reinterpret_cast<float32x4_t>(a),
                                          reinterpret_cast<float32x4_t>(b)));
  };
  return {fused(u.a, v.a, w.a), fused(u.b, v.b, w.b)};
#else
  return u * v + w;
#endif
}
DILLY_INLINE F8 max8(F8 u, F8 v) {
  return {max4(u.a, v.a), max4(u.b, v.b)};
}
DILLY_INLINE F8 min8(F8 u, F8 v) {
  return {min4(u.a, v.a), min4(u.b, v.b)};
}
DILLY_INLINE f4 fold_min(F8 v) {
  return min4(v.a, v.b);
}
DILLY_INLINE I8 min_i8(I8 u, I8 v) {
  return {min4(u.a, v.a), min4(u.b, v.b)};
}
DILLY_INLINE i4 fold_min(I8 v) {
  return min4(v.a, v.b);
}
DILLY_INLINE unsigned lanes_at_most(F8 v, float limit) {
  const I8 hit = v <= splat8(limit);
  return mask4(hit.a) | mask4(hit.b) << 4;
}
DILLY_INLINE F8 one_where(I8 mask) {
  const f4 one{1, 1, 1, 1}, zero{};
  return {mask.a ? one : zero, mask.b ? one : zero};
}
DILLY_INLINE I8 bits_of(F8 v) {
  return {reinterpret_cast<i4>(v.a), reinterpret_cast<i4>(v.b)};
}
DILLY_INLINE I8 lane_numbers() {
  return {i4{0, 1, 2, 3}, i4{4, 5, 6, 7}};
}

struct D4 {
  d2 a, b;
};
DILLY_INLINE D4 all_lanes(double v) {
  return {d2{v, v}, d2{v, v}};
}
DILLY_INLINE D4 min_d4(D4 u, D4 v) {
  return {min2(u.a, v.a), min2(u.b, v.b)};
}
DILLY_INLINE D4 max_d4(D4 u, D4 v) {
  return {max2(u.a, v.a), max2(u.b, v.b)};
}
DILLY_INLINE D4 shifted_in(D4 left, D4 v) {
  return {d2{left.b[1], v.a[0]}, d2{v.a[1], v.b[0]}};
}

#endif

// The least lane.
template <class Lanes>
DILLY_INLINE auto least(Lanes v) {
  return least4(fold_min(v));
}

#undef DILLY_INLINE

}  // namespace DILLY_ISA
}  // namespace dilly
