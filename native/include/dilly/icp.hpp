// Point-to-plane registration of a cloud to a set of tiles: Gauss–Newton on SE(3) with a graduated robust
// kernel.
//
//   r_i = n_i · (R p_i + t − q_i)          Chen & Medioni 1992
//   J_i = [ n_iᵀ , ((R p_i) × n_i)ᵀ ]      for T ← [exp(θ) R, t + δ]; θ, δ in map axes at base_link
//   w_i = (k² / (k² + r_i²))²              Geman–McClure; k falls from kernel_start to kernel_end:
//                                          graduated non-convexity, Blake & Zisserman 1987
//   (Σ w JᵀJ) x = − Σ w Jᵀ r               solved only along directions that the geometry constrains,
//                                          Zhang, Kaess & Singh 2016
#pragma once

#include "layers.hpp"

namespace dilly {

constexpr double kKernelDecay = 0.6;
// The kernel narrows when a step moves the points by less than this share of its width: not before the pose
// has come as near as the present width can bring it.
constexpr double kSettled = 0.1;
// A map whose surfaces are thinner than this (rms distance of the inliers, metres) has one layer: planes
// suffice.
constexpr double kCrisp = 0.02;
// Until that is known planes need not settle to more than this many epsilons, over about so many points.
constexpr double kRough = 4;
constexpr std::size_t kRoughPoints = 2000;

namespace detail {

// Fills the evidence: how about `points` of the scan's points lie on the map's planes at result.pose.
inline Normals6 measure(Aligner& aligner, double width, std::size_t points, Alignment& result) {
  const Normals6 sum = aligner.linearise(result.pose, width, Metric::plane, points);
  result.iterations++;
  result.matched = sum.matched;
  result.inliers = static_cast<std::size_t>(sum.inliers);
  result.residual = sum.inliers > 0 ? std::sqrt(sum.square / sum.inliers) : 0;
  result.hessian = sum.h;
  if (!(sum.weight > 0)) return sum;
  result.range = std::max(std::sqrt(sum.range2 / sum.weight), 1e-6);
  result.eigen = eigen_symmetric<6>(scale_rotation(sum.h, result.range));
  return sum;
}

// Gauss–Newton on planes from `width` down to options.kernel_end, over about `points` points.
inline void align_to_planes(Aligner& aligner, const AlignOptions& options, double width, std::size_t points,
                            const CancelFlag* cancel, Alignment& result) {
  result.converged = false;
  for (int iteration = 0; iteration < options.max_iterations; iteration++) {
    if ((result.cancelled = is_cancelled(cancel))) return;
    const Normals6 sum = measure(aligner, width, points, result);
    if (!(sum.weight > 0)) return;
    const Step step = solve(result.eigen, sum.g, result.range);
    result.pose = moved(result.pose, step);
    const double shift = length_of(&step[0]), turn = length_of(&step[3]);
    if (width <= options.kernel_end && shift < options.translation_epsilon &&
        turn < options.rotation_epsilon) {
      result.converged = true;
      return;
    }
    if (shift + turn * result.range < kSettled * width)
      width = std::max(options.kernel_end, width * kKernelDecay);
  }
}

}  // namespace detail

// Aligns `cloud` (base frame) to `map` from the start T_map_base. Never fails for bad geometry: the counts
// say it.
inline Alignment align(const TileSet& map, const Cloud& cloud, const Pose& start, const AlignOptions& options,
                       ThreadPool& pool, Simd simd, const CancelFlag* cancel) {
  Alignment result;
  result.pose = {start.t, normalized(start.q)};
  result.points = cloud.size();
  if (cloud.size() == 0 || map.empty()) return result;
  detail::Aligner aligner(map, cloud, start.t, pool, simd);
  AlignOptions rough = options;
  rough.translation_epsilon *= kRough;
  rough.rotation_epsilon *= kRough;
  detail::align_to_planes(aligner, rough, options.kernel_start, kRoughPoints, cancel, result);
  if (result.cancelled || !(result.inliers > 0)) return result;
  if (options.kernel_end > kCoarseKernel || result.residual <= kCrisp) {
    detail::align_to_planes(aligner, options, options.kernel_end, detail::kAll, cancel, result);
    return result;
  }
  detail::search_around(aligner, options, std::min(kSearchFrom, options.kernel_start), result);
  detail::settle_on_points(aligner, options, cancel, result);
  if (result.cancelled) return result;
  detail::average_height(aligner, result);
  detail::measure(aligner, options.kernel_end, detail::kAll, result);
  return result;
}

}  // namespace dilly
