// Generalized ICP in a plain loop over nanoflann, as small_gicp computes it (Segal et al., RSS 2009; planes
// with a thickness of a thousandth): the yardstick for those who know that library. The normals of both
// clouds and the tree are made beforehand, matches reach 1 m, steps below 1 mm and 0.1° have converged (its
// defaults).
#pragma once

#include <array>

#include "dilly/linalg.hpp"
#include "gauss_newton.hpp"
#include "peer_nanoflann.hpp"
#include "scene.hpp"

namespace bench {

// I − (1 − 10⁻³) n nᵀ: the covariance of a plane's patch.
inline dilly::Mat3 patch(double x, double y, double z) {
  const double n[3] = {x, y, z};
  dilly::Mat3 c{};
  for (int r = 0; r < 3; r++)
    for (int k = 0; k < 3; k++) c[3 * r + k] = (r == k ? 1.0 : 0.0) - 0.999 * n[r] * n[k];
  return c;
}

inline dilly::Mat3 inverse_symmetric(const dilly::Mat3& a) {
  const double c0 = a[4] * a[8] - a[5] * a[5], c1 = a[2] * a[5] - a[1] * a[8], c2 = a[1] * a[5] - a[2] * a[4];
  const double d = 1 / (a[0] * c0 + a[1] * c1 + a[2] * c2);
  const double e = (a[1] * a[2] - a[0] * a[5]) * d;
  return {c0 * d,
          c1 * d,
          c2 * d,
          c1 * d,
          (a[0] * a[8] - a[2] * a[2]) * d,
          e,
          c2 * d,
          e,
          (a[0] * a[4] - a[1] * a[1]) * d};
}

inline dilly::Pose gicp_loop(const PeerTree& tree, const dilly::Cloud& map, const dilly::Cloud& scan,
                             dilly::Pose pose) {
  constexpr double kReach2 = 1.0, kMetres = 1e-3, kRadians = 0.1 * M_PI / 180;
  std::vector<std::uint32_t> index;
  std::vector<float> d2;
  for (int iteration = 0; iteration < 20; iteration++) {
    dilly::Cloud moved;
    append_moved(moved, scan, pose);
    tree.nearest(moved, index, d2);
    const dilly::Mat3 R = dilly::rotation(pose.q);
    std::array<double, 36> h{};
    std::array<double, 6> g{};
    for (std::size_t i = 0; i < moved.size(); i++) {
      if (d2[i] > kReach2) continue;
      const std::uint32_t m = index[i];
      const dilly::Vec3 n = dilly::multiply(R, {scan.nx[i], scan.ny[i], scan.nz[i]});
      dilly::Mat3 c = patch(map.nx[m], map.ny[m], map.nz[m]);
      const dilly::Mat3 own = patch(n[0], n[1], n[2]);
      for (int k = 0; k < 9; k++) c[k] += own[k];
      const dilly::Mat3 w = inverse_symmetric(c);
      const double p[3] = {moved.x[i] - pose.t[0], moved.y[i] - pose.t[1], moved.z[i] - pose.t[2]};
      const double r[3] = {double{moved.x[i]} - map.x[m], double{moved.y[i]} - map.y[m],
                           double{moved.z[i]} - map.z[m]};
      // dr = dt + dφ × p
      const double J[3][6] = {
          {1, 0, 0, 0, p[2], -p[1]}, {0, 1, 0, -p[2], 0, p[0]}, {0, 0, 1, p[1], -p[0], 0}};
      double wj[3][6] = {};
      for (int a = 0; a < 3; a++)
        for (int b = 0; b < 6; b++)
          for (int k = 0; k < 3; k++) wj[a][b] += w[3 * a + k] * J[k][b];
      for (int a = 0; a < 6; a++)
        for (int k = 0; k < 3; k++) {
          g[a] += wj[k][a] * r[k];
          for (int b = 0; b < 6; b++) h[6 * a + b] += J[k][a] * wj[k][b];
        }
    }
    const StepSize step = gauss_newton(h, g, pose);
    if (step.metres < kMetres && step.radians < kRadians) break;
  }
  return pose;
}

}  // namespace bench
