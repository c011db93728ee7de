// A KD-tree that is a flat array: float32, nodes of 8 bytes in pre-order (the left child is the next node), leaves of
// 16 points as x[16] y[16] z[16] (two AVX2 vectors a coordinate). Split at the median of the widest axis in whole
// leaves, so that only the last leaf is padded (with infinity, which never is near).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "cloud.hpp"
#include "result.hpp"

namespace dilly {

constexpr int kLeaf = 16;
// A tree over 2^31 points has 27 levels of inner nodes.
constexpr int kMaxDepth = 32;

struct alignas(32) Leaf {
  float x[kLeaf], y[kLeaf], z[kLeaf];
};

struct Node {
  float split;
  // inner: right child << 2 | axis; leaf: leaf number << 2 | 3
  std::uint32_t link;
};

template <class T>
struct AlignedAllocator : DefaultInitAllocator<T> {
  template <class U>
  struct rebind {
    using other = AlignedAllocator<U>;
  };
  T* allocate(std::size_t n) {
    return static_cast<T*>(::operator new(n * sizeof(T), std::align_val_t{alignof(Leaf)}));
  }
  void deallocate(T* place, std::size_t) { ::operator delete(place, std::align_val_t{alignof(Leaf)}); }
};

// A slot is leaf · 16 + lane: where a point lies in the tree.
struct KdTree {
  std::vector<Node> nodes;
  std::vector<Leaf, AlignedAllocator<Leaf>> leaves;
  std::vector<std::uint32_t> ids;  // slot → index in the cloud it was built from
  std::size_t points = 0;

  std::size_t size() const { return points; }
};

namespace detail {

struct BuildPoint {
  float v[3];
  std::uint32_t id;
};

inline void build_node(KdTree& tree, BuildPoint* points, std::size_t n) {
  const std::size_t leaf_count = (n + kLeaf - 1) / kLeaf;
  const std::size_t me = tree.nodes.size();
  tree.nodes.push_back({});
  if (leaf_count <= 1) {
    tree.nodes[me] = {0, static_cast<std::uint32_t>(tree.leaves.size() << 2 | 3)};
    tree.leaves.emplace_back();
    Leaf& leaf = tree.leaves.back();
    // Within a leaf in order of index, so that equal distances answer alike wherever the split fell.
    std::sort(points, points + n, [](const BuildPoint& a, const BuildPoint& b) { return a.id < b.id; });
    const float far = std::numeric_limits<float>::infinity();
    for (std::size_t k = 0; k < kLeaf; k++) {
      const bool real = k < n;
      leaf.x[k] = real ? points[k].v[0] : far;
      leaf.y[k] = real ? points[k].v[1] : far;
      leaf.z[k] = real ? points[k].v[2] : far;
      tree.ids.push_back(real ? points[k].id : std::numeric_limits<std::uint32_t>::max());
    }
    return;
  }
  float low[3], high[3];
  for (int a = 0; a < 3; a++) low[a] = high[a] = points[0].v[a];
  for (std::size_t i = 1; i < n; i++)
    for (int a = 0; a < 3; a++) {
      low[a] = std::min(low[a], points[i].v[a]);
      high[a] = std::max(high[a], points[i].v[a]);
    }
  int axis = 0;
  for (int a = 1; a < 3; a++)
    if (high[a] - low[a] > high[axis] - low[axis]) axis = a;
  const std::size_t middle = leaf_count / 2 * kLeaf;
  std::nth_element(points, points + middle, points + n,
                   [axis](const BuildPoint& a, const BuildPoint& b) { return a.v[axis] < b.v[axis]; });
  const float split = points[middle].v[axis];
  build_node(tree, points, middle);
  tree.nodes[me] = {split, static_cast<std::uint32_t>(tree.nodes.size() << 2 | static_cast<unsigned>(axis))};
  build_node(tree, points + middle, n - middle);
}

}  // namespace detail

// Builds the tree of a cloud. Refuses points that are not finite and more than 2^29 of them.
inline Result<KdTree> build_kdtree(const Cloud& cloud) {
  const std::size_t n = cloud.size();
  if (n >= (std::size_t{1} << 29))
    return Error{"too-many-points", "expected at most 536870911 points, found " + std::to_string(n)};
  std::vector<detail::BuildPoint> points(n);
  for (std::size_t i = 0; i < n; i++) {
    if (!std::isfinite(cloud.x[i]) || !std::isfinite(cloud.y[i]) || !std::isfinite(cloud.z[i]))
      return Error{"not-finite", "expected finite points, found NaN or infinity at index " + std::to_string(i) +
                                     "; leave such points out first"};
    points[i] = {{cloud.x[i], cloud.y[i], cloud.z[i]}, static_cast<std::uint32_t>(i)};
  }
  KdTree tree;
  tree.points = n;
  const std::size_t leaves = (n + kLeaf - 1) / kLeaf;
  tree.nodes.reserve(2 * leaves);
  tree.leaves.reserve(leaves);
  tree.ids.reserve(leaves * kLeaf);
  if (n) detail::build_node(tree, points.data(), n);
  return tree;
}

}  // namespace dilly
