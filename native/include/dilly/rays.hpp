// Casts rays at upright solids: what a simulated LiDAR sees. Solids at rest lie in a bounding volume
// hierarchy.
#pragma once

#include <vector>

#include "ray_solid.hpp"

namespace dilly {
namespace rays {

struct Node {
  Box box;
  // a leaf holds [first, first + count); else its children are `first` and `first + 1`
  std::uint32_t first = 0, count = 0;
};

}  // namespace rays

// Solids at rest, ready to be cast at from any thread.
class RayScene {
 public:
  explicit RayScene(std::vector<Solid> solids) : solids_(std::move(solids)) {
    boxes_.reserve(solids_.size());
    for (const Solid& solid : solids_) boxes_.push_back(rays::box_of(solid));
    order_.resize(solids_.size());
    for (std::uint32_t i = 0; i < order_.size(); i++) order_[i] = i;
    nodes_.reserve(2 * solids_.size() + 2);
    nodes_.emplace_back();
    if (!solids_.empty()) build(0, 0, static_cast<std::uint32_t>(solids_.size()));
  }

  std::size_t size() const { return solids_.size(); }

  void nearest(const Ray& ray, RayHit& hit) const {
    if (solids_.empty()) return;
    const double o[3] = {ray.ox, ray.oy, ray.oz};
    // 1 / 0 is infinite, and a box that is met nowhere along an axis then fails by it; 0 · ∞ is avoided.
    const double tiny = 1e-300;
    const double inverse[3] = {1 / (ray.dx == 0 ? tiny : ray.dx), 1 / (ray.dy == 0 ? tiny : ray.dy),
                               1 / (ray.dz == 0 ? tiny : ray.dz)};
    std::uint32_t stack[64];
    double entered[64];
    int depth = 0;
    stack[depth] = 0;
    entered[depth++] = nodes_[0].box.enter(o, inverse, hit.range);
    while (depth > 0) {
      depth--;
      if (!(entered[depth] < hit.range)) continue;
      const rays::Node& node = nodes_[stack[depth]];
      if (node.count > 0) {
        for (std::uint32_t i = node.first; i < node.first + node.count; i++) test(order_[i], ray, hit);
        continue;
      }
      double near = nodes_[node.first].box.enter(o, inverse, hit.range);
      double far = nodes_[node.first + 1].box.enter(o, inverse, hit.range);
      std::uint32_t a = node.first, b = node.first + 1;
      if (far < near) std::swap(near, far), std::swap(a, b);
      if (far < hit.range) stack[depth] = b, entered[depth++] = far;
      if (near < hit.range) stack[depth] = a, entered[depth++] = near;
    }
  }

 private:
  void test(std::uint32_t index, const Ray& ray, RayHit& hit) const {
    const rays::Clip clip = rays::clip_of(solids_[index], ray);
    if (clip.hits(hit.range)) hit = {clip.near, clip.cosine, static_cast<std::int32_t>(index)};
  }

  // Binned surface area heuristic (Wald 2007); depth stays below 64 because every split halves or better at
  // worst.
  void build(std::uint32_t at, std::uint32_t first, std::uint32_t count, int depth = 0) {
    rays::Box box, centres;
    for (std::uint32_t i = first; i < first + count; i++) {
      box.add(boxes_[order_[i]]);
      centres.add(point(order_[i]));
    }
    nodes_[at].box = box;
    nodes_[at].first = first;
    nodes_[at].count = count;
    if (count <= 2) return;
    int axis = 0;
    for (int i = 1; i < 3; i++)
      if (centres.high[i] - centres.low[i] > centres.high[axis] - centres.low[axis]) axis = i;
    const double from = centres.low[axis], span = centres.high[axis] - from;
    if (!(span > 0)) return;
    std::uint32_t left = depth < 40 ? split(first, count, axis, from, span) : 0;
    if (left == 0 || left == count) {
      left = count / 2;
      std::nth_element(
          order_.begin() + first, order_.begin() + first + left, order_.begin() + first + count,
          [&](std::uint32_t p, std::uint32_t q) { return point(p).low[axis] < point(q).low[axis]; });
    }
    const auto child = static_cast<std::uint32_t>(nodes_.size());
    nodes_.emplace_back();
    nodes_.emplace_back();
    nodes_[at].first = child;
    nodes_[at].count = 0;
    build(child, first, left, depth + 1);
    build(child + 1, first + left, count - left, depth + 1);
  }

  std::uint32_t split(std::uint32_t first, std::uint32_t count, int axis, double from, double span) {
    constexpr int kBins = 12;
    const auto bin = [&](std::uint32_t i) {
      return std::min(kBins - 1, static_cast<int>(kBins * (point(i).low[axis] - from) / span));
    };
    std::array<rays::Box, kBins> boxes;
    std::array<std::uint32_t, kBins> counts{};
    for (std::uint32_t i = first; i < first + count; i++) {
      boxes[bin(order_[i])].add(boxes_[order_[i]]);
      counts[bin(order_[i])]++;
    }
    int best = 0;
    double least = kNoHit;
    for (int cut = 1; cut < kBins; cut++) {
      rays::Box low, high;
      std::uint32_t below = 0;
      for (int i = 0; i < kBins; i++) (i < cut ? low : high).add(boxes[i]), below += i < cut ? counts[i] : 0;
      const double cost = low.area() * below + high.area() * (count - below);
      if (below > 0 && below < count && cost < least) least = cost, best = cut;
    }
    const auto middle = std::partition(order_.begin() + first, order_.begin() + first + count,
                                       [&](std::uint32_t i) { return bin(i) < best; });
    return static_cast<std::uint32_t>(middle - (order_.begin() + first));
  }

  rays::Box point(std::uint32_t i) const {
    std::array<double, 3> centre;
    for (int a = 0; a < 3; a++) centre[a] = 0.5 * (boxes_[i].low[a] + boxes_[i].high[a]);
    return {centre, centre};
  }

  std::vector<Solid> solids_;
  std::vector<rays::Box> boxes_;
  std::vector<std::uint32_t> order_;
  std::vector<rays::Node> nodes_;
};

}  // namespace dilly
