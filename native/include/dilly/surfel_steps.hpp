// The first steps of a registration: to surfels, from wide cubes and kernels to narrow ones.
#pragma once

#include "aligner.hpp"

namespace dilly {

constexpr double kKernelDecay = 0.6;
// The kernel narrows when a step moves the points by less than this share of its width: not before the pose
// has come as near as the present width can bring it.
constexpr double kSettled = 0.1;
// A kernel this many times the size of a level's cubes or wider goes to that level.
constexpr double kSurfelKernel = 0.4;
// About so many points of the scan for each level of surfels.
constexpr std::size_t kSurfelScanPoints[kSurfelLevels] = {500, 1000, 2000};
// Where several places are tried.
constexpr std::size_t kTrialPoints[kSurfelLevels] = {300, 400, 600};
// Surfels have settled when a step moves the points by less than this, metres.
constexpr double kSurfelEpsilon = 0.01;
// Of few points, the normals of surfels of one plane differ by some hundredths: a direction with less than
// this share of the strongest one may be made of nothing else.
constexpr double kSurfelSolvable = 5e-3;
// With fewer of the points (a share) on surfels of the last level a map is too sparse for it.
constexpr double kSurfelShare = 0.25;
// So many iterations are enough with one kernel: points that change cubes to and fro keep a scan from
// settling.
constexpr int kSurfelStay = 8;

namespace detail {

// Fills the evidence of a result from the sums at its pose.
inline void take(const Normals6& sum, Alignment& result) {
  result.iterations++;
  result.matched = sum.matched;
  result.inliers = static_cast<std::size_t>(sum.inliers);
  result.residual = sum.inliers > 0 ? std::sqrt(sum.square / sum.inliers) : 0;
  result.hessian = sum.h;
  if (!(sum.weight > 0)) return;
  result.range = std::max(std::sqrt(sum.range2 / sum.weight), 1e-6);
  result.eigen = eigen_symmetric<6>(scale_rotation(sum.h, result.range));
}

// The surfels for a kernel of this width: about as wide as it.
inline int surfel_level(double width) {
  int level = 0;
  while (level + 1 < kSurfelLevels && width < kSurfelSizes[level] * kSurfelKernel) level++;
  return level;
}

// Gauss–Newton on surfels, from wide cubes and kernels to narrow ones.
inline void align_to_surfels(Aligner& aligner, const AlignOptions& options, double width,
                             const std::size_t* points, const CancelFlag* cancel, Alignment& result) {
  result.converged = false;
  int stay = 0;
  for (int iteration = 0; iteration < options.max_iterations; iteration++) {
    if ((result.cancelled = is_cancelled(cancel))) return;
    const int level = surfel_level(width);
    const Normals6 sum = aligner.linearise_surfels(result.pose, width, level, points[level]);
    take(sum, result);
    if (!(sum.weight > 0)) return;
    if (level == kSurfelLevels - 1 && sum.matched < kSurfelShare * aligner.visited()) return;
    const Step step = solve(result.eigen, sum.g, result.range, kSurfelSolvable);
    result.pose = moved(result.pose, step);
    const double far = length_of(&step[0]) + length_of(&step[3]) * result.range;
    const bool settled = far < kSettled * width, last = width <= options.kernel_end;
    stay++;
    if (last && (far < kSurfelEpsilon || stay >= kSurfelStay)) {
      result.converged = settled;
      return;
    }
    if (!settled && stay < kSurfelStay) continue;
    if (!last) stay = 0;
    width = std::max(options.kernel_end, width * kKernelDecay);
  }
}

}  // namespace detail
}  // namespace dilly
