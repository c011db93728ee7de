// The hot loops. dispatch.hpp includes this file once for each instruction set, each time in a namespace of its own
// (DILLY_ISA), so that no function compiled for AVX2 can be taken by the linker for the baseline.
namespace dilly {
namespace DILLY_ISA {

inline __attribute__((always_inline)) f8 load8(const float* from) {
  f8 v;
  std::memcpy(&v, from, sizeof v);
  return v;
}

inline __attribute__((always_inline)) f8 splat8(float v) { return f8{v, v, v, v, v, v, v, v}; }

// One bit a lane whose value is at most `limit`.
inline __attribute__((always_inline)) unsigned lanes_at_most(f8 v, float limit) {
  const i8 hit = v <= splat8(limit);
#if DILLY_ISA_AVX2
  return static_cast<unsigned>(_mm256_movemask_ps(reinterpret_cast<__m256>(hit)));
#else
  unsigned bits = 0;
  for (int k = 0; k < 8; k++) bits |= (static_cast<unsigned>(hit[k]) & 1u) << k;
  return bits;
#endif
}

inline __attribute__((always_inline)) void leaf_distances(const Leaf& leaf, const float q[3], f8& d0, f8& d1) {
  const f8 qx = splat8(q[0]), qy = splat8(q[1]), qz = splat8(q[2]);
  const f8 ax = load8(leaf.x) - qx, ay = load8(leaf.y) - qy, az = load8(leaf.z) - qz;
  const f8 bx = load8(leaf.x + 8) - qx, by = load8(leaf.y + 8) - qy, bz = load8(leaf.z + 8) - qz;
  d0 = ax * ax + ay * ay + az * az;
  d1 = bx * bx + by * by + bz * bz;
}

// Calls `leaf(number, bound)` for each leaf that can hold a point within `bound(…)`, near ones first. `limit` is read
// anew at every step: the visitor lowers it. Bounded stack; the bound of a box is exact up to rounding, which the
// slack covers, so that a point at exactly the limit is never missed.
template <class Visit>
inline __attribute__((always_inline)) void visit_leaves(const KdTree& tree, const float q[3], const float& limit, Visit visit) {
  struct Pending {
    std::uint32_t node;
    float off[3];
  };
  Pending stack[kMaxDepth];
  int depth = 0;
  if (tree.nodes.empty()) return;
  const Node* nodes = tree.nodes.data();
  std::uint32_t node = 0;
  float off[3] = {0, 0, 0};
  constexpr float slack = 0.999999f;
  for (;;) {
    std::uint32_t link = nodes[node].link;
    while ((link & 3) != 3) {
      const unsigned axis = link & 3;
      const float d = q[axis] - nodes[node].split;
      const std::uint32_t left = node + 1, right = link >> 2;
      const bool go_right = d >= 0;
      Pending& far = stack[depth];
      far.node = go_right ? left : right;
      far.off[0] = off[0];
      far.off[1] = off[1];
      far.off[2] = off[2];
      far.off[axis] = d;
      const float bound = far.off[0] * far.off[0] + far.off[1] * far.off[1] + far.off[2] * far.off[2];
      depth += bound * slack <= limit;
      node = go_right ? right : left;
      link = nodes[node].link;
    }
    visit(link >> 2);
    for (;;) {
      if (depth == 0) return;
      const Pending& next = stack[--depth];
      const float bound = next.off[0] * next.off[0] + next.off[1] * next.off[1] + next.off[2] * next.off[2];
      if (bound * slack > limit) continue;
      node = next.node;
      off[0] = next.off[0];
      off[1] = next.off[1];
      off[2] = next.off[2];
      break;
    }
  }
}

// The nearest point within sqrt(best.d2); equal distances answer with the smallest index.
inline void nearest(const KdTree& tree, const float q[3], Nearest& best) {
  visit_leaves(tree, q, best.d2, [&](std::uint32_t number) {
    f8 d[2];
    leaf_distances(tree.leaves[number], q, d[0], d[1]);
    unsigned hits = lanes_at_most(d[0], best.d2) | lanes_at_most(d[1], best.d2) << 8;
    while (hits) {
      const unsigned lane = static_cast<unsigned>(__builtin_ctz(hits));
      hits &= hits - 1;
      const float d2 = d[lane >> 3][lane & 7];
      const std::uint32_t slot = number * kLeaf + lane;
      if (d2 < best.d2 || (d2 == best.d2 && (best.slot == kNoSlot || tree.ids[slot] < tree.ids[best.slot]))) {
        best.d2 = d2;
        best.slot = slot;
      }
    }
  });
}

// The k nearest, sorted by (distance, index), into `found` (room for k); returns how many there are.
inline int knn(const KdTree& tree, const float q[3], int k, Neighbour* found) {
  int count = 0;
  float limit = std::numeric_limits<float>::max();
  visit_leaves(tree, q, limit, [&](std::uint32_t number) {
    f8 d[2];
    leaf_distances(tree.leaves[number], q, d[0], d[1]);
    unsigned hits = lanes_at_most(d[0], limit) | lanes_at_most(d[1], limit) << 8;
    while (hits) {
      const unsigned lane = static_cast<unsigned>(__builtin_ctz(hits));
      hits &= hits - 1;
      const Neighbour candidate{d[lane >> 3][lane & 7], tree.ids[number * kLeaf + lane], number * kLeaf + lane};
      if (count == k && !(candidate < found[k - 1])) continue;
      int place = count < k ? count++ : k - 1;
      for (; place > 0 && candidate < found[place - 1]; place--) found[place] = found[place - 1];
      found[place] = candidate;
      if (count == k) limit = found[k - 1].d2;
    }
  });
  return count;
}

// All points within sqrt(radius2), in no order.
inline void within(const KdTree& tree, const float q[3], float radius2, std::vector<Neighbour>& found) {
  visit_leaves(tree, q, radius2, [&](std::uint32_t number) {
    f8 d[2];
    leaf_distances(tree.leaves[number], q, d[0], d[1]);
    unsigned hits = lanes_at_most(d[0], radius2) | lanes_at_most(d[1], radius2) << 8;
    while (hits) {
      const unsigned lane = static_cast<unsigned>(__builtin_ctz(hits));
      hits &= hits - 1;
      found.push_back({d[lane >> 3][lane & 7], tree.ids[number * kLeaf + lane], number * kLeaf + lane});
    }
  });
}

// Finds for points first, first + stride … of a block the nearest map point, and sums the normal equations of
// point-to-plane registration over them (see icp.hpp for the equations).
inline void linearise(const LineariseInput& in, std::size_t first, std::size_t count, BlockSums& sums) {
  float px[kBlock], py[kBlock], pz[kBlock], nx[kBlock], ny[kBlock], nz[kBlock], r[kBlock];
  std::size_t n = 0;
  const float* m = in.R;
  Surroundings around(*in.map);
  for (std::size_t k = 0; k < count; k++) {
    const std::size_t i = first + k * in.stride;
    const float x = in.cloud->x[i], y = in.cloud->y[i], z = in.cloud->z[i];
    const float rx = m[0] * x + m[1] * y + m[2] * z;
    const float ry = m[3] * x + m[4] * y + m[5] * z;
    const float rz = m[6] * x + m[7] * y + m[8] * z;
    around.move_to(in.t[0] + rx, in.t[1] + ry);
    Match& match = in.matches[i];
    Match best;
    best.d2 = in.max_d2;
    if (match.tile) {  // the last iteration's neighbour is near: a tight first bound
      const float q[3] = {rx + static_cast<float>(in.t[0] - match.tile->origin[0]),
                          ry + static_cast<float>(in.t[1] - match.tile->origin[1]),
                          rz + static_cast<float>(in.t[2] - match.tile->origin[2])};
      const Leaf& leaf = match.tile->tree.leaves[match.slot / kLeaf];
      const int lane = match.slot % kLeaf;
      const float dx = leaf.x[lane] - q[0], dy = leaf.y[lane] - q[1], dz = leaf.z[lane] - q[2];
      const float d2 = dx * dx + dy * dy + dz * dz;
      if (d2 <= best.d2) best = {match.tile, match.slot, d2};
    }
    for (int c = 0; c < around.count; c++) {
      const Tile& tile = *around.tiles[c];
      const float q[3] = {rx + static_cast<float>(in.t[0] - tile.origin[0]),
                          ry + static_cast<float>(in.t[1] - tile.origin[1]),
                          rz + static_cast<float>(in.t[2] - tile.origin[2])};
      if (tile.box_distance2(q) > best.d2) continue;
      Nearest near{best.d2, best.tile == &tile ? best.slot : kNoSlot};
      nearest(tile.tree, q, near);
      if (near.slot != kNoSlot && (near.d2 < best.d2 || !best.tile)) best = {&tile, near.slot, near.d2};
    }
    match = best;
    if (!best.tile) continue;
    const Tile& tile = *best.tile;
    const Leaf& leaf = tile.tree.leaves[best.slot / kLeaf];
    const Leaf& normal = tile.normals[best.slot / kLeaf];
    const int lane = best.slot % kLeaf;
    px[n] = rx;
    py[n] = ry;
    pz[n] = rz;
    nx[n] = normal.x[lane];
    ny[n] = normal.y[lane];
    nz[n] = normal.z[lane];
    r[n] = nx[n] * (rx + static_cast<float>(in.t[0] - tile.origin[0]) - leaf.x[lane]) +
           ny[n] * (ry + static_cast<float>(in.t[1] - tile.origin[1]) - leaf.y[lane]) +
           nz[n] * (rz + static_cast<float>(in.t[2] - tile.origin[2]) - leaf.z[lane]);
    n++;
  }
  const std::size_t padded = (n + 7) / 8 * 8;
  for (std::size_t k = n; k < padded; k++) px[k] = py[k] = pz[k] = nx[k] = ny[k] = nz[k] = r[k] = 0;

  f8 h[21] = {}, g[6] = {}, square = {}, near = {}, weight = {}, range2 = {};
  const float k2 = in.kernel * in.kernel;
  for (std::size_t k = 0; k < padded; k += 8) {
    const f8 x = load8(px + k), y = load8(py + k), z = load8(pz + k), e = load8(r + k);
    f8 j[6] = {load8(nx + k), load8(ny + k), load8(nz + k)};
    j[3] = y * j[2] - z * j[1];
    j[4] = z * j[0] - x * j[2];
    j[5] = x * j[1] - y * j[0];
    const f8 ratio = k2 / (k2 + e * e);
    const f8 real = j[0] * j[0] + j[1] * j[1] + j[2] * j[2];  // 1, and 0 in the padding
    const f8 w = ratio * ratio * real;
    const i8 inlier = (e * e <= k2) & (real > 0.5f);
    const f8 one = inlier ? splat8(1) : splat8(0);
    near += one;
    square += one * e * e;
    weight += w;
    range2 += w * (x * x + y * y + z * z);
    for (int a = 0, at = 0; a < 6; a++) {
      const f8 wj = w * j[a];
      g[a] += wj * e;
      for (int b = a; b < 6; b++) h[at++] += wj * j[b];
    }
  }
  const auto sum = [](f8 v) {
    double total = 0;
    for (int k = 0; k < 8; k++) total += static_cast<double>(v[k]);
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
