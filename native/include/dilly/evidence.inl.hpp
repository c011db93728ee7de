// What speaks for a pose, point by point (kernels.inl.hpp includes this file once for each instruction set).
namespace dilly {
namespace DILLY_ISA {

// Adds Σ w Jᵀ r of the `count` points from `first` on to the clusters that they lie in (icp.hpp has the
// equations; metric plane).
inline void cluster_gradients(const LineariseInput& in, std::size_t first, std::size_t count,
                              Clusters& clusters) {
  Pairs pairs;
  gather_points(in, first, count, pairs);
  const float k2 = in.kernel * in.kernel;
  for (std::size_t i = 0; i < pairs.n; i++) {
    const float p[3] = {pairs.px[i], pairs.py[i], pairs.pz[i]};
    const float n[3] = {pairs.nx[i], pairs.ny[i], pairs.nz[i]};
    const float e = n[0] * pairs.dx[i] + n[1] * pairs.dy[i] + n[2] * pairs.dz[i];
    const float ratio = k2 / (k2 + e * e), we = ratio * ratio * e;
    const float g[6] = {we * n[0],
                        we * n[1],
                        we * n[2],
                        we * (p[1] * n[2] - p[2] * n[1]),
                        we * (p[2] * n[0] - p[0] * n[2]),
                        we * (p[0] * n[1] - p[1] * n[0])};
    clusters.add(in.t[0] + p[0], in.t[1] + p[1], in.t[2] + p[2], g);
  }
}

// Σ w Jᵀ r of the `count` points from `first` on at poses a little beside in's, each given by its step
// (metres and radians, map axes). Points are matched anew only where another may have become the nearest.
inline void probe_gradients(const LineariseInput& in, const std::array<float, 6>* steps, int step_count,
                            std::size_t first, std::size_t count, double (*sums)[6]) {
  const float k2 = in.kernel * in.kernel;
  Surroundings around(*in.map);
  for (std::size_t k = 0; k < count; k++) {
    const std::size_t i = first + k * in.stride;
    if (k + kAhead < count) prefetch_match(in.matches[i + kAhead * in.stride]);
    float p[3];
    rotated(in, i, p);
    for (int s = 0; s < step_count; s++) {
      const auto& d = steps[s];
      const float arm[3] = {p[0] + d[4] * p[2] - d[5] * p[1], p[1] + d[5] * p[0] - d[3] * p[2],
                            p[2] + d[3] * p[1] - d[4] * p[0]};
      const float at[3] = {arm[0] + d[0], arm[1] + d[1], arm[2] + d[2]};
      Match match = in.matches[i];
      if (!still_nearest(in, at, match)) match = find_match(in, at, around, match);
      if (!match.level) continue;
      float q[3], n[3];
      relative_to(*match.level, in.t, at, q);
      const Leaf& leaf = match.level->tree.leaves[match.slot / kLeaf];
      const Leaf& normal = match.level->normals[match.slot / kLeaf];
      const int lane = match.slot % kLeaf;
      n[0] = normal.x[lane];
      n[1] = normal.y[lane];
      n[2] = normal.z[lane];
      const float e =
          n[0] * (q[0] - leaf.x[lane]) + n[1] * (q[1] - leaf.y[lane]) + n[2] * (q[2] - leaf.z[lane]);
      const float ratio = k2 / (k2 + e * e), we = ratio * ratio * e;
      for (int a = 0; a < 3; a++) {
        sums[s][a] += static_cast<double>(we * n[a]);
        const int b = (a + 1) % 3, c = (a + 2) % 3;
        sums[s][3 + a] += static_cast<double>(we * (arm[b] * n[c] - arm[c] * n[b]));
      }
    }
  }
}

// Of the `count` points from `first` on, those in a column of the map that holds surfels.
inline std::size_t covered(const LineariseInput& in, std::size_t first, std::size_t count) {
  Probe probes[kBlock];
  float places[kBlock + 1][3];
  const std::size_t n = probe_columns(in, first, count, probes, places);
  std::size_t inside = 0;
  for (std::size_t k = 0; k < n; k++) {
    const SurfelGrid& grid = *probes[k].grid;
    const std::int32_t column = column_of(grid, probes[k].cubes[0], probes[k].cubes[1]);
    if (column < 0) continue;
    const auto at = static_cast<std::uint32_t>(column);
    inside += grid.first[at] < grid.first[at + 1];
  }
  return inside;
}

}  // namespace DILLY_ISA
}  // namespace dilly
