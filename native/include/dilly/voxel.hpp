// Downsampling: one point, the mean, for each occupied cube.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "cloud.hpp"
#include "result.hpp"

namespace dilly {

// Which cube of a grid each point lies in; cubes are numbered in the order in which they first occur.
struct VoxelGrid {
  std::vector<std::uint32_t> voxel;
  std::size_t count = 0;
};

// Refuses sizes that are not positive and points beyond 2^20 cubes from the origin.
inline Result<VoxelGrid> voxel_grid(const Cloud& cloud, double size) {
  if (!(size > 0) || !std::isfinite(size))
    return Error{"bad-voxel-size", "expected a positive voxel size in metres, found " + std::to_string(size)};
  const std::size_t n = cloud.size();
  std::size_t slots = 64;
  int shift = 58;
  for (; slots < 2 * n; slots *= 2) shift--;
  constexpr std::uint32_t kFree = 0xffffffffu;
  std::vector<std::uint32_t> table(slots, kFree);  // hash → cube
  std::vector<std::uint64_t> keys;
  keys.reserve(n / 4 + 16);
  VoxelGrid grid;
  grid.voxel.resize(n);
  const float inverse = static_cast<float>(1 / size);
  constexpr float kReach = 1048575;
  std::uint64_t last_key = ~std::uint64_t{0};
  std::uint32_t last = 0;
  for (std::size_t i = 0; i < n; i++) {
    const float fx = std::floor(cloud.x[i] * inverse), fy = std::floor(cloud.y[i] * inverse),
                fz = std::floor(cloud.z[i] * inverse);
    if (!(std::fabs(fx) < kReach && std::fabs(fy) < kReach && std::fabs(fz) < kReach))
      return Error{"point-out-of-range",
                   "expected points within 1048575 voxels of the origin, found one beyond at index " +
                       std::to_string(i)};
    const auto bits = [](float v) {
      return static_cast<std::uint64_t>(static_cast<std::int64_t>(v) + (1 << 20));
    };
    const std::uint64_t key = bits(fx) << 42 | bits(fy) << 21 | bits(fz);
    if (key != last_key) {  // the points of one ring mostly stay in a cube
      std::size_t at = (key * 0x9E3779B97F4A7C15ull) >> shift;  // Fibonacci hashing: Knuth, TAOCP 3, 6.4
      while (table[at] != kFree && keys[table[at]] != key) at = (at + 1) & (slots - 1);
      if (table[at] == kFree) {
        table[at] = static_cast<std::uint32_t>(keys.size());
        keys.push_back(key);
      }
      last = table[at];
      last_key = key;
    }
    grid.voxel[i] = last;
  }
  grid.count = keys.size();
  return grid;
}

// The mean point (with mean intensity and time; normals are left out) of each cube of `size` metres, in the
// order in which the cubes first occur. Refuses what voxel_grid refuses.
inline Result<Cloud> downsample(const Cloud& cloud, double size) {
  const Result<VoxelGrid> grid = voxel_grid(cloud, size);
  if (!grid.ok()) return grid.error();
  struct Sum {
    float x, y, z, intensity, time;
    std::uint32_t count;
  };
  std::vector<Sum> sums(grid.value().count);
  const bool has_intensity = !cloud.intensity.empty(), has_time = cloud.has_times();
  for (std::size_t i = 0; i < cloud.size(); i++) {
    Sum& sum = sums[grid.value().voxel[i]];
    sum.x += cloud.x[i];
    sum.y += cloud.y[i];
    sum.z += cloud.z[i];
    if (has_intensity) sum.intensity += cloud.intensity[i];
    if (has_time) sum.time += cloud.time[i];
    sum.count++;
  }
  Cloud out;
  out.x.resize(sums.size());
  out.y.resize(sums.size());
  out.z.resize(sums.size());
  if (has_intensity) out.intensity.resize(sums.size());
  if (has_time) out.time.resize(sums.size());
  for (std::size_t v = 0; v < sums.size(); v++) {
    const float share = 1.f / static_cast<float>(sums[v].count);
    out.x[v] = sums[v].x * share;
    out.y[v] = sums[v].y * share;
    out.z[v] = sums[v].z * share;
    if (has_intensity) out.intensity[v] = sums[v].intensity * share;
    if (has_time) out.time[v] = sums[v].time * share;
  }
  return out;
}

}  // namespace dilly
