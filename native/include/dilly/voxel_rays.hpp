// What scans say of the cubes of a block: where they saw something, and where they looked through (Amanatides
// & Woo 1987). Each scan speaks once for each cube, and one that saw something there does not also call it
// free.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

namespace dilly {

struct VoxelBlock {
  double origin[3];  // corner, m
  double size;       // edge of a cube, m
  std::int32_t counts[3];
};

// Points are relative to their scan's origin: where the sensor was.
struct VoxelScans {
  const double* origins;        // x y z per scan, m
  const std::int32_t* lengths;  // points per scan
  const float* points;          // x y z per point, m
  std::size_t scans;
};

// Numbers of scans per cube, x fastest.
struct VoxelEvidence {
  std::vector<std::uint16_t> hits, passes;
};

class VoxelTracer {
 public:
  explicit VoxelTracer(const VoxelBlock& block) : block_(block) {
    const std::size_t n = static_cast<std::size_t>(block.counts[0]) * block.counts[1] * block.counts[2];
    evidence_.hits.assign(n, 0);
    evidence_.passes.assign(n, 0);
    hit_.assign(n, 0);
    passed_.assign(n, 0);
  }

  // `gap`: a ray says nothing of its last so many metres, where noise decides.
  VoxelEvidence run(const VoxelScans& scans, double gap) {
    const float* points = scans.points;
    for (std::size_t s = 0; s < scans.scans; s++) {
      const auto mark = static_cast<std::uint32_t>(s + 1);
      double o[3];
      for (int a = 0; a < 3; a++) o[a] = (scans.origins[3 * s + a] - block_.origin[a]) / block_.size;
      for (std::int32_t p = 0; p < scans.lengths[s]; p++) hit(o, points + 3 * p, mark);
      for (std::int32_t p = 0; p < scans.lengths[s]; p++) pass(o, points + 3 * p, mark, gap);
      points += 3 * scans.lengths[s];
    }
    return std::move(evidence_);
  }

 private:
  std::size_t at(const std::int32_t* cell) const {
    return (static_cast<std::size_t>(cell[2]) * block_.counts[1] + cell[1]) * block_.counts[0] + cell[0];
  }

  static void count(std::vector<std::uint16_t>& counts, std::size_t i) {
    if (counts[i] < 0xffff) counts[i]++;
  }

  void hit(const double* o, const float* point, std::uint32_t mark) {
    std::int32_t cell[3];
    for (int a = 0; a < 3; a++) {
      const double e = std::floor(o[a] + point[a] / block_.size);
      if (!(e >= 0 && e < block_.counts[a])) return;
      cell[a] = static_cast<std::int32_t>(e);
    }
    const std::size_t i = at(cell);
    if (hit_[i] == mark) return;
    hit_[i] = mark;
    count(evidence_.hits, i);
  }

  void pass(const double* o, const float* point, std::uint32_t mark, double gap) {
    const double x = point[0], y = point[1], z = point[2];
    const double length = std::sqrt(x * x + y * y + z * z);
    if (!(length > gap)) return;
    double from = 0, to = 1 - gap / length;
    double d[3];
    for (int a = 0; a < 3; a++) {
      d[a] = point[a] / block_.size;
      if (d[a] == 0) {
        if (!(o[a] >= 0 && o[a] < block_.counts[a])) return;
        continue;
      }
      const double t0 = (0 - o[a]) / d[a], t1 = (block_.counts[a] - o[a]) / d[a];
      from = std::max(from, std::min(t0, t1));
      to = std::min(to, std::max(t0, t1));
    }
    if (!(from < to)) return;
    std::int32_t cell[3], step[3];
    double next[3], each[3];
    for (int a = 0; a < 3; a++) {
      const double place = std::floor(o[a] + from * d[a]);
      cell[a] = static_cast<std::int32_t>(std::min(std::max(place, 0.0), block_.counts[a] - 1.0));
      step[a] = d[a] < 0 ? -1 : 1;
      each[a] = d[a] == 0 ? std::numeric_limits<double>::infinity() : std::fabs(1 / d[a]);
      next[a] = d[a] == 0 ? each[a] : (cell[a] + (step[a] > 0 ? 1 : 0) - o[a]) / d[a];
    }
    for (;;) {
      const std::size_t i = at(cell);
      if (hit_[i] != mark && passed_[i] != mark) {
        passed_[i] = mark;
        count(evidence_.passes, i);
      }
      const int a = next[0] < next[1] ? (next[0] < next[2] ? 0 : 2) : (next[1] < next[2] ? 1 : 2);
      if (!(next[a] < to)) return;
      cell[a] += step[a];
      if (cell[a] < 0 || cell[a] >= block_.counts[a]) return;
      next[a] += each[a];
    }
  }

  VoxelBlock block_;
  VoxelEvidence evidence_;
  std::vector<std::uint32_t> hit_, passed_;
};

}  // namespace dilly
