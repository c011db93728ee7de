// What the machine could do at most: how fast one thread streams memory, and how fast it multiplies and adds.
#pragma once

#include <cstring>

#include "bench.hpp"

namespace bench {

// GB/s of reading and writing together, by a copy that fits no cache.
inline double copy_bandwidth() {
  constexpr std::size_t kBytes = std::size_t{1} << 28;
  std::vector<char> from(kBytes, 1), to(kBytes, 2);
  const double seconds = race(5, {[&] { std::memcpy(to.data(), from.data(), kBytes); }})[0];
  return to[kBytes / 2] == 1 ? 2.0 * kBytes / seconds * 1e-9 : 0;
}

#if defined(__x86_64__)
__attribute__((target("avx2,fma")))
#endif
inline double
multiply_add_rate() {
  typedef float f8 __attribute__((vector_size(32)));
  constexpr int kSteps = 4000000, kChains = 10;
  f8 sums[kChains] = {};
  const f8 a = f8{} + 0.999f, b = f8{} + 0.001f;
  const auto start = std::chrono::steady_clock::now();
  for (int s = 0; s < kSteps; s++) {
    for (int c = 0; c < kChains; c++) sums[c] = sums[c] * a + b;
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  float all = 0;
  for (const f8& sum : sums)
    for (int lane = 0; lane < 8; lane++) all += sum[lane];
  // `all` is used, so that nothing is left out.
  return all > -1 ? 2.0 * 8 * kChains * kSteps / seconds * 1e-9 : 0;
}

}  // namespace bench
