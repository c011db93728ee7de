// Points by the cubes of a grid that they lie in.
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

  Recycled<Cube> cubes;

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

  Recycled<std::uint32_t> slots_;  // hash → number
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

// Calls `visit(from, to, number)` for each run of up to kVoxelBlock points that lie in one cube, in order,
// with the cube's number in `table`. Returns the first point that is out of reach, or n.
template <class Cube, class Visit>
inline std::size_t visit_cubes(const float* x, const float* y, const float* z, std::size_t n, float inverse,
                               CubeTable<Cube>& table, Visit visit) {
  std::uint32_t at_x[kVoxelBlock], at_y[kVoxelBlock], at_z[kVoxelBlock];
  if (!(cube_places(x, n, inverse, at_x) & cube_places(y, n, inverse, at_y) &
        cube_places(z, n, inverse, at_z))) {
    std::size_t bad = 0;
    const auto near = [&](const float* axis) { return cube_places(axis + bad, 1, inverse, at_x); };
    while (near(x) && near(y) && near(z)) bad++;
    return bad;
  }
  const auto key_of = [&](std::size_t k) {
    return std::uint64_t{at_x[k]} << 42 | std::uint64_t{at_y[k]} << 21 | at_z[k];
  };
  for (std::size_t from = 0, to = 0; from < n; from = to) {
    const std::uint64_t key = key_of(from);
    for (to = from + 1; to < n && key_of(to) == key;) to++;
    visit(from, to, table.number_of(key));
  }
  return n;
}

inline std::optional<Error> size_problem(double size) {
  if (size > 0 && std::isfinite(size)) return std::nullopt;
  return Error{"bad-voxel-size", "expected a positive voxel size in metres, found " + std::to_string(size)};
}

inline Error out_of_reach(std::size_t index) {
  return {"point-out-of-range",
          "expected points within 1048575 voxels of the origin, found one beyond at index " +
              std::to_string(index)};
}

}  // namespace detail

// Which cube of a grid each point lies in; cubes are numbered in the order in which they first occur.
struct VoxelGrid {
  std::vector<std::uint32_t> voxel;
  std::size_t count = 0;
};

// Refuses sizes that are not positive and points beyond 2^20 cubes from the origin.
inline Result<VoxelGrid> voxel_grid(const Cloud& cloud, double size) {
  if (const auto problem = detail::size_problem(size)) return *problem;
  struct Cube {
    std::uint64_t key;
  };
  detail::CubeTable<Cube> table(cloud.size());
  VoxelGrid grid;
  grid.voxel.resize(cloud.size());
  for (std::size_t first = 0; first < cloud.size(); first += detail::kVoxelBlock) {
    const std::size_t n = std::min(detail::kVoxelBlock, cloud.size() - first);
    const std::size_t good = detail::visit_cubes(
        &cloud.x[first], &cloud.y[first], &cloud.z[first], n, static_cast<float>(1 / size), table,
        [&](std::size_t from, std::size_t to, std::uint32_t number) {
          std::fill(&grid.voxel[first] + from, &grid.voxel[first] + to, number);
        });
    if (good < n) return detail::out_of_reach(first + good);
  }
  grid.count = table.cubes.size();
  return grid;
}

}  // namespace dilly
