// The time of each point of a sweep, in seconds from the message's stamp, whatever the driver writes.
//
//   Ouster            t            uint32   ns from the start of the scan    ouster-ros, os_point.h
//   Velodyne          time         float32  s from the stamp, often negative velodyne_pointcloud,
//   organized_cloudXYZIRT Hesai, RoboSense  timestamp    float64  s since the epoch HesaiLidar_ROS_2.0,
//   rslidar_sdk Livox             timestamp    float64  ns since the epoch               livox_ros_driver2,
//   PointXYZRTLT Livox             offset_time  uint32   ns from the stamp                livox_ros_driver2,
//   CustomMsg
//
// No message says its unit, but a sweep lasts 5 ms to 1.5 s (200 Hz parts of a sweep up to slow scanners). In
// seconds, µs or ns that makes three spans of values which do not overlap, so the span tells the unit:
// [0.005, 1.5], [5 × 10³, 1.5 × 10⁶], [5 × 10⁶, 1.5 × 10⁹]. Whole numbers are never seconds.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "gather.hpp"

namespace dilly {

constexpr double kShortestSweep = 0.005, kLongestSweep = 1.5;  // seconds
// A value that is further than this from zero counts from an epoch, not from the sweep.
constexpr double kFurthestOffset = 2 * kLongestSweep;

// Units in a second (1, 10⁶ or 10⁹) of times that span `span`; 0 when it cannot be told.
inline double time_units(double span, bool whole_numbers) {
  for (const double units : {1.0, 1e6, 1e9})
    if (span >= kShortestSweep * units && span <= kLongestSweep * units && !(whole_numbers && units == 1.0))
      return units;
  return 0;
}

namespace detail {

struct Extent {
  double low, high;
  bool finite;
};

// Four chains of comparisons side by side: one would wait for itself at every value.
inline Extent extent_of(const DoubleBuffer& values) {
  double low[4], high[4], nothing[4] = {};
  for (int k = 0; k < 4; k++) low[k] = high[k] = values[0];
  const auto take = [&](double v, int k) {
    low[k] = v < low[k] ? v : low[k];
    high[k] = v > high[k] ? v : high[k];
    nothing[k] += v - v;
  };
  std::size_t i = 0;
  for (; i + 4 <= values.size(); i += 4)
    for (int k = 0; k < 4; k++) take(values[i + k], k);
  for (; i < values.size(); i++) take(values[i], 0);
  return {std::min(std::min(low[0], low[1]), std::min(low[2], low[3])),
          std::max(std::max(high[0], high[1]), std::max(high[2], high[3])),
          nothing[0] + nothing[1] + nothing[2] + nothing[3] == 0};
}

}  // namespace detail

// Offsets from the stamp in seconds; empty when the unit cannot be told (no span, an absurd one, a value that
// is not finite) or when times since an epoch are not near the stamp (another clock).
inline FloatBuffer point_times(const DoubleBuffer& raw, bool whole_numbers, std::int64_t stamp_ns) {
  FloatBuffer times;
  if (raw.empty()) return times;
  const detail::Extent extent = detail::extent_of(raw);
  const double low = extent.low, high = extent.high;
  const double units = extent.finite ? time_units(high - low, whole_numbers) : 0;
  if (units == 0) return times;
  double whole = 0,
         rest = 0;  // the stamp as whole units, and what is left in seconds: a double cannot hold both
  if (std::max(std::fabs(low), std::fabs(high)) > kFurthestOffset * units) {
    const std::int64_t unit_ns = static_cast<std::int64_t>(1e9 / units);
    whole = static_cast<double>(stamp_ns / unit_ns);
    rest = static_cast<double>(stamp_ns % unit_ns) * 1e-9;
    if (std::max(std::fabs(low - whole), std::fabs(high - whole)) > kFurthestOffset * units) return times;
  }
  const double unit = 1 / units;
  times.resize(raw.size());
  for (std::size_t i = 0; i < raw.size(); i++) times[i] = static_cast<float>((raw[i] - whole) * unit - rest);
  return times;
}

}  // namespace dilly
