// How sure is a result? What is said beside the pose: its covariance, how much of the scan the map covers.
#pragma once

#include "surfel_steps.hpp"

namespace dilly {

// Points in one cube of this side (metres) are wrong together: a wall panel, a car.
constexpr double kClusterSize = 2;
// The true curvature of the cost is felt by steps of this size, metres (rotations: at the scan's range).
constexpr double kProbeStep = 0.003;
// Where the probes say less than this share of the curvature without re-matching, they are not believed.
constexpr double kLeastProbed = 0.3;

namespace detail {

using Square = std::array<double, 36>;  // 6 × 6 row-major

inline Square product(const Square& a, const Square& b) {
  Square out{};
  for (int i = 0; i < 6; i++)
    for (int k = 0; k < 6; k++)
      for (int j = 0; j < 6; j++) out[6 * i + j] += a[6 * i + k] * b[6 * k + j];
  return out;
}

inline Square transposed(const Square& a) {
  Square out;
  for (int i = 0; i < 6; i++)
    for (int j = 0; j < 6; j++) out[6 * i + j] = a[6 * j + i];
  return out;
}

// H = V Λ Vᵀ leaves out that points change planes when the scan moves, and that w changes with r: the cost is
// flatter. The curvature C is felt by differences of the gradient along the eigenvectors,
// K = Λ^−½ Vᵀ C V Λ^−½, near the identity. Returns H C⁻¹ = V Λ^½ K⁻¹ Λ^−½ Vᵀ. All with rotation times range.
inline Square curvature_correction(Aligner& aligner, const Alignment& result) {
  const auto unit = [&](int a) { return a < 3 ? 1.0 : result.range; };
  const auto& [values, vectors] = result.eigen;
  const auto open = [&, &values = values](int e) { return values[e] <= kSurfelSolvable * values[5]; };
  ProbeSteps steps;  // along each eigenvector, and none
  for (int e = 0; e < 6; e++)
    for (int a = 0; a < 6; a++)
      steps.along[a][e] = static_cast<float>(kProbeStep * vectors[6 * e + a] / unit(a));
  steps.shift = static_cast<float>(kProbeStep);
  steps.turn = static_cast<float>(kProbeStep / result.range);
  double g[6][kProbes];
  aligner.probe_gradients(steps, g);
  Square k{};
  for (int e = 0; e < 6; e++) {
    k[7 * e] = 1;
    if (open(e)) continue;
    for (int f = 0; f < 6; f++) {
      if (open(f)) continue;
      double along = 0;
      for (int a = 0; a < 6; a++) along += vectors[6 * f + a] * (g[a][e] - g[a][6]) / unit(a);
      k[6 * f + e] = along / kProbeStep / std::sqrt(values[e] * values[f]);
    }
  }
  for (int a = 0; a < 6; a++)
    for (int b = 0; b < a; b++) k[6 * a + b] = k[6 * b + a] = (k[6 * a + b] + k[6 * b + a]) / 2;
  const Eigen<6> felt = eigen_symmetric<6>(k);
  Square inverse{}, left{}, right{};
  for (int e = 0; e < 6; e++)
    for (int f = 0; f < 6; f++) {
      for (int i = 0; i < 6; i++)
        inverse[6 * e + f] +=
            felt.vectors[6 * i + e] * felt.vectors[6 * i + f] / std::max(felt.values[i], kLeastProbed);
      const double root = open(f) ? 1 : std::sqrt(values[f]);
      left[6 * e + f] = vectors[6 * f + e] * root;
      right[6 * f + e] = vectors[6 * f + e] / root;
    }
  return product(product(left, inverse), right);
}

// What speaks for a result, over the points that the last stage looked at.
inline void gather_evidence(Aligner& aligner, const AlignOptions& options, Alignment& result) {
  const Clusters clusters = aligner.cluster_gradients(result.pose, options.kernel_end, kClusterSize);
  result.clusters = clusters.count();
  result.covered = aligner.covered();
  if (result.inliers == 0) return;
  const Square correction = curvature_correction(aligner, result);
  const Square flat = scale_rotation(clusters.scatter(), result.range);
  result.scatter = product(product(correction, flat), transposed(correction));
  for (int a = 0; a < 6; a++)
    for (int b = 0; b < 6; b++)
      result.scatter[6 * a + b] *= (a < 3 ? 1 : result.range) * (b < 3 ? 1 : result.range);
}

}  // namespace detail
}  // namespace dilly
