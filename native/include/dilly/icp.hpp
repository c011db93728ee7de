// Point-to-plane registration of a cloud to a set of tiles: Gauss–Newton on SE(3) with a graduated robust kernel.
//
//   r_i = n_i · (R p_i + t − q_i)                       Chen & Medioni 1992
//   J_i = [ n_iᵀ , ((R p_i) × n_i)ᵀ ]                   for T ← [exp(θ) R, t + δ]: θ, δ in map axes at base_link
//   w_i = (k² / (k² + r_i²))²                           Geman–McClure, k falling from kernel_start to kernel_end:
//                                                       graduated non-convexity, Blake & Zisserman 1987
//   (Σ w JᵀJ) x = − Σ w Jᵀ r, solved only along directions that the geometry constrains (Zhang, Kaess & Singh 2016)
#pragma once

#include "dispatch.hpp"
#include "linalg.hpp"
#include "parallel.hpp"

namespace dilly {

struct AlignOptions {
  double kernel_start, kernel_end;  // metres
  int max_iterations;
  double translation_epsilon, rotation_epsilon;  // m, rad
};

struct Alignment {
  Pose pose;
  bool converged = false, cancelled = false;
  std::size_t points = 0, matched = 0, inliers = 0;
  double residual = 0;  // rms of the inliers' distances, metres
  int iterations = 0;
  std::array<double, 36> hessian{};
  double range = 0;  // weighted rms distance of the points from base_link, metres
  Eigen<6> eigen{};  // of the Hessian with rotation divided by `range`: all six in units of points
};

constexpr double kKernelDecay = 0.6;
// The kernel narrows when a step moves the points by less than this share of its width: not before the pose has come
// as near as the present width can bring it.
constexpr double kSettled = 0.1;
// Wider kernels than this (metres) go to the surfels, narrower ones to the points.
constexpr double kCoarseKernel = 0.35;
// A direction with less than this share of the strongest one is left alone by the solver.
constexpr double kSolvable = 1e-4;
// A correspondence may be this many kernel widths away.
constexpr double kGate = 3;

namespace detail {

struct Normals6 {
  std::array<double, 36> h{};
  std::array<double, 6> g{};
  double square = 0, inliers = 0, weight = 0, range2 = 0;
  std::size_t matched = 0;
};

// Blocks are summed in their order, whoever computed them: the same bits for any number of threads.
inline Normals6 linearise(const LineariseInput& in, std::size_t points, std::vector<BlockSums>& blocks,
                          ThreadPool& pool, const Kernels& kernel) {
  const std::size_t count = (points + kBlock - 1) / kBlock;
  blocks.resize(count);
  pool.run(count, [&](std::size_t b) {
    const std::size_t from = b * kBlock;
    kernel.linearise(in, from, std::min(kBlock, points - from), blocks[b]);
  });
  Normals6 sum;
  for (const BlockSums& block : blocks) {
    for (int a = 0, at = 0; a < 6; a++) {
      sum.g[a] += block.g[a];
      for (int b = a; b < 6; b++) sum.h[a * 6 + b] += block.h[at++];
    }
    sum.square += block.square;
    sum.inliers += block.inliers;
    sum.weight += block.weight;
    sum.range2 += block.range2;
    sum.matched += block.matched;
  }
  for (int a = 0; a < 6; a++)
    for (int b = 0; b < a; b++) sum.h[a * 6 + b] = sum.h[b * 6 + a];
  return sum;
}

inline std::array<double, 36> scale_rotation(const std::array<double, 36>& h, double length) {
  std::array<double, 36> scaled = h;
  for (int a = 0; a < 6; a++)
    for (int b = 0; b < 6; b++) scaled[a * 6 + b] /= (a < 3 ? 1 : length) * (b < 3 ? 1 : length);
  return scaled;
}

}  // namespace detail

// Aligns `cloud` (base frame) to `map` from the start T_map_base. Never fails for bad geometry: the counts say it.
inline Alignment align(const TileSet& map, const Cloud& cloud, const Pose& start, const AlignOptions& options,
                       ThreadPool& pool, Simd simd, const CancelFlag* cancel) {
  Alignment result;
  result.pose = start;
  result.pose.q = normalized(start.q);
  result.points = cloud.size();
  if (cloud.size() == 0 || map.empty()) return result;
  std::vector<Match> matches(cloud.size());
  std::vector<BlockSums> blocks;
  LineariseInput in;
  in.level = &Tile::coarse;
  double width = options.kernel_start;
  for (int iteration = 0; iteration < options.max_iterations; iteration++) {
    if (is_cancelled(cancel)) {
      result.cancelled = true;
      return result;
    }
    const bool fine = width <= options.kernel_end;
    in.map = &map;
    in.cloud = &cloud;
    in.matches = matches.data();
    const Mat3 R = rotation(result.pose.q);
    for (int k = 0; k < 9; k++) in.R[k] = static_cast<float>(R[k]);
    for (int k = 0; k < 3; k++) in.t[k] = result.pose.t[k];
    in.kernel = static_cast<float>(width);
    const double gate = std::min(kGate * width, map.tile_size());
    in.max_d2 = static_cast<float>(gate * gate);
    const auto level = width > kCoarseKernel ? &Tile::coarse : &Tile::fine;
    if (level != in.level) std::fill(matches.begin(), matches.end(), Match{});
    in.level = level;
    const detail::Normals6 sum = detail::linearise(in, cloud.size(), blocks, pool, kernels(simd));

    result.iterations = iteration + 1;
    result.matched = sum.matched;
    result.inliers = static_cast<std::size_t>(sum.inliers);
    result.residual = sum.inliers > 0 ? std::sqrt(sum.square / sum.inliers) : 0;
    result.hessian = sum.h;
    if (!(sum.weight > 0)) return result;
    const double length = result.range = std::max(std::sqrt(sum.range2 / sum.weight), 1e-6);
    result.eigen = eigen_symmetric<6>(detail::scale_rotation(sum.h, length));

    double step[6] = {};
    for (int e = 0; e < 6; e++) {
      const double value = result.eigen.values[e];
      if (value <= kSolvable * result.eigen.values[5]) continue;
      const double* v = &result.eigen.vectors[e * 6];
      double along = 0;
      for (int a = 0; a < 6; a++) along -= v[a] * sum.g[a] / (a < 3 ? 1 : length);
      for (int a = 0; a < 6; a++) step[a] += v[a] * along / value / (a < 3 ? 1 : length);
    }
    for (int a = 0; a < 3; a++) result.pose.t[a] += step[a];
    result.pose.q = normalized(multiply(exp_so3({step[3], step[4], step[5]}), result.pose.q));
    const double moved = std::sqrt(step[0] * step[0] + step[1] * step[1] + step[2] * step[2]);
    const double turned = std::sqrt(step[3] * step[3] + step[4] * step[4] + step[5] * step[5]);
    if (fine && moved < options.translation_epsilon && turned < options.rotation_epsilon) {
      result.converged = true;
      return result;
    }
    if (moved + turned * length < kSettled * width) width = std::max(options.kernel_end, width * kKernelDecay);
  }
  return result;
}

}  // namespace dilly
