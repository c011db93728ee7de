// The sums of a registration over blocks of points (kernels.inl.hpp includes this file once for each
// instruction set).
namespace dilly {
namespace DILLY_ISA {

// How far the places p (x y z each, from in.t) are from their nearest map points: squared, in.max_d2 where it
// is that far or more. Places in a tile are searched for side by side there, then in the other tiles that
// come nearer.
inline void nearest_distances(const LineariseInput& in, const float* p, std::size_t count,
                              Surroundings& around, float* d2) {
  constexpr std::size_t kMost = kAbreast * kMaxShifts;
  float q[3 * kMost];
  Nearest best[kMost];
  for (std::size_t k = 0; k < count; k++) best[k] = {in.max_d2, kNoSlot};
  for (int c = 0; c < around.count; c++) {
    const Level& level = around.tiles[c]->points;
    for (std::size_t k = 0; k < count; k++) relative_to(level, in.t, p + 3 * k, q + 3 * k);
    if (c == 0) {
      nearest_each(level.tree, q, count, best);
      continue;
    }
    for (std::size_t k = 0; k < count; k++) {
      if (level.box_distance2(q + 3 * k) > best[k].d2) continue;
      Nearest near{best[k].d2, kNoSlot};
      nearest(level.tree, q + 3 * k, near);
      best[k].d2 = std::min(best[k].d2, near.d2);
    }
  }
  for (std::size_t k = 0; k < count; k++) d2[k] = best[k].d2;
}

// Of `count` points from `first` on, how close they come to map points at each of several shifts: sums[s] is
// Σ k²/(k² + d²), without those that have none within reach. kAbreast points are looked up at all shifts
// before the next ones: what the first search brought into the caches serves the others.
inline void closeness(const LineariseInput& in, const std::array<float, 3>* shifts, int shift_count,
                      std::size_t first, std::size_t count, double* sums) {
  const float k2 = in.kernel * in.kernel;
  Surroundings around(*in.map);
  for (int s = 0; s < shift_count; s++) sums[s] = 0;
  float p[3 * kAbreast * kMaxShifts], d2[kAbreast * kMaxShifts];
  for (std::size_t from = 0; from < count;) {
    std::size_t n = 0;  // of points over one tile
    for (; n < kAbreast && from + n < count; n++) {
      float here[3];
      rotated(in, first + (from + n) * in.stride, here);
      const bool known = around.covers(in.t[0] + here[0], in.t[1] + here[1]);
      if (n > 0 && !known) break;
      if (!known) around.move_to(in.t[0] + here[0], in.t[1] + here[1]);
      for (int s = 0; s < shift_count; s++)
        for (int a = 0; a < 3; a++) p[3 * (n * shift_count + s) + a] = here[a] + shifts[s][a];
    }
    nearest_distances(in, p, n * shift_count, around, d2);
    for (std::size_t k = 0; k < n; k++)
      for (int s = 0; s < shift_count; s++) {
        const float each = d2[k * shift_count + s];
        if (each < in.max_d2) sums[s] += static_cast<double>(k2 / (k2 + each));
      }
    from += n;
  }
}

// Finds for the `count` points from `first` on the nearest map point.
inline void gather_points(const LineariseInput& in, std::size_t first, std::size_t count, Pairs& pairs) {
  Surroundings around(*in.map);
  Abreast abreast(in);
  float places[kBlock][3];
  for (std::size_t k = 0; k < count; k++) {
    const std::size_t i = first + k * in.stride;
    if (k + kAhead < count) prefetch_match(in.matches[i + kAhead * in.stride]);
    float* const p = places[k];
    rotated(in, i, p);
    Match& match = in.matches[i];
    if (still_nearest(in, p, match)) continue;
    if (!in.nearly_still)
      match = find_match(in, p, around, match);
    else if (match.level)
      match = find_match_and_next(in, p, around, match);
    else
      abreast.add(p, match);
  }
  abreast.flush();
  for (std::size_t k = 0; k < count; k++) {
    const Match& best = in.matches[first + k * in.stride];
    if (!best.level) continue;
    float q[3];
    relative_to(*best.level, in.t, places[k], q);
    const Leaf& leaf = best.level->tree.leaves[best.slot / kLeaf];
    const Leaf& normal = best.level->normals[best.slot / kLeaf];
    const int lane = best.slot % kLeaf;
    pairs.add(places[k], normal.x[lane], normal.y[lane], normal.z[lane], q[0] - leaf.x[lane],
              q[1] - leaf.y[lane], q[2] - leaf.z[lane]);
  }
}

// Matches the `count` points from `first` on to the map, and sums the normal equations of registration over
// them (see icp.hpp for the equations).
inline void linearise(const LineariseInput& in, std::size_t first, std::size_t count, BlockSums& sums) {
  Pairs pairs;
  if (in.surfels < 0)
    gather_points(in, first, count, pairs);
  else
    gather_surfels(in, first, count, pairs);
  auto& [px, py, pz, nx, ny, nz, dx, dy, dz, n] = pairs;
  const std::size_t padded = (n + 7) / 8 * 8;
  for (std::size_t k = n; k < padded; k++)
    px[k] = py[k] = pz[k] = nx[k] = ny[k] = nz[k] = dx[k] = dy[k] = dz[k] = 0;

  const F8 k2 = splat8(in.kernel * in.kernel), zero{};
  F8 h[21] = {}, g[6] = {}, square{}, near{}, weight{}, range2{};
  for (std::size_t k = 0; k < padded; k += 8) {
    const F8 x = load8(px + k), y = load8(py + k), z = load8(pz + k);
    F8 j[6] = {load8(nx + k), load8(ny + k), load8(nz + k), {}, {}, {}};
    const F8 real = j[0] * j[0] + j[1] * j[1] + j[2] * j[2];  // 1, and 0 in the padding
    const F8 ex = load8(dx + k), ey = load8(dy + k), ez = load8(dz + k);
    const F8 e = j[0] * ex + j[1] * ey + j[2] * ez;
    const F8 ratio = k2 / (k2 + (in.metric == Metric::plane ? e * e : ex * ex + ey * ey + ez * ez));
    const F8 w = ratio * ratio * real;
    weight += w;
    if (in.metric == Metric::point) {
      square += ratio * real;
      g[0] += w * ex;
      g[1] += w * ey;
      g[2] += w * ez;
      g[3] += w * (y * ez - z * ey);
      g[4] += w * (z * ex - x * ez);
      g[5] += w * (x * ey - y * ex);
      h[0] += w;
      h[4] += w * z;
      h[5] += zero - w * y;
      h[10] += w * x;
      h[15] += w * (y * y + z * z);
      h[16] += zero - w * x * y;
      h[17] += zero - w * x * z;
      h[18] += w * (x * x + z * z);
      h[19] += zero - w * y * z;
      h[20] += w * (x * x + y * y);
      continue;
    }
    j[3] = y * j[2] - z * j[1];
    j[4] = z * j[0] - x * j[2];
    j[5] = x * j[1] - y * j[0];
    const F8 one = one_where((e * e <= k2) & (real > splat8(0.5f)));
    near += one;
    square += one * e * e;
    range2 += w * (x * x + y * y + z * z);
    for (int a = 0, at = 0; a < 6; a++) {
      const F8 wj = w * j[a];
      g[a] += wj * e;
      for (int b = a; b < 6; b++) h[at++] += wj * j[b];
    }
  }
  if (in.metric == Metric::point) {  // the rest of [I, −[R p]×]ᵀ [I, −[R p]×]
    h[6] = h[11] = h[0];
    h[8] = zero - h[4];
    h[12] = zero - h[5];
    h[13] = zero - h[10];
  }
  const auto sum = [](F8 v) {
    float lanes[8];
    store8(lanes, v);
    double total = 0;
    for (int k = 0; k < 8; k++) total += static_cast<double>(lanes[k]);
    return total;
  };
  for (int k = 0; k < 21; k++) sums.h[k] = sum(h[k]);
  for (int k = 0; k < 6; k++) sums.g[k] = sum(g[k]);
  sums.square = sum(square);
  sums.inliers = sum(near);
  sums.weight = sum(weight);
  sums.range2 = sum(range2);
  sums.matched = n;
}

}  // namespace DILLY_ISA
}  // namespace dilly
