// What is wrong with a cloud that came from outside: a point out of its place, a normal that is none.
#pragma once

#include <cmath>
#include <optional>

#include "cloud.hpp"

namespace dilly {

struct PointLimits {
  double origin[3];         // of the map frame; points are relative to it
  double low[3], high[3];   // box of the map frame, metres
  double box_tolerance;     // metres that a point may lie outside of it
  double normal_tolerance;  // by which a normal's length may differ from 1
};

struct PointFault {
  std::size_t point;
  int axis;      // on which the point lies outside the box; −1 where its normal is at fault
  double value;  // the coordinate in the map frame, or the normal's length
};

// The first point at fault: its place is looked at before its normal (where the cloud has normals).
inline std::optional<PointFault> first_fault(const Cloud& cloud, const PointLimits& limits) {
  const FloatBuffer* const axes[3] = {&cloud.x, &cloud.y, &cloud.z};
  for (std::size_t i = 0; i < cloud.size(); i++) {
    for (int a = 0; a < 3; a++) {
      const double value = (*axes[a])[i] + limits.origin[a];
      if (!(value >= limits.low[a] - limits.box_tolerance && value <= limits.high[a] + limits.box_tolerance))
        return PointFault{i, a, value};
    }
    if (!cloud.has_normals()) continue;
    const double x = cloud.nx[i], y = cloud.ny[i], z = cloud.nz[i];
    const double length = std::sqrt(x * x + y * y + z * z);
    if (!(std::fabs(length - 1) <= limits.normal_tolerance)) return PointFault{i, -1, length};
  }
  return std::nullopt;
}

}  // namespace dilly
