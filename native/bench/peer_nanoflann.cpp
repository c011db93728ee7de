#include "peer_nanoflann.hpp"

#if __has_include(<nanoflann.hpp>)
#include <nanoflann.hpp>

namespace bench {

namespace {

struct Points {
  std::vector<float> xyz;
  std::size_t kdtree_get_point_count() const { return xyz.size() / 3; }
  float kdtree_get_pt(std::size_t i, std::size_t axis) const { return xyz[3 * i + axis]; }
  template <class Box>
  bool kdtree_get_bbox(Box&) const {
    return false;
  }
};

Points interleave(const dilly::Cloud& cloud) {
  Points points;
  points.xyz.reserve(3 * cloud.size());
  for (std::size_t i = 0; i < cloud.size(); i++) {
    points.xyz.push_back(cloud.x[i]);
    points.xyz.push_back(cloud.y[i]);
    points.xyz.push_back(cloud.z[i]);
  }
  return points;
}

using Tree = nanoflann::KDTreeSingleIndexAdaptor<nanoflann::L2_Simple_Adaptor<float, Points>, Points, 3,
                                                 std::uint32_t>;

}  // namespace

struct PeerTree::Held {
  Points points;
  Tree tree;
  // Leaves of 10: its default, and the fastest of 5, 10, 16 and 20 here.
  explicit Held(const dilly::Cloud& cloud) : points(interleave(cloud)), tree(3, points, {10}) {}
};

PeerTree::PeerTree(const dilly::Cloud& cloud) : held_(new Held(cloud)) {}
PeerTree::~PeerTree() = default;
bool PeerTree::installed() {
  return true;
}

void PeerTree::knn(const dilly::Cloud& queries, std::size_t k, std::vector<float>& d2) const {
  d2.resize(queries.size() * k);
  std::vector<std::uint32_t> index(k);
  for (std::size_t i = 0; i < queries.size(); i++) {
    const float q[3] = {queries.x[i], queries.y[i], queries.z[i]};
    held_->tree.knnSearch(q, k, index.data(), &d2[i * k]);
  }
}

void PeerTree::nearest(const dilly::Cloud& queries, std::vector<std::uint32_t>& index,
                       std::vector<float>& d2) const {
  index.resize(queries.size());
  d2.resize(queries.size());
  for (std::size_t i = 0; i < queries.size(); i++) {
    const float q[3] = {queries.x[i], queries.y[i], queries.z[i]};
    held_->tree.knnSearch(q, 1, &index[i], &d2[i]);
  }
}

}  // namespace bench

#else

namespace bench {

struct PeerTree::Held {};
PeerTree::PeerTree(const dilly::Cloud&) {}
PeerTree::~PeerTree() = default;
bool PeerTree::installed() {
  return false;
}
void PeerTree::knn(const dilly::Cloud&, std::size_t, std::vector<float>&) const {}
void PeerTree::nearest(const dilly::Cloud&, std::vector<std::uint32_t>&, std::vector<float>&) const {}

}  // namespace bench

#endif
