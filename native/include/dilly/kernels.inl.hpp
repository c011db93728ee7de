// The hot loops. dispatch.hpp includes this file once for each instruction set, each time in a namespace of
// its own (DILLY_ISA), so that no function compiled for AVX2 can be taken by the linker for the baseline.
#include "lanes.inl.hpp"

namespace dilly {
namespace DILLY_ISA {

inline __attribute__((always_inline)) void leaf_distances(const Leaf& leaf, const float q[3], F8& d0,
                                                          F8& d1) {
  const F8 qx = splat8(q[0]), qy = splat8(q[1]), qz = splat8(q[2]);
  const F8 ax = load8(leaf.x) - qx, ay = load8(leaf.y) - qy, az = load8(leaf.z) - qz;
  const F8 bx = load8(leaf.x + 8) - qx, by = load8(leaf.y + 8) - qy, bz = load8(leaf.z + 8) - qz;
  d0 = multiply_add(az, az, multiply_add(ay, ay, ax * ax));
  d1 = multiply_add(bz, bz, multiply_add(by, by, bx * bx));
}

// The squared distances of a leaf's points, and one bit for each that is at most `limit`.
inline __attribute__((always_inline)) unsigned leaf_hits(const Leaf& leaf, const float q[3], float limit,
                                                         float* d2) {
  F8 a, b;
  leaf_distances(leaf, q, a, b);
  store8(d2, a);
  store8(d2 + 8, b);
  return lanes_at_most(a, limit) | lanes_at_most(b, limit) << 8;
}

// Of each of a node's children the squared distance to its box, and in its lowest three bits the child's
// number: one minimum then says which is nearest. As integers, in the order of the distances, because these
// are not negative; infinity and what is no number are beyond every finite limit.
inline __attribute__((always_inline)) I8 child_keys(const Node& node, const float q[3]) {
  F8 sum = splat8(0);
  for (int a = 0; a < 3; a++) {
    const F8 place = splat8(q[a]);
    // The zero comes first: where the query is not a number the distance is none either.
    const F8 d = max8(splat8(0), max8(load8(node.low[a]) - place, place - load8(node.high[a])));
    sum = multiply_add(d, d, sum);
  }
  return (bits_of(sum) & 0x7ffffff8) | lane_numbers();
}

constexpr std::int32_t kSeen = std::numeric_limits<std::int32_t>::max();

// The children of a node that are not yet seen.
struct Open {
  I8 keys;
  std::uint32_t first;  // number of child 0 in the level below
};

// Where a search stands: open[l] is what is left of the node of level l that it went through, and
// open[levels + 1] what is left of the other root.
using Path = Open[kMaxLevels + 2];

// Whether a box with this key can hold a point within sqrt(limit). The bits that a key lacks make a box a
// millionth nearer than it is, which covers rounding: a point at exactly the limit is never missed.
inline __attribute__((always_inline)) bool within_limit(std::int32_t key, float limit) {
  std::int32_t limit_key;
  std::memcpy(&limit_key, &limit, sizeof limit_key);
  return key <= (limit_key | 7);
}

inline __attribute__((always_inline)) Open open_node(const KdTree& tree, int level, std::uint32_t node,
                                                     const float q[3]) {
  return {child_keys(tree.nodes[tree.level_start[level] + node], q), node * kFan};
}

// The child of this key, as its number in the level below; it counts as seen from now on.
inline __attribute__((always_inline)) std::uint32_t take_child(Open& open, std::int32_t key) {
  const I8 taken = open.keys == key;
  open.keys = open.keys | (taken & kSeen);
  return open.first + (static_cast<std::uint32_t>(key) & 7);
}

// Opens the roots, so that the search goes on at the nearer one.
inline __attribute__((always_inline)) void open_roots(const KdTree& tree, const float q[3], Path& open) {
  Open& near = open[tree.levels];
  Open& far = open[tree.levels + 1];
  near = open_node(tree, tree.levels, 0, q);
  far = {all_lanes(kSeen), 0};
  if (tree.roots < 2) return;
  far = open_node(tree, tree.levels, 1, q);
  if (least(far.keys) < least(near.keys)) std::swap(near, far);
}

// Goes on with a search at `level`: calls `visit(leaf)` for each leaf that is left and can hold a point
// within sqrt(limit), near ones first. `limit` is read anew at every step: the visitor lowers it.
template <class Visit>
inline __attribute__((always_inline)) void visit_open(const KdTree& tree, const float q[3],
                                                      const float& limit, Path& open, int level,
                                                      Visit visit) {
  Open here = open[level];
  for (;;) {
    const std::int32_t key = least(here.keys);
    if (!within_limit(key, limit)) {
      if (++level > tree.levels + 1) return;
      here = open[level];
      continue;
    }
    const std::uint32_t child = take_child(here, key);
    const int below = std::min(level, tree.levels) - 1;
    if (below == 0) {
      visit(child);
      continue;
    }
    open[level] = here;
    level = below;
    here = open_node(tree, level, child, q);
  }
}

// Calls `visit(leaf)` for each leaf that can hold a point within sqrt(limit), near ones first.
template <class Visit>
inline __attribute__((always_inline)) void visit_leaves(const KdTree& tree, const float q[3],
                                                        const float& limit, Visit visit) {
  if (tree.leaves.empty()) return;
  if (tree.levels == 0) return visit(0u);
  Path open;
  open_roots(tree, q, open);
  visit_open(tree, q, limit, open, tree.levels, visit);
}

// Looks for a nearer point in a leaf; equal distances answer with the smallest index.
inline __attribute__((always_inline)) void nearest_in_leaf(const KdTree& tree, std::uint32_t number,
                                                           const float q[3], Nearest& best) {
  F8 d[2];
  leaf_distances(tree.leaves[number], q, d[0], d[1]);
  const float d2 = least(min8(d[0], d[1]));
  if (!(d2 <= best.d2)) return;
  const unsigned hits = lanes_at_most(d[0], d2) | lanes_at_most(d[1], d2) << 8;
  const std::uint32_t slot = number * kLeaf + static_cast<unsigned>(__builtin_ctz(hits));
  if (d2 < best.d2 || best.slot == kNoSlot || tree.ids[slot] < tree.ids[best.slot]) best = {d2, slot};
}

// Opens all nodes above a leaf, which itself counts as seen; false where nothing else is within sqrt(limit).
// Which nodes they are is known at once, so that none waits for another, as they do on the way down.
inline __attribute__((always_inline)) bool open_above(const KdTree& tree, std::uint32_t leaf,
                                                      const float q[3], float limit, Path& open) {
  I8 least_keys = all_lanes(kSeen);
  std::uint32_t child = leaf;
  for (int level = 1; level <= tree.levels; level++) {
    const std::uint32_t node = child / kFan;
    open[level] = open_node(tree, level, node, q);
    const I8 own = lane_numbers() == static_cast<std::int32_t>(child % kFan);
    open[level].keys = open[level].keys | (own & kSeen);
    least_keys = min_i8(least_keys, open[level].keys);
    child = node;
  }
  Open& other = open[tree.levels + 1];
  other = {all_lanes(kSeen), 0};
  if (tree.roots == 2) {
    other = open_node(tree, tree.levels, 1 - child, q);
    least_keys = min_i8(least_keys, other.keys);
  }
  return within_limit(least(least_keys), limit);
}

// The nearest point within sqrt(best.d2); equal distances answer with the smallest index. A slot that is
// given with its distance is a guess: the search starts at its leaf.
inline void nearest(const KdTree& tree, const float q[3], Nearest& best) {
  const auto visit = [&](std::uint32_t leaf) { nearest_in_leaf(tree, leaf, q, best); };
  if (best.slot == kNoSlot || tree.levels == 0) return visit_leaves(tree, q, best.d2, visit);
  const std::uint32_t leaf = best.slot / kLeaf;
  visit(leaf);
  Path open;
  if (open_above(tree, leaf, q, best.d2, open)) visit_open(tree, q, best.d2, open, 1, visit);
}

// Searches that go down the tree side by side: the steps of one wait for each other and for memory, those of
// several do not. Of 4, 8 and 12 the fastest.
constexpr std::size_t kAbreast = 8;

// `visit_leaves` for kAbreast queries at once, with `visit(k, leaf)` and limit_of(k). All go down to their
// nearest leaf without asking whether they must, so that there is nothing to guess wrong; only then each
// looks at what is left within its limit. Needs at least one level and finite queries x y z.
template <class Limit, class Visit>
inline __attribute__((always_inline)) void visit_abreast(const KdTree& tree, const float* q, Limit limit_of,
                                                         Visit visit) {
  Path open[kAbreast];
  std::uint32_t at[kAbreast];
  for (std::size_t k = 0; k < kAbreast; k++) {
    open_roots(tree, q + 3 * k, open[k]);
    Open& here = open[k][tree.levels];
    at[k] = take_child(here, least(here.keys));
  }
  for (int level = tree.levels - 1; level > 0; level--)
    for (std::size_t k = 0; k < kAbreast; k++) {
      Open& here = open[k][level];
      here = open_node(tree, level, at[k], q + 3 * k);
      at[k] = take_child(here, least(here.keys));
    }
  for (std::size_t k = 0; k < kAbreast; k++) visit(k, at[k]);
  for (std::size_t k = 0; k < kAbreast; k++)
    visit_open(tree, q + 3 * k, limit_of(k), open[k], 1, [&](std::uint32_t leaf) { visit(k, leaf); });
}

// Whether the next kAbreast of the queries can be searched for side by side.
inline __attribute__((always_inline)) bool can_go_abreast(const KdTree& tree, const float* q,
                                                          std::size_t left) {
  if (tree.levels == 0 || left < kAbreast) return false;
  float nothing = 0;
  for (std::size_t a = 0; a < 3 * kAbreast; a++) nothing += q[a] * 0;
  return nothing == 0;
}

// What `nearest` says, for each of `count` queries x y z.
inline void nearest_each(const KdTree& tree, const float* xyz, std::size_t count, Nearest* best) {
  for (std::size_t i = 0; i < count;) {
    const float* const q = xyz + 3 * i;
    if (!can_go_abreast(tree, q, count - i)) {
      nearest(tree, q, best[i++]);
      continue;
    }
    Nearest* const group = best + i;
    visit_abreast(
        tree, q, [&](std::size_t k) -> const float& { return group[k].d2; },
        [&](std::size_t k, std::uint32_t leaf) { nearest_in_leaf(tree, leaf, q + 3 * k, group[k]); });
    i += kAbreast;
  }
}

// A neighbour as one number in the order of (distance, index): the bits of a squared distance rise with it.
// As a double, because these have a minimum in every instruction set; finite floats make finite ones. Nothing
// is computed with it: near 0 it is denormal.
inline __attribute__((always_inline)) double rank_of(float d2, std::uint32_t id) {
  std::uint32_t bits;
  std::memcpy(&bits, &d2, sizeof bits);
  const std::uint64_t both = static_cast<std::uint64_t>(bits) << 32 | id;
  double rank;
  std::memcpy(&rank, &both, sizeof rank);
  return rank;
}

inline __attribute__((always_inline)) Neighbour neighbour_of(double rank) {
  std::uint64_t both;
  std::memcpy(&both, &rank, sizeof both);
  const std::uint32_t bits = static_cast<std::uint32_t>(both >> 32);
  Neighbour neighbour{0, static_cast<std::uint32_t>(both)};
  std::memcpy(&neighbour.d2, &bits, sizeof bits);
  return neighbour;
}

// Registers of four ranks: for 10 neighbours, and for the 20 of a normal.
constexpr int kFew = 3, kMany = 5;
constexpr double kNoRank = std::numeric_limits<double>::infinity();

// The least ranks met, in order, in kRegisters · 4 places. A new one is put in without a branch: where it
// belongs is nothing that could be guessed.
template <int kRegisters>
struct Ranking {
  D4 places[kRegisters];
  float limit = std::numeric_limits<float>::max();  // squared distance of the k-th

  Ranking() {
    for (D4& each : places) each = all_lanes(kNoRank);
  }

  __attribute__((always_inline)) void add_leaf(const KdTree& tree, std::uint32_t leaf, const float q[3],
                                               int k) {
    float d2[kLeaf];
    unsigned hits = leaf_hits(tree.leaves[leaf], q, limit, d2);
    if (!hits) return;
    D4 now[kRegisters];
    for (int r = 0; r < kRegisters; r++) now[r] = places[r];
    for (; hits; hits &= hits - 1) {
      const unsigned lane = static_cast<unsigned>(__builtin_ctz(hits));
      const D4 added = all_lanes(rank_of(d2[lane], tree.ids[leaf * kLeaf + lane]));
      // Each place takes the greater of the added one and what its left neighbour had, unless its own is
      // less.
      D4 left = all_lanes(0.0);
      for (int r = 0; r < kRegisters; r++) {
        const D4 own = now[r];
        now[r] = min_d4(own, max_d4(shifted_in(left, own), added));
        left = own;
      }
    }
    for (int r = 0; r < kRegisters; r++) places[r] = now[r];
    double last;
    std::memcpy(&last, reinterpret_cast<const char*>(places) + sizeof last * (k - 1), sizeof last);
    if (last < kNoRank) limit = neighbour_of(last).d2;
  }

  int write(int k, Neighbour* found) const {
    double ranks[4 * kRegisters];
    std::memcpy(ranks, places, sizeof ranks);
    int count = 0;
    for (; count < k && ranks[count] < kNoRank; count++) found[count] = neighbour_of(ranks[count]);
    return count;
  }
};

template <int kRegisters>
inline __attribute__((always_inline)) int knn_ranked(const KdTree& tree, const float q[3], int k,
                                                     Neighbour* found) {
  Ranking<kRegisters> ranking;
  visit_leaves(tree, q, ranking.limit, [&](std::uint32_t leaf) { ranking.add_leaf(tree, leaf, q, k); });
  return ranking.write(k, found);
}

// `knn` for more neighbours than a ranking has places.
inline int knn_many(const KdTree& tree, const float q[3], int k, Neighbour* found) {
  int count = 0;
  float limit = std::numeric_limits<float>::max();
  visit_leaves(tree, q, limit, [&](std::uint32_t number) {
    float d2[kLeaf];
    unsigned hits = leaf_hits(tree.leaves[number], q, limit, d2);
    while (hits) {
      const unsigned lane = static_cast<unsigned>(__builtin_ctz(hits));
      hits &= hits - 1;
      const Neighbour candidate{d2[lane], tree.ids[number * kLeaf + lane]};
      if (count == k && !(candidate < found[k - 1])) continue;
      int place = count < k ? count++ : k - 1;
      for (; place > 0 && candidate < found[place - 1]; place--) found[place] = found[place - 1];
      found[place] = candidate;
      if (count == k) limit = found[k - 1].d2;
    }
  });
  return count;
}

// The k nearest, sorted by (distance, index), into `found` (room for k); returns how many there are.
inline int knn(const KdTree& tree, const float q[3], int k, Neighbour* found) {
  if (k <= 4 * kFew) return knn_ranked<kFew>(tree, q, k, found);
  if (k <= 4 * kMany) return knn_ranked<kMany>(tree, q, k, found);
  return knn_many(tree, q, k, found);
}

template <int kRegisters>
inline void knn_abreast(const KdTree& tree, const float* q, int k, Neighbour* found) {
  Ranking<kRegisters> rankings[kAbreast];
  visit_abreast(
      tree, q, [&](std::size_t i) -> const float& { return rankings[i].limit; },
      [&](std::size_t i, std::uint32_t leaf) { rankings[i].add_leaf(tree, leaf, q + 3 * i, k); });
  for (std::size_t i = 0; i < kAbreast; i++) rankings[i].write(k, found + i * static_cast<std::size_t>(k));
}

// What `knn` says, for each of `count` queries x y z: k places each, those left over are not touched.
inline void knn_each(const KdTree& tree, const float* xyz, std::size_t count, int k, Neighbour* found) {
  for (std::size_t i = 0; i < count;) {
    const float* const q = xyz + 3 * i;
    Neighbour* const rows = found + i * static_cast<std::size_t>(k);
    if (k > 4 * kMany || !can_go_abreast(tree, q, count - i)) {
      knn(tree, q, k, rows);
      i++;
      continue;
    }
    k <= 4 * kFew ? knn_abreast<kFew>(tree, q, k, rows) : knn_abreast<kMany>(tree, q, k, rows);
    i += kAbreast;
  }
}

// All points within sqrt(radius2), in no order.
inline void within(const KdTree& tree, const float q[3], float radius2, std::vector<Neighbour>& found) {
  visit_leaves(tree, q, radius2, [&](std::uint32_t number) {
    float d2[kLeaf];
    unsigned hits = leaf_hits(tree.leaves[number], q, radius2, d2);
    while (hits) {
      const unsigned lane = static_cast<unsigned>(__builtin_ctz(hits));
      hits &= hits - 1;
      found.push_back({d2[lane], tree.ids[number * kLeaf + lane]});
    }
  });
}

// Asks for what the search of a point reads first if its neighbour is still the last one: a large map is not
// in the caches, and the search would mostly wait for it.
inline __attribute__((always_inline)) void prefetch_match(const Match& match) {
  if (!match.level) return;
  const KdTree& tree = match.level->tree;
  const std::uint32_t leaf = match.slot / kLeaf;
  const void* const at = &tree.leaves[leaf];
  const void* const above = tree.levels > 0 ? &tree.nodes[tree.level_start[1] + leaf / kFan] : at;
  for (const void* place : {at, static_cast<const void*>(&match.level->normals[leaf]), above})
    for (int line = 0; line < 3; line++) __builtin_prefetch(static_cast<const char*>(place) + 64 * line);
}

// Points that are asked for ahead of the one that is searched for.
constexpr std::size_t kAhead = 6;

// From the origin of a level to a place that is given from `t`.
inline __attribute__((always_inline)) void relative_to(const Level& level, const double t[3],
                                                       const float p[3], float q[3]) {
  for (int a = 0; a < 3; a++) q[a] = p[a] + static_cast<float>(t[a] - level.origin[a]);
}

// The map point nearest to the place `p` (from in.t), within sqrt(in.max_d2). `last` is a guess that bounds
// the search from the start: the match of the last iteration, or of a place nearby.
inline __attribute__((always_inline)) Match find_match(const LineariseInput& in, const float p[3],
                                                       Surroundings& around, const Match& last) {
  around.move_to(in.t[0] + p[0], in.t[1] + p[1]);
  float q[3];
  Match best;
  best.d2 = in.max_d2;
  if (last.level) {
    relative_to(*last.level, in.t, p, q);
    const Leaf& leaf = last.level->tree.leaves[last.slot / kLeaf];
    const int lane = last.slot % kLeaf;
    const float dx = leaf.x[lane] - q[0], dy = leaf.y[lane] - q[1], dz = leaf.z[lane] - q[2];
    const float d2 = dx * dx + dy * dy + dz * dz;
    if (d2 <= best.d2) best = {last.level, last.slot, d2};
  }
  for (int c = 0; c < around.count; c++) {
    const Level& level = around.tiles[c]->*in.level;
    relative_to(level, in.t, p, q);
    if (level.box_distance2(q) > best.d2) continue;
    Nearest near{best.d2, best.level == &level ? best.slot : kNoSlot};
    nearest(level.tree, q, near);
    if (near.slot != kNoSlot && (near.d2 < best.d2 || !best.level)) best = {&level, near.slot, near.d2};
  }
  return best;
}

// R p of point i: where it lies from in.t.
inline __attribute__((always_inline)) void rotated(const LineariseInput& in, std::size_t i, float p[3]) {
  const float x = in.cloud->x[i], y = in.cloud->y[i], z = in.cloud->z[i];
  for (int a = 0; a < 3; a++) p[a] = in.R[3 * a] * x + in.R[3 * a + 1] * y + in.R[3 * a + 2] * z;
}

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
    const Level& level = around.tiles[c]->*in.level;
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

// Finds for the `count` points from `first` on the nearest map point, and sums the normal equations of
// registration over them (see icp.hpp for the equations).
inline void linearise(const LineariseInput& in, std::size_t first, std::size_t count, BlockSums& sums) {
  float px[kBlock], py[kBlock], pz[kBlock], nx[kBlock], ny[kBlock], nz[kBlock], r[kBlock], dx[kBlock],
      dy[kBlock], dz[kBlock];
  std::size_t n = 0;
  Surroundings around(*in.map);
  for (std::size_t k = 0; k < count; k++) {
    const std::size_t i = first + k * in.stride;
    if (k + kAhead < count) prefetch_match(in.matches[i + kAhead * in.stride]);
    float p[3], q[3];
    rotated(in, i, p);
    const Match best = in.matches[i] = find_match(in, p, around, in.matches[i]);
    if (!best.level) continue;
    relative_to(*best.level, in.t, p, q);
    const Leaf& leaf = best.level->tree.leaves[best.slot / kLeaf];
    const Leaf& normal = best.level->normals[best.slot / kLeaf];
    const int lane = best.slot % kLeaf;
    px[n] = p[0];
    py[n] = p[1];
    pz[n] = p[2];
    nx[n] = normal.x[lane];
    ny[n] = normal.y[lane];
    nz[n] = normal.z[lane];
    dx[n] = q[0] - leaf.x[lane];
    dy[n] = q[1] - leaf.y[lane];
    dz[n] = q[2] - leaf.z[lane];
    r[n] = nx[n] * dx[n] + ny[n] * dy[n] + nz[n] * dz[n];
    n++;
  }
  const std::size_t padded = (n + 7) / 8 * 8;
  for (std::size_t k = n; k < padded; k++)
    px[k] = py[k] = pz[k] = nx[k] = ny[k] = nz[k] = r[k] = dx[k] = dy[k] = dz[k] = 0;

  const F8 k2 = splat8(in.kernel * in.kernel), zero{};
  F8 h[21] = {}, g[6] = {}, square{}, near{}, weight{}, range2{};
  for (std::size_t k = 0; k < padded; k += 8) {
    const F8 x = load8(px + k), y = load8(py + k), z = load8(pz + k), e = load8(r + k);
    F8 j[6] = {load8(nx + k), load8(ny + k), load8(nz + k), {}, {}, {}};
    const F8 real = j[0] * j[0] + j[1] * j[1] + j[2] * j[2];  // 1, and 0 in the padding
    const F8 ex = load8(dx + k), ey = load8(dy + k), ez = load8(dz + k);
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
