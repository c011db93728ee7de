// How far the points of a cloud spread along their principal axes.
#pragma once

#include "cloud.hpp"
#include "linalg.hpp"

namespace dilly {

// Standard deviations in metres, the smallest first; zeros without points. One pass about the first point, so
// that a cloud far from its origin loses no digits.
inline Vec3 spread(const Cloud& cloud) {
  const std::size_t n = cloud.size();
  if (n == 0) return {0, 0, 0};
  double s[3] = {}, q[6] = {};
  for (std::size_t i = 0; i < n; i++) {
    const double d[3] = {static_cast<double>(cloud.x[i]) - cloud.x[0],
                         static_cast<double>(cloud.y[i]) - cloud.y[0],
                         static_cast<double>(cloud.z[i]) - cloud.z[0]};
    for (int a = 0, at = 0; a < 3; a++) {
      s[a] += d[a];
      for (int b = a; b < 3; b++) q[at++] += d[a] * d[b];
    }
  }
  const double c = 1.0 / static_cast<double>(n);
  std::array<double, 9> covariance;
  for (int a = 0, at = 0; a < 3; a++)
    for (int b = a; b < 3; b++)
      covariance[3 * a + b] = covariance[3 * b + a] = c * q[at++] - c * s[a] * c * s[b];
  Vec3 sigmas;
  const Eigen<3> eigen = eigen_symmetric<3>(covariance);
  for (int a = 0; a < 3; a++) sigmas[a] = std::sqrt(std::max(eigen.values[a], 0.0));
  return sigmas;
}

}  // namespace dilly
