// Normals and curvature from the principal axes of each point's neighbourhood (Hoppe et al. 1992).
#pragma once

#include "dispatch.hpp"
#include "linalg.hpp"
#include "parallel.hpp"

namespace dilly {

constexpr int kMaxNeighbours = 64;

// Adds to a copy of `cloud` unit normals that point towards the frame's origin and the curvature
// λ0 / (λ0 + λ1 + λ2) (0 for a plane, 1/3 for a ball), both from the k nearest points (itself included).
// Needs 3 ≤ k ≤ 64 and at least 3 points.
inline Result<Cloud> estimate_normals(const Cloud& cloud, int k, ThreadPool& pool, Simd simd,
                                      const CancelFlag* cancel) {
  if (k < 3 || k > kMaxNeighbours)
    return Error{"bad-neighbour-count", "expected 3 to 64 neighbours, found " + std::to_string(k)};
  const std::size_t n = cloud.size();
  if (n < 3)
    return Error{"too-few-points", "expected at least 3 points for normals, found " + std::to_string(n)};
  Result<KdTree> tree = build_kdtree(cloud);
  if (!tree.ok()) return tree.error();
  const Kernels& kernel = kernels(simd);
  Cloud out = cloud;
  out.nx.resize(n);
  out.ny.resize(n);
  out.nz.resize(n);
  out.curvature.resize(n);
  pool.run((n + kBlock - 1) / kBlock, [&](std::size_t block) {
    if (is_cancelled(cancel)) return;
    Neighbour found[kMaxNeighbours];
    for (std::size_t i = block * kBlock; i < std::min(n, (block + 1) * kBlock); i++) {
      const float q[3] = {cloud.x[i], cloud.y[i], cloud.z[i]};
      const int count = kernel.knn(tree.value(), q, k, found);
      double sum[3] = {}, square[6] = {};  // about the point itself: no cancellation far from the origin
      for (int j = 0; j < count; j++) {
        const double dx = cloud.x[found[j].id] - q[0], dy = cloud.y[found[j].id] - q[1],
                     dz = cloud.z[found[j].id] - q[2];
        sum[0] += dx, sum[1] += dy, sum[2] += dz;
        square[0] += dx * dx, square[1] += dx * dy, square[2] += dx * dz;
        square[3] += dy * dy, square[4] += dy * dz, square[5] += dz * dz;
      }
      const double c = 1.0 / count;
      const double xx = square[0] - c * sum[0] * sum[0], xy = square[1] - c * sum[0] * sum[1],
                   xz = square[2] - c * sum[0] * sum[2], yy = square[3] - c * sum[1] * sum[1],
                   yz = square[4] - c * sum[1] * sum[2], zz = square[5] - c * sum[2] * sum[2];
      const Eigen<3> eigen = eigen_symmetric<3>({xx, xy, xz, xy, yy, yz, xz, yz, zz});
      const double* v = &eigen.vectors[0];
      const double sign = v[0] * q[0] + v[1] * q[1] + v[2] * q[2] > 0 ? -1 : 1;
      const double total = eigen.values[0] + eigen.values[1] + eigen.values[2];
      out.nx[i] = static_cast<float>(sign * v[0]);
      out.ny[i] = static_cast<float>(sign * v[1]);
      out.nz[i] = static_cast<float>(sign * v[2]);
      out.curvature[i] = total > 0 ? static_cast<float>(std::max(eigen.values[0], 0.0) / total) : 0;
    }
  });
  if (is_cancelled(cancel)) return Error{"cancelled", "cancelled while estimating normals"};
  return out;
}

}  // namespace dilly
