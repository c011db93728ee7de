// The searches of a KD-tree (kernels.inl.hpp includes this file once for each instruction set).
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

}  // namespace DILLY_ISA
}  // namespace dilly
