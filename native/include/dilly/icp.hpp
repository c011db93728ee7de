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

#include "evidence.hpp"
#include "layers.hpp"
#include "wide.hpp"

namespace dilly {

// A map has layers where the surfels under the scan are thicker than this in the mean, metres.
constexpr double kCrisp = 0.035;
// In it, kernels up to this wide (metres) start at the map's points: surfels would draw a scan to the middle
// of the layers, and away from the one that it started beside.
constexpr double kLayerKernel = 0.35;
// The evidence for a result of surfels alone comes from about so many.
constexpr std::size_t kEvidencePoints = 500;
// Planes need not settle to more than this many epsilons, over about so many points, where a layer is looked
// for afterwards.
constexpr double kRough = 4;
constexpr std::size_t kRoughPoints = 2000;

namespace detail {

// Fills the evidence: how about `points` of the scan's points lie on the map's planes at result.pose.
inline Normals6 measure(Aligner& aligner, double width, std::size_t points, Alignment& result) {
  const Normals6 sum = aligner.linearise(result.pose, width, Metric::plane, points);
  take(sum, result);
  result.points = aligner.visited();
  return sum;
}

// Gauss–Newton on the planes of the map's points, from a kernel of `width` to options.kernel_end, over about
// `points` points of the scan.
inline void align_to_planes(Aligner& aligner, const AlignOptions& options, double width, std::size_t points,
                            const CancelFlag* cancel, Alignment& result) {
  result.converged = false;
  double last = 0;
  for (int iteration = 0; iteration < options.max_iterations; iteration++) {
    if ((result.cancelled = is_cancelled(cancel))) return;
    const Normals6 sum = measure(aligner, width, points, result);
    if (!(sum.weight > 0)) return;
    const Step step = solve(result.eigen, sum.g, result.range);
    result.pose = moved(result.pose, step);
    const double shift = length_of(&step[0]), turn = length_of(&step[3]);
    // Steps shrink by about the same share each: what is still to be gained is the rest of their series.
    const double far = shift + turn * result.range;
    const double ratio = iteration > 0 ? far / last : 1;
    const double rest = ratio < 0.5 ? ratio / (1 - ratio) : 1;
    if (width <= options.kernel_end && shift * rest < options.translation_epsilon &&
        turn * rest < options.rotation_epsilon) {
      result.converged = true;
      return;
    }
    if (far < kSettled * width) width = std::max(options.kernel_end, width * kKernelDecay);
    last = far;
  }
}

// Fills what the surfels of the last level say of result.pose.
inline void look_at_surfels(Aligner& aligner, const AlignOptions& options, Alignment& result) {
  const SurfelScore here =
      aligner.surfel_score(result.pose, options.kernel_end, kSurfelLevels - 1, kJudgePoints);
  result.score = here.score;
  result.thickness = here.thickness;
}

// Looks for the layer that the scan lies in, around result.pose.
inline void align_in_layers(Aligner& aligner, const AlignOptions& options, const CancelFlag* cancel,
                            Alignment& result) {
  AlignOptions rough = options;
  rough.translation_epsilon *= kRough;
  rough.rotation_epsilon *= kRough;
  align_to_planes(aligner, rough, std::min(options.kernel_start, kLayerKernel), kRoughPoints, cancel, result);
  if (result.cancelled || !(result.inliers > 0)) return;
  search_around(aligner, options, std::min(kSearchFrom, options.kernel_start), result);
  settle_on_points(aligner, options, cancel, result);
  if (result.cancelled) return;
  average_height(aligner, result);
  look_at_surfels(aligner, options, result);
  measure(aligner, options.kernel_end, kAll, result);
}

// From the start at result.pose to the last stage that is asked for.
inline void align_stage_by_stage(Aligner& aligner, const AlignOptions& options, const CancelFlag* cancel,
                                 Alignment& result) {
  if (options.reach > kNearReach || options.turn > kNearTurn) search_wide(aligner, options, cancel, result);
  const bool seek_layer = options.finish == Finish::layers;
  // From where surfels would not help: see kLayerKernel.
  const bool beside_layer = seek_layer && options.kernel_start <= kLayerKernel;
  if (beside_layer) look_at_surfels(aligner, options, result);
  if (!beside_layer || result.thickness <= kCrisp) {
    align_to_surfels(aligner, options, options.kernel_start, kSurfelScanPoints, cancel, result);
    if (result.cancelled) return;
    look_at_surfels(aligner, options, result);
  }
  if (options.finish == Finish::surfels)
    measure(aligner, options.kernel_end, kEvidencePoints, result);
  else if (seek_layer && result.thickness > kCrisp)
    align_in_layers(aligner, options, cancel, result);
  else
    // Without surfels, as where a map is sparse, the points take all kernels.
    align_to_planes(aligner, options, result.converged ? options.kernel_end : options.kernel_start,
                    options.finish_points, cancel, result);
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
  detail::align_stage_by_stage(aligner, options, cancel, result);
  if (result.cancelled) return result;
  result.second = detail::second_best(result);
  detail::gather_evidence(aligner, options, result);
  return result;
}

}  // namespace dilly
