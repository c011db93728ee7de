// The peer tree, behind a border of its own: peer_nanoflann.cpp is built with -march=native, ours as it is
// shipped.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "dilly/cloud.hpp"

namespace bench {

class PeerTree {
 public:
  explicit PeerTree(const dilly::Cloud& cloud);
  ~PeerTree();
  static bool installed();
  // For each query the squared distances of its k nearest, nearest first.
  void knn(const dilly::Cloud& queries, std::size_t k, std::vector<float>& d2) const;
  // For each query the index of its nearest and the squared distance.
  void nearest(const dilly::Cloud& queries, std::vector<std::uint32_t>& index, std::vector<float>& d2) const;

 private:
  struct Held;
  std::unique_ptr<Held> held_;
};

}  // namespace bench
