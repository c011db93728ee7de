// Downsampling: one point, the mean, for each occupied cube.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cloud.hpp"
#include "result.hpp"

namespace dilly {

namespace detail {

// Cubes by their place, numbered in the order in which they first occur; `Cube` begins with `std::uint64_t
// key`.
template <class Cube>
class CubeTable {
 public:
  explicit CubeTable(std::size_t points) {
    cubes.reserve(points / 8 + 16);
    std::size_t slots = 64;
    while (slots < points / 2) slots *= 2;
    resize(slots);
  }

  std::uint32_t number_of(std::uint64_t key) {
    std::size_t at = slot_of(key);
    for (;; at = (at + 1) & (slots_.size() - 1)) {
      const std::uint32_t number = slots_[at];
      if (number == kFree) break;
      if (cubes[number].key == key) return number;
    }
    const auto number = static_cast<std::uint32_t>(cubes.size());
    slots_[at] = number;
    cubes.emplace_back().key = key;
    if (2 * cubes.size() > slots_.size()) resize(2 * slots_.size());
    return number;
  }

  std::vector<Cube> cubes;

 private:
  static constexpr std::uint32_t kFree = 0xffffffffu;

  // Fibonacci hashing: Knuth, TAOCP 3, 6.4.
  std::size_t slot_of(std::uint64_t key) const { return (key * 0x9E3779B97F4A7C15ull) >> shift_; }

  void resize(std::size_t slots) {
    slots_.assign(slots, kFree);
    shift_ = 64;
    for (std::size_t s = 1; s < slots; s *= 2) shift_--;
    for (std::uint32_t number = 0; number < cubes.size(); number++) {
      std::size_t at = slot_of(cubes[number].key);
      while (slots_[at] != kFree) at = (at + 1) & (slots - 1);
      slots_[at] = number;
    }
  }

  std::vector<std::uint32_t> slots_;  // hash → number
  int shift_ = 0;
};

constexpr std::size_t kVoxelBlock = 512;

// Along one axis the cubes of up to kVoxelBlock points, counted from 1 at the lower end; false where one is
// out of reach or not a number. Without a branch or a call, so that the compiler makes vectors of it.
inline bool cube_places(const float* from, std::size_t n, float inverse, std::uint32_t* places) {
  constexpr float kReach = 1048575;  // 2^20 − 1
  std::int32_t all_near = 1;
  for (std::size_t k = 0; k < n; k++) {
    const float v = from[k] * inverse;
    const bool near = (v >= 1 - kReach) & (v < kReach);
    const float safe = near ? v : 0;
    const auto towards_zero = static_cast<std::int32_t>(safe);
    const std::int32_t floor = towards_zero - (static_cast<float>(towards_zero) > safe);
    places[k] = static_cast<std::uint32_t>(floor + (1 << 20));
    all_near &= near;
  }
  return all_near != 0;
}

// Calls `visit(i, number)` for each point, in order, with the number of its cube in `table`.
template <class Cube, class Visit>
inline std::optional<Error> for_each_in_cubes(const Cloud& cloud, double size, CubeTable<Cube>& table,
                                              Visit visit) {
  if (!(size > 0) || !std::isfinite(size))
    return Error{"bad-voxel-size", "expected a positive voxel size in metres, found " + std::to_string(size)};
  const float inverse = static_cast<float>(1 / size);
  for (std::size_t first = 0; first < cloud.size(); first += kVoxelBlock) {
    const std::size_t n = std::min(kVoxelBlock, cloud.size() - first);
    std::uint32_t x[kVoxelBlock], y[kVoxelBlock], z[kVoxelBlock];
    if (!(cube_places(&cloud.x[first], n, inverse, x) && cube_places(&cloud.y[first], n, inverse, y) &&
          cube_places(&cloud.z[first], n, inverse, z))) {
      std::size_t bad = first;
      const auto one = [&](const FloatBuffer& axis) { return cube_places(&axis[bad], 1, inverse, x); };
      while (one(cloud.x) && one(cloud.y) && one(cloud.z)) bad++;
      return Error{"point-out-of-range",
                   "expected points within 1048575 voxels of the origin, found one beyond at index " +
                       std::to_string(bad)};
    }
    for (std::size_t k = 0; k < n; k++) {
      const std::uint64_t key = std::uint64_t{x[k]} << 42 | std::uint64_t{y[k]} << 21 | z[k];
      visit(first + k, table.number_of(key));
    }
  }
  return std::nullopt;
}

}  // namespace detail

// Which cube of a grid each point lies in; cubes are numbered in the order in which they first occur.
struct VoxelGrid {
  std::vector<std::uint32_t> voxel;
  std::size_t count = 0;
};

// Refuses sizes that are not positive and points beyond 2^20 cubes from the origin.
inline Result<VoxelGrid> voxel_grid(const Cloud& cloud, double size) {
  struct Cube {
    std::uint64_t key;
  };
  detail::CubeTable<Cube> table(cloud.size());
  VoxelGrid grid;
  grid.voxel.resize(cloud.size());
  const std::optional<Error> error = detail::for_each_in_cubes(
      cloud, size, table, [&](std::size_t i, std::uint32_t number) { grid.voxel[i] = number; });
  if (error) return *error;
  grid.count = table.cubes.size();
  return grid;
}

// The mean point (with mean intensity and time; normals are left out) of each cube of `size` metres, in the
// order in which the cubes first occur. Refuses what voxel_grid refuses.
inline Result<Cloud> downsample(const Cloud& cloud, double size) {
  struct Cube {
    std::uint64_t key;
    std::uint32_t count;
    float x, y, z, intensity, time;  // sums
  };
  detail::CubeTable<Cube> table(cloud.size());
  const bool has_intensity = !cloud.intensity.empty(), has_time = cloud.has_times();
  const std::optional<Error> error =
      detail::for_each_in_cubes(cloud, size, table, [&](std::size_t i, std::uint32_t number) {
        Cube& cube = table.cubes[number];
        cube.x += cloud.x[i];
        cube.y += cloud.y[i];
        cube.z += cloud.z[i];
        if (has_intensity) cube.intensity += cloud.intensity[i];
        if (has_time) cube.time += cloud.time[i];
        cube.count++;
      });
  if (error) return *error;
  const std::vector<Cube>& cubes = table.cubes;
  Cloud out;
  out.x.resize(cubes.size());
  out.y.resize(cubes.size());
  out.z.resize(cubes.size());
  if (has_intensity) out.intensity.resize(cubes.size());
  if (has_time) out.time.resize(cubes.size());
  for (std::size_t v = 0; v < cubes.size(); v++) {
    const float share = 1.f / static_cast<float>(cubes[v].count);
    out.x[v] = cubes[v].x * share;
    out.y[v] = cubes[v].y * share;
    out.z[v] = cubes[v].z * share;
    if (has_intensity) out.intensity[v] = cubes[v].intensity * share;
    if (has_time) out.time[v] = cubes[v].time * share;
  }
  return out;
}

}  // namespace dilly
