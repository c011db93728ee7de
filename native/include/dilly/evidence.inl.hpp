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

// From the plane of a match to the place `p` (from in.t), and its normal.
inline __attribute__((always_inline)) float plane_distance(const LineariseInput& in, const float p[3],
                                                           const Match& match, float n[3]) {
  float q[3];
  relative_to(*match.level, in.t, p, q);
  const Leaf& leaf = match.level->tree.leaves[match.slot / kLeaf];
  const Leaf& normal = match.level->normals[match.slot / kLeaf];
  const int lane = match.slot % kLeaf;
  n[0] = normal.x[lane];
  n[1] = normal.y[lane];
  n[2] = normal.z[lane];
  return n[0] * (q[0] - leaf.x[lane]) + n[1] * (q[1] - leaf.y[lane]) + n[2] * (q[2] - leaf.z[lane]);
}

// Σ w Jᵀ r of the `count` points from `first` on at poses a little beside in's, each given by its step
// (metres and radians, map axes), side by side. Points are matched anew only where another may have become
// the nearest.
inline void probe_gradients(const LineariseInput& in, const ProbeSteps& steps, std::size_t first,
                            std::size_t count, double (*sums)[kProbes]) {
  const F8 k2 = splat8(in.kernel * in.kernel);
  F8 d[6], sum[6] = {};
  for (int a = 0; a < 6; a++) d[a] = load8(steps.along[a]);
  Surroundings around(*in.map);
  for (std::size_t k = 0; k < count; k++) {
    const std::size_t i = first + k * in.stride;
    if (k + kAhead < count) prefetch_match(in.matches[i + kAhead * in.stride]);
    float p[3];
    rotated(in, i, p);
    const F8 x = splat8(p[0]), y = splat8(p[1]), z = splat8(p[2]);
    const F8 turned[3] = {d[4] * z - d[5] * y, d[5] * x - d[3] * z, d[3] * y - d[4] * x};
    const float spare = steps.shift + steps.turn * std::sqrt(p[0] * p[0] + p[1] * p[1] + p[2] * p[2]);
    F8 n[3], e;
    if (Match match = in.matches[i]; still_nearest(in, p, match, spare)) {
      if (!match.level) continue;
      float normal[3];
      e = splat8(plane_distance(in, p, match, normal));
      for (int a = 0; a < 3; a++) n[a] = splat8(normal[a]);
      for (int a = 0; a < 3; a++) e += n[a] * (turned[a] + d[a]);
    } else {
      float places[3][kProbes], normals[3][kProbes] = {}, distances[kProbes] = {};
      store8(places[0], x + turned[0] + d[0]);
      store8(places[1], y + turned[1] + d[1]);
      store8(places[2], z + turned[2] + d[2]);
      for (int s = 0; s < kProbes; s++) {
        const float at[3] = {places[0][s], places[1][s], places[2][s]};
        match = in.matches[i];
        if (!still_nearest(in, at, match)) match = find_match(in, at, around, match);
        if (!match.level) continue;
        float normal[3];
        distances[s] = plane_distance(in, at, match, normal);
        for (int a = 0; a < 3; a++) normals[a][s] = normal[a];
      }
      e = load8(distances);
      for (int a = 0; a < 3; a++) n[a] = load8(normals[a]);
    }
    const F8 arm[3] = {x + turned[0], y + turned[1], z + turned[2]};
    const F8 ratio = k2 / (k2 + e * e), we = ratio * ratio * e;
    for (int a = 0; a < 3; a++) {
      const int b = (a + 1) % 3, c = (a + 2) % 3;
      sum[a] += we * n[a];
      sum[3 + a] += we * (arm[b] * n[c] - arm[c] * n[b]);
    }
  }
  for (int a = 0; a < 6; a++) {
    float lanes[kProbes];
    store8(lanes, sum[a]);
    for (int s = 0; s < kProbes; s++) sums[a][s] = static_cast<double>(lanes[s]);
  }
}

// Of the `count` points from `first` on, those in a column of the map that holds surfels.
inline std::size_t covered(const LineariseInput& in, std::size_t first, std::size_t count) {
  Probe probes[kBlock];
  float places[kBlock + 1][3];
  const std::size_t n = probe_columns(in, first, count, probes, places);
  std::size_t inside = 0;
  for (std::size_t k = 0; k < n; k++) inside += probes[k].at < probes[k].end;
  return inside;
}

}  // namespace DILLY_ISA
}  // namespace dilly
