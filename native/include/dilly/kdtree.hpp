// A KD-tree that is a flat array, eight children a node: float32, leaves of 16 points as x[16] y[16] z[16]
// (two AVX2 vectors a coordinate), nodes of the eight children's boxes (six vectors), so that one step judges
// eight boxes. The tree is complete, so nothing is linked: child c of node i is number 8 i + c of the level
// below. Runs of points are split at the median of the widest axis in whole subtrees, so that only the last
// leaf is padded (with infinity, which never is near). Boxes are tight: on the surfaces that a LiDAR sees
// they are far smaller than a half-space split says.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "cloud.hpp"
#include "result.hpp"
#include "simd.hpp"

namespace dilly {

constexpr int kLeaf = 16;
constexpr int kFan = 8;
// Two nodes may be at the top: judging both at once costs less than a level above them.
constexpr int kMaxRoots = 2;
// 8^9 leaves of 16 points are more than the 2^29 points that a tree may have.
constexpr int kMaxLevels = 9;

struct alignas(64) Leaf {
  float x[kLeaf], y[kLeaf], z[kLeaf];
};

// Boxes of eight children: low x, y, z, then high x, y, z. A child that is not there has one that is nowhere.
struct alignas(64) Node {
  float low[3][kFan], high[3][kFan];
};

template <class T>
struct AlignedAllocator : RecyclingAllocator<T> {
  template <class U>
  struct rebind {
    using other = AlignedAllocator<U>;
  };
  T* allocate(std::size_t n) {
    return static_cast<T*>(::operator new (n * sizeof(T), std::align_val_t{alignof(Leaf)}));
  }
  void deallocate(T* place, std::size_t) { ::operator delete (place, std::align_val_t{alignof(Leaf)}); }
};

// A slot is leaf · 16 + lane: where a point lies in the tree.
struct KdTree {
  std::vector<Leaf, AlignedAllocator<Leaf>> leaves;
  std::vector<std::uint32_t> ids;  // slot → index in the cloud it was built from
  std::size_t points = 0;
  // Level 1 holds the leaves' boxes, the highest level one node; a single leaf needs none.
  std::vector<Node, AlignedAllocator<Node>> nodes;
  int levels = 0, roots = 0;
  std::uint32_t level_start[kMaxLevels + 1] = {};  // of level l, in `nodes`

  std::size_t size() const { return points; }
};

namespace detail {

struct alignas(16) BuildPoint {
  float v[3];
  std::uint32_t id;
};

// Moves the points below the pivot (or equal to it) to the front and says how many. Without a branch on the
// data: near a median every second guess would be wrong (Lomuto's partition).
template <bool OrEqual>
inline std::size_t partition(BuildPoint* points, std::size_t n, int axis, float pivot) {
  std::size_t front = 0;
  for (std::size_t i = 0; i < n; i++) {
    const float value = points[i].v[axis];
    f4 here, there;  // whole vectors: member by member the swap takes twice as long
    std::memcpy(&here, points + i, sizeof here);
    std::memcpy(&there, points + front, sizeof there);
    std::memcpy(points + i, &there, sizeof there);
    std::memcpy(points + front, &here, sizeof here);
    front += OrEqual ? value <= pivot : value < pivot;
  }
  return front;
}

// The rank of each of up to 4 · kVectors different keys, padded with the greatest number: by counting, which
// has no branch on the data.
template <int kVectors>
inline void rank_keys(const std::int32_t (&keys)[4 * kVectors], std::int32_t (&ranks)[4 * kVectors]) {
  i4 key[kVectors], rank[kVectors] = {};
  std::memcpy(key, keys, sizeof key);
  for (const std::int32_t other : keys) {
    const i4 splat{other, other, other, other};
    for (int v = 0; v < kVectors; v++) rank[v] -= splat < key[v];
  }
  std::memcpy(ranks, rank, sizeof rank);
}

constexpr int kSortable = 32;

// Sorts up to 32 points along an axis, but by 18 bits of their mantissa: boxes are measured, not taken from
// the splits, so that a tree is right wherever it is split.
inline void sort_few(BuildPoint* points, std::size_t n, int axis) {
  BuildPoint copy[kSortable];
  std::int32_t keys[kSortable], ranks[kSortable];
  for (int i = 0; i < kSortable; i++) keys[i] = std::numeric_limits<std::int32_t>::max();
  for (std::size_t i = 0; i < n; i++) {
    copy[i] = points[i];
    std::int32_t bits;  // in the order of the floats, once those of negative ones are turned
    std::memcpy(&bits, &points[i].v[axis], sizeof bits);
    bits ^= (bits >> 31) & 0x7fffffff;
    keys[i] = (bits & ~(kSortable - 1)) | static_cast<std::int32_t>(i);
  }
  rank_keys<kSortable / 4>(keys, ranks);
  for (std::size_t i = 0; i < n; i++) points[ranks[i]] = copy[i];
}

// The value of about rank `rank` of n along the axis, from an even sample.
inline float estimate_rank(const BuildPoint* points, std::size_t n, std::size_t rank, int axis) {
  constexpr std::size_t most = 63;
  const std::size_t count = n < 16 * most ? std::max<std::size_t>(n / 16, 1) : most;
  float sample[most];
  for (std::size_t k = 0; k < count; k++) sample[k] = points[(2 * k + 1) * n / (2 * count)].v[axis];
  float* const at = sample + std::min(rank * count / n, count - 1);
  std::nth_element(sample, at, sample + count);
  return *at;
}

// Puts the `rank` smallest along the axis first, as sort_few tells them apart (Floyd & Rivest 1975).
inline void select(BuildPoint* points, std::size_t n, std::size_t rank, int axis) {
  for (int round = 0; n > kSortable && round < 32; round++) {
    const float pivot = estimate_rank(points, n, rank, axis);
    std::size_t front = partition<false>(points, n, axis, pivot);
    if (rank == front) return;
    if (rank < front) {
      n = front;
      continue;
    }
    if (front == 0) {  // the pivot is the least: take all its equals out at once
      front = partition<true>(points, n, axis, pivot);
      if (rank <= front) return;
    }
    points += front;
    n -= front;
    rank -= front;
  }
  if (n <= kSortable) return sort_few(points, n, axis);
  std::nth_element(points, points + rank, points + n,
                   [axis](const BuildPoint& a, const BuildPoint& b) { return a.v[axis] < b.v[axis]; });
}

// The axis along which the points lie widest apart; of many, along which some five hundred of them do.
inline int widest_axis(const BuildPoint* points, std::size_t n) {
  f4 low, high;  // the fourth lane, the id, is not looked at
  std::memcpy(&low, points, sizeof low);
  high = low;
  const std::size_t step = n < 1024 ? 1 : n / 512;
  for (std::size_t i = step; i < n; i += step) {
    f4 point;
    std::memcpy(&point, points + i, sizeof point);
    low = min4(low, point);
    high = max4(high, point);
  }
  const f4 extent = high - low;
  int axis = 0;
  for (int a = 1; a < 3; a++)
    if (extent[a] > extent[axis]) axis = a;
  return axis;
}

inline void write_leaf(KdTree& tree, std::size_t number, const BuildPoint* points, std::size_t n) {
  constexpr float nowhere = std::numeric_limits<float>::infinity();
  Leaf& leaf = tree.leaves[number];
  std::uint32_t* const ids = &tree.ids[number * kLeaf];
  // Within a leaf in order of index: of equal distances the first lane is the answer.
  std::int32_t keys[kLeaf], ranks[kLeaf];
  for (std::size_t k = 0; k < kLeaf; k++)
    keys[k] = k < n ? static_cast<std::int32_t>(points[k].id) : std::numeric_limits<std::int32_t>::max();
  rank_keys<kLeaf / 4>(keys, ranks);
  for (std::size_t k = 0; k < n; k++) {
    const std::int32_t lane = ranks[k];
    leaf.x[lane] = points[k].v[0];
    leaf.y[lane] = points[k].v[1];
    leaf.z[lane] = points[k].v[2];
    ids[lane] = points[k].id;
  }
  for (std::size_t k = n; k < kLeaf; k++) {
    leaf.x[k] = leaf.y[k] = leaf.z[k] = nowhere;
    ids[k] = std::numeric_limits<std::uint32_t>::max();
  }
}

// Writes the leaves of n points from number `first` on, so that each run of `leaves` (a power of 8) leaves
// holds a compact lot of them.
inline void write_leaves(KdTree& tree, std::size_t first, BuildPoint* points, std::size_t n,
                         std::size_t leaves) {
  const std::size_t run = leaves * kLeaf, runs = (n + run - 1) / run;
  if (runs > 1) {
    const std::size_t middle = runs / 2 * run;
    select(points, n, middle, widest_axis(points, n));
    write_leaves(tree, first, points, middle, leaves);
    write_leaves(tree, first + runs / 2 * leaves, points + middle, n - middle, leaves);
  } else if (leaves > 1) {
    write_leaves(tree, first, points, n, leaves / kFan);
  } else {
    write_leaf(tree, first, points, n);
  }
}

// The least of `count` (a multiple of 4) values and the greatest that is not padding.
inline void bounds(const float* low, const float* high, int count, float& least, float& most) {
  constexpr float nowhere = std::numeric_limits<float>::infinity();
  const f4 padding{nowhere, nowhere, nowhere, nowhere};
  f4 a = padding, b = -padding;
  for (int k = 0; k < count; k += 4) {
    f4 l, h;
    std::memcpy(&l, low + k, sizeof l);
    std::memcpy(&h, high + k, sizeof h);
    a = min4(a, l);
    b = max4(b, h < padding ? h : -padding);
  }
  least = least4(a);
  most = -least4(-b);
}

inline void add_nodes(KdTree& tree) {
  constexpr float nowhere = std::numeric_limits<float>::infinity();
  Node empty;
  for (int a = 0; a < 3; a++)
    for (int c = 0; c < kFan; c++) empty.low[a][c] = nowhere, empty.high[a][c] = -nowhere;
  std::size_t below = tree.leaves.size();
  while (below > kMaxRoots || tree.levels == 0) {
    const std::size_t start = tree.nodes.size(), under = start - (tree.levels ? below : 0);
    const std::size_t count = (below + kFan - 1) / kFan;
    tree.level_start[++tree.levels] = static_cast<std::uint32_t>(start);
    tree.nodes.resize(start + count, empty);
    for (std::size_t i = 0; i < below; i++) {
      Node& node = tree.nodes[start + i / kFan];
      const std::size_t c = i % kFan;
      if (tree.levels == 1) {
        const Leaf& leaf = tree.leaves[i];
        const float* const axes[3] = {leaf.x, leaf.y, leaf.z};
        for (int a = 0; a < 3; a++) bounds(axes[a], axes[a], kLeaf, node.low[a][c], node.high[a][c]);
      } else {
        const Node& child = tree.nodes[under + i];
        for (int a = 0; a < 3; a++)
          bounds(child.low[a], child.high[a], kFan, node.low[a][c], node.high[a][c]);
      }
    }
    below = count;
  }
  tree.roots = static_cast<int>(below);
}

}  // namespace detail

namespace detail {

inline std::optional<Error> check_tree_points(const Cloud& cloud) {
  const std::size_t n = cloud.size();
  if (n >= (std::size_t{1} << 29))
    return Error{"too-many-points", "expected at most 536870911 points, found " + std::to_string(n)};
  for (std::size_t i = 0; i < n; i++)
    if (!std::isfinite(cloud.x[i]) || !std::isfinite(cloud.y[i]) || !std::isfinite(cloud.z[i]))
      return Error{"not-finite", "expected finite points, found NaN or infinity at index " +
                                     std::to_string(i) + "; leave such points out first"};
  return std::nullopt;
}

inline KdTree empty_tree(std::size_t points) {
  KdTree tree;
  tree.points = points;
  const std::size_t leaves = (points + kLeaf - 1) / kLeaf;
  tree.leaves.resize(leaves);
  tree.ids.resize(leaves * kLeaf);
  tree.nodes.reserve(leaves / (kFan - 1) + kMaxLevels);
  return tree;
}

}  // namespace detail

// Builds the tree of a cloud. Refuses points that are not finite and more than 2^29 of them.
inline Result<KdTree> build_kdtree(const Cloud& cloud) {
  if (const auto error = detail::check_tree_points(cloud)) return *error;
  const std::size_t n = cloud.size();
  Recycled<detail::BuildPoint> points(n);
  for (std::size_t i = 0; i < n; i++)
    points[i] = {{cloud.x[i], cloud.y[i], cloud.z[i]}, static_cast<std::uint32_t>(i)};
  KdTree tree = detail::empty_tree(n);
  if (n == 0) return tree;
  const std::size_t leaves = tree.leaves.size();
  std::size_t subtree = 1;
  while (subtree * kFan < leaves) subtree *= kFan;
  detail::write_leaves(tree, 0, points.data(), n, subtree);
  if (leaves > 1) detail::add_nodes(tree);
  return tree;
}

// The tree of a cloud whose points lie in its leaves in this order: `ids` of an earlier build, without the
// padding. Boxes are measured, so that any order gives right answers; refuses what is no order of the points.
inline Result<KdTree> kdtree_in_order(const Cloud& cloud, const std::uint32_t* ids, std::size_t count) {
  if (const auto error = detail::check_tree_points(cloud)) return *error;
  const std::size_t n = cloud.size();
  if (count != n)
    return Error{"index-order", "expected an order of " + std::to_string(n) + " points, found one of " +
                                    std::to_string(count)};
  KdTree tree = detail::empty_tree(n);
  std::vector<bool> seen(n, false);
  for (std::size_t slot = 0; slot < tree.ids.size(); slot++) {
    Leaf& leaf = tree.leaves[slot / kLeaf];
    const std::size_t lane = slot % kLeaf;
    if (slot >= n) {
      leaf.x[lane] = leaf.y[lane] = leaf.z[lane] = std::numeric_limits<float>::infinity();
      tree.ids[slot] = std::numeric_limits<std::uint32_t>::max();
      continue;
    }
    const std::uint32_t id = ids[slot];
    // In a leaf they rise: of equal distances the first lane is the answer.
    if (id >= n || seen[id] || (lane > 0 && id < ids[slot - 1]))
      return Error{"index-order", "expected an order of the points, found point " + std::to_string(id) +
                                      " out of place at " + std::to_string(slot)};
    seen[id] = true;
    leaf.x[lane] = cloud.x[id];
    leaf.y[lane] = cloud.y[id];
    leaf.z[lane] = cloud.z[id];
    tree.ids[slot] = id;
  }
  if (tree.leaves.size() > 1) detail::add_nodes(tree);
  return tree;
}

}  // namespace dilly
