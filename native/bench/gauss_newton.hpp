// The step that the loops of this folder share.
#pragma once

#include <array>
#include <cmath>

#include "dilly/linalg.hpp"

namespace bench {

struct StepSize {
  double metres, radians;
};

// Moves `pose` by −H⁻¹ g (H: 6 × 6 row-major; x y z, then rotation, about the pose's place).
inline StepSize gauss_newton(const std::array<double, 36>& h, const std::array<double, 6>& g,
                             dilly::Pose& pose) {
  const dilly::Eigen<6> eigen = dilly::eigen_symmetric<6>(h);
  double x[6] = {};
  for (int e = 0; e < 6; e++) {
    const double* v = &eigen.vectors[e * 6];
    double along = 0;
    for (int a = 0; a < 6; a++) along -= v[a] * g[a];
    for (int a = 0; a < 6; a++) x[a] += v[a] * along / eigen.values[e];
  }
  for (int a = 0; a < 3; a++) pose.t[a] += x[a];
  pose.q = dilly::normalized(dilly::multiply(dilly::exp_so3({x[3], x[4], x[5]}), pose.q));
  return {std::hypot(x[0], x[1], x[2]), std::hypot(x[3], x[4], x[5])};
}

}  // namespace bench
