// Surface elements: the mean and normal of the points of a cube, where they lie on a surface.
#pragma once

#include "linalg.hpp"
#include "voxel.hpp"

namespace dilly {

constexpr double kSurfelSize = 1;  // metres
constexpr std::uint32_t kSurfelPoints = 6;
constexpr double kSurfelThickness = 0.15;  // metres, standard deviation along the normal
// λ1 ≥ 4 λ0: thinner than wide. λ1 ≥ λ2 / 10: not a line, whose normal would be any.
constexpr double kSurfelFlat = 4, kSurfelWide = 0.1;

// The surfels of a cloud as a cloud with normals (signs arbitrary), in the order in which the cubes first
// occur.
inline Result<Cloud> find_surfels(const Cloud& cloud, double size) {
  const Result<VoxelGrid> grid = voxel_grid(cloud, size);
  if (!grid.ok()) return grid.error();
  struct Moments {
    double n = 0, s[3] = {}, q[6] = {};
  };
  std::vector<Moments> moments(grid.value().count);
  std::vector<Vec3> first(grid.value().count);
  for (std::size_t i = 0; i < cloud.size(); i++) {
    const std::uint32_t v = grid.value().voxel[i];
    Moments& m = moments[v];
    if (m.n == 0) first[v] = {cloud.x[i], cloud.y[i], cloud.z[i]};
    const double d[3] = {cloud.x[i] - first[v][0], cloud.y[i] - first[v][1], cloud.z[i] - first[v][2]};
    m.n++;
    for (int a = 0, at = 0; a < 3; a++) {
      m.s[a] += d[a];
      for (int b = a; b < 3; b++) m.q[at++] += d[a] * d[b];
    }
  }
  Cloud out;
  for (std::size_t v = 0; v < moments.size(); v++) {
    const Moments& m = moments[v];
    if (m.n < kSurfelPoints) continue;
    std::array<double, 9> c;
    for (int a = 0, at = 0; a < 3; a++)
      for (int b = a; b < 3; b++)
        c[3 * a + b] = c[3 * b + a] = m.q[at++] / m.n - m.s[a] * m.s[b] / (m.n * m.n);
    const Eigen<3> eigen = eigen_symmetric<3>(c);
    const auto& l = eigen.values;
    if (l[0] > kSurfelThickness * kSurfelThickness || l[1] < kSurfelFlat * l[0] || l[1] < kSurfelWide * l[2])
      continue;
    out.x.push_back(static_cast<float>(first[v][0] + m.s[0] / m.n));
    out.y.push_back(static_cast<float>(first[v][1] + m.s[1] / m.n));
    out.z.push_back(static_cast<float>(first[v][2] + m.s[2] / m.n));
    out.nx.push_back(static_cast<float>(eigen.vectors[0]));
    out.ny.push_back(static_cast<float>(eigen.vectors[1]));
    out.nz.push_back(static_cast<float>(eigen.vectors[2]));
  }
  return out;
}

}  // namespace dilly
