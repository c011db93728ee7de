// What a scan shows of the place where it was taken: where things stand, seen from above, and where its
// ground is.
#pragma once

#include <algorithm>

#include "cloud.hpp"
#include "linalg.hpp"
#include "place_grid.hpp"

namespace dilly {

// Points further than this say little about a place that is not within half a cell, metres.
constexpr double kPlaceRange = 40;
// The ground under the robot is the median of the lowest points of the cells this near, metres.
constexpr double kGroundNear = 8;
// The lowest point of a cell is ground where it lies this near that height: so much, and so much per metre
// away.
constexpr double kGroundRise = 0.5, kGroundSlope = 0.12;
// Cells of the scan that are looked up for a place, at most.
constexpr std::size_t kPlacePoints = 400;

// A scan in level axes: z up, x where the prior says, about base_link.
struct PlaceScan {
  double ground = 0;  // height of the ground under base_link, metres
  // One of each storey of each cell: its mean place, metres, and its bit.
  std::vector<std::array<double, 2>> places;
  std::vector<StoreyBits> bits;
  Cloud standing;  // the points above the ground, in the frame of the base
};

namespace detail {

// The lowest point of each cell around base_link.
inline Ground lowest_points(const std::vector<Vec3>& level) {
  Ground lowest{place_frame(0, 0, kPlaceRange, kGroundCell), {}};
  lowest.height.assign(static_cast<std::size_t>(lowest.frame.side) * lowest.frame.side, kNoGround);
  for (const Vec3& p : level) {
    const int i = lowest.frame.cell_of(p[0], 0), j = lowest.frame.cell_of(p[1], 1);
    if (!lowest.frame.holds(i, j)) continue;
    float& here = lowest.height[lowest.frame.at(i, j)];
    here = std::min(here, static_cast<float>(p[2]));
  }
  return lowest;
}

inline double ground_below(const Ground& lowest) {
  std::vector<float> near;
  const int cells = static_cast<int>(kGroundNear / kGroundCell);
  const int i0 = lowest.frame.cell_of(0, 0), j0 = lowest.frame.cell_of(0, 1);
  for (int j = j0 - cells; j <= j0 + cells; j++)
    for (int i = i0 - cells; i <= i0 + cells; i++)
      if (const float h = lowest.height[lowest.frame.at(i, j)]; h != kNoGround) near.push_back(h);
  if (near.empty()) return 0;
  std::nth_element(near.begin(), near.begin() + near.size() / 2, near.end());
  return near[near.size() / 2];
}

}  // namespace detail

inline PlaceScan place_scan(const Cloud& cloud, const Quat& q) {
  const Mat3 R = rotation(q);
  std::vector<Vec3> level(cloud.size());
  for (std::size_t k = 0; k < cloud.size(); k++) level[k] = multiply(R, {cloud.x[k], cloud.y[k], cloud.z[k]});
  const Ground lowest = detail::lowest_points(level);
  PlaceScan scan;
  scan.ground = detail::ground_below(lowest);

  struct Seen {
    double x = 0, y = 0, count = 0;
  };
  const PlaceFrame frame = place_frame(0, 0, kPlaceRange, kPlaceCell);
  std::vector<Seen> seen(static_cast<std::size_t>(frame.side) * frame.side * kPlaceStoreys);
  for (std::size_t k = 0; k < level.size(); k++) {
    const auto& [x, y, z] = level[k];
    const double range = std::hypot(x, y), local = lowest.at(x, y);
    if (range > kPlaceRange) continue;
    const bool sound = std::fabs(local - scan.ground) < kGroundRise + kGroundSlope * range;
    const StoreyBits bit = storey_bit(z - (sound ? local : scan.ground));
    if (bit == 0) continue;
    scan.standing.x.push_back(cloud.x[k]);
    scan.standing.y.push_back(cloud.y[k]);
    scan.standing.z.push_back(cloud.z[k]);
    int storey = 0;
    while (bit >> storey != 1) storey++;
    Seen& cell = seen[frame.at(frame.cell_of(x, 0), frame.cell_of(y, 1)) * kPlaceStoreys + storey];
    cell.x += x, cell.y += y, cell.count++;
  }
  std::vector<std::size_t> used;
  for (std::size_t c = 0; c < seen.size(); c++)
    if (seen[c].count > 0) used.push_back(c);
  // Evenly picked, by a fixed rule.
  const std::size_t kept = std::min(used.size(), kPlacePoints);
  for (std::size_t k = 0; k < kept; k++) {
    const std::size_t c = used[k * used.size() / kept];
    scan.places.push_back({seen[c].x / seen[c].count, seen[c].y / seen[c].count});
    scan.bits.push_back(static_cast<StoreyBits>(1u << c % kPlaceStoreys));
  }
  return scan;
}

}  // namespace dilly
