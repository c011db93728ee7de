// Points of a registration whose errors go together: those that lie near each other on the map.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

namespace dilly {

// Σ w Jᵀ r by cube of the map frame, in an open-addressing table.
class Clusters {
 public:
  // For so many points, in cubes of `side` metres.
  Clusters(std::size_t points, double side) : side_(side) {
    std::size_t size = 16;
    while (size < 2 * points) size *= 2;
    slots_.resize(size);
  }

  void add(double x, double y, double z, const float g[6]) {
    const std::int64_t i = cube(x), j = cube(y), k = cube(z);
    std::uint64_t hash = static_cast<std::uint64_t>(i) * 0x9e3779b97f4a7c15u;
    hash = (hash ^ static_cast<std::uint64_t>(j)) * 0xbf58476d1ce4e5b9u;
    hash = (hash ^ static_cast<std::uint64_t>(k)) * 0x94d049bb133111ebu;
    std::size_t at = (hash >> 32) & (slots_.size() - 1);
    for (;; at = (at + 1) & (slots_.size() - 1)) {
      Slot& slot = slots_[at];
      if (!slot.used) {
        slot = {true, i, j, k, {}};
        used_.push_back(at);
      }
      if (slot.i != i || slot.j != j || slot.k != k) continue;
      for (int a = 0; a < 6; a++) slot.g[a] += static_cast<double>(g[a]);
      return;
    }
  }

  // m/(m − 1) Σ g gᵀ over the m clusters, 6 × 6 row-major.
  std::array<double, 36> scatter() const {
    std::array<double, 36> sum{};
    for (const std::size_t at : used_)
      for (int a = 0; a < 6; a++)
        for (int b = 0; b < 6; b++) sum[6 * a + b] += slots_[at].g[a] * slots_[at].g[b];
    const auto m = static_cast<double>(used_.size());
    for (double& v : sum) v *= m / std::max(m - 1, 1.0);
    return sum;
  }

  std::size_t count() const { return used_.size(); }

 private:
  struct Slot {
    bool used = false;
    std::int64_t i = 0, j = 0, k = 0;
    double g[6] = {};
  };

  std::int64_t cube(double v) const { return static_cast<std::int64_t>(std::floor(v / side_)); }

  double side_;
  std::vector<Slot> slots_;
  std::vector<std::size_t> used_;  // in the order of their first points
};

}  // namespace dilly
