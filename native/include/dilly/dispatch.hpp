// Compiles the kernels for each instruction set and picks one at run time.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "clusters.hpp"
#include "kdtree.hpp"
#include "simd.hpp"
#include "tile.hpp"

namespace dilly {

constexpr std::uint32_t kNoSlot = std::numeric_limits<std::uint32_t>::max();

// In: the squared distance to stay within (finite), and kNoSlot or the slot of a point at that distance,
// where the search then starts. Out: the nearest point's slot, or kNoSlot.
struct Nearest {
  float d2;
  std::uint32_t slot;
};

struct Neighbour {
  float d2;
  std::uint32_t id;
  bool operator<(const Neighbour& other) const { return d2 < other.d2 || (d2 == other.d2 && id < other.id); }
};

// A source point's nearest map point, kept from one iteration to the next.
struct Match {
  const Level* level = nullptr;
  std::uint32_t slot = kNoSlot;
  float d2 = 0;
  // Where it was searched for (metres from LineariseInput::home), and no other point was nearer to there than
  // this (metres; 0: not known).
  float place[3] = {};
  float clear = 0;
};

// A scan whose points within kArm (metres) moved less than kNearlyStill (metres) since the last call will
// mostly have the same matches at the next: then it pays to know how far the second nearest point is.
constexpr double kNearlyStill = 0.02, kArm = 20;

constexpr std::size_t kBlock = 256;
// Most shifts that one call of closeness takes.
constexpr int kMaxShifts = 16;

// What is minimised: the distance to the map point's plane, or to the map point itself.
enum class Metric { plane, point };

struct LineariseInput {
  const TileSet* map;
  const Cloud* cloud;
  Match* matches;  // one a point
  float R[9];      // of T_map_base, row-major
  double t[3];
  double home[3];    // a place near t that stays the same
  float kernel;      // metres
  float max_d2;      // correspondences beyond are not used
  int surfels = -1;  // level of the surfels to match to, or -1: the points
  Metric metric = Metric::plane;
  std::size_t stride = 1;     // every how many points
  bool nearly_still = false;  // the next call will be for a place very near this one
};

// Sums over one block: upper triangle of Σ w JᵀJ, Σ w J r, and the counts that make the evidence.
struct BlockSums {
  double h[21], g[6], square, inliers, weight, range2;
  std::size_t matched;
};

// Over points that lie in a surfel's cube: Σ (k²/(k² + r²))², r being the distance to its plane, Σ of the
// surfels' thickness, and their number.
struct SurfelScore {
  double score = 0, thickness = 0, matched = 0;
};

// Small steps beside a pose, one a lane; the rest of the lanes stay at it.
constexpr int kProbes = 8;
struct ProbeSteps {
  float along[6][kProbes] = {};  // metres and radians, map axes
  float shift = 0, turn = 0;     // of the longest, m, rad
};

struct Kernels {
  void (*nearest)(const KdTree&, const float q[3], Nearest&);
  void (*nearest_each)(const KdTree&, const float* xyz, std::size_t count, Nearest*);
  int (*knn)(const KdTree&, const float q[3], int k, Neighbour*);
  void (*knn_each)(const KdTree&, const float* xyz, std::size_t count, int k, Neighbour*);
  void (*within)(const KdTree&, const float q[3], float radius2, std::vector<Neighbour>&);
  void (*linearise)(const LineariseInput&, std::size_t first, std::size_t count, BlockSums&);
  void (*surfel_score)(const LineariseInput&, std::size_t first, std::size_t count, SurfelScore&);
  void (*closeness)(const LineariseInput&, const std::array<float, 3>* shifts, int shift_count,
                    std::size_t first, std::size_t count, double* sums);
  void (*cluster_gradients)(const LineariseInput&, std::size_t first, std::size_t count, Clusters&);
  void (*probe_gradients)(const LineariseInput&, const ProbeSteps&, std::size_t first, std::size_t count,
                          double (*sums)[kProbes]);
  std::size_t (*covered)(const LineariseInput&, std::size_t first, std::size_t count);
};

}  // namespace dilly

#define DILLY_ISA baseline
#define DILLY_ISA_AVX2 0
#include "kernels.inl.hpp"
#undef DILLY_ISA
#undef DILLY_ISA_AVX2

#if defined(__x86_64__)
#define DILLY_ISA avx2
#define DILLY_ISA_AVX2 1
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif
#include "kernels.inl.hpp"
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#undef DILLY_ISA
#undef DILLY_ISA_AVX2
#endif

namespace dilly {

inline const Kernels& kernels(Simd simd) {
  static const Kernels base{baseline::nearest,         baseline::nearest_each, baseline::knn,
                            baseline::knn_each,        baseline::within,       baseline::linearise,
                            baseline::surfel_score,    baseline::closeness,    baseline::cluster_gradients,
                            baseline::probe_gradients, baseline::covered};
#if defined(__x86_64__)
  static const Kernels wide{avx2::nearest,         avx2::nearest_each, avx2::knn,
                            avx2::knn_each,        avx2::within,       avx2::linearise,
                            avx2::surfel_score,    avx2::closeness,    avx2::cluster_gradients,
                            avx2::probe_gradients, avx2::covered};
  if (simd == Simd::avx2) return wide;
#endif
  (void)simd;
  return base;
}

}  // namespace dilly
