// From all points of a sweep to one, the mean, for each occupied cube: in one pass with undoing the motion.
#pragma once

#include <optional>

#include "deskew.hpp"
#include "parallel.hpp"
#include "voxel.hpp"

namespace dilly {

namespace detail {

// The column from a point on; null where it is absent.
inline const float* from(const FloatBuffer& column, std::size_t first) {
  return column.empty() ? nullptr : &column[first];
}

// What lies in the cubes, in the order in which they first occur.
class CubeMeans {
 public:
  CubeMeans(double size, std::size_t points, bool shaded, bool timed)
      : inverse_(static_cast<float>(1 / size)), shaded_(shaded), timed_(timed), table_(points) {}

  // Adds up to kVoxelBlock points. Returns the first that is out of reach, or n. `intensity` and `time` are
  // read where the means have them.
  std::size_t add(const float* x, const float* y, const float* z, const float* intensity, const float* time,
                  std::size_t n) {
    const auto sum = [](const float* of, std::size_t from, std::size_t to) {
      float sum = of[from];
      for (std::size_t k = from + 1; k < to; k++) sum += of[k];
      return sum;
    };
    return visit_cubes(x, y, z, n, inverse_, table_,
                       [&](std::size_t from, std::size_t to, std::uint32_t number) {
                         Cube& cube = table_.cubes[number];
                         cube.x += sum(x, from, to);
                         cube.y += sum(y, from, to);
                         cube.z += sum(z, from, to);
                         if (shaded_) cube.intensity += sum(intensity, from, to);
                         if (timed_) cube.time += sum(time, from, to);
                         cube.count += static_cast<std::uint32_t>(to - from);
                       });
  }

  // Adds what another found in later points.
  void add(const CubeMeans& later) {
    for (const Cube& from : later.table_.cubes) {
      Cube& cube = table_.cubes[table_.number_of(from.key)];
      cube.x += from.x;
      cube.y += from.y;
      cube.z += from.z;
      cube.intensity += from.intensity;
      cube.time += from.time;
      cube.count += from.count;
    }
  }

  Cloud cloud() const {
    const auto& cubes = table_.cubes;
    Cloud out;
    out.x.resize(cubes.size());
    out.y.resize(cubes.size());
    out.z.resize(cubes.size());
    if (shaded_) out.intensity.resize(cubes.size());
    if (timed_) out.time.resize(cubes.size());
    for (std::size_t v = 0; v < cubes.size(); v++) {
      const float share = 1.f / static_cast<float>(cubes[v].count);
      out.x[v] = cubes[v].x * share;
      out.y[v] = cubes[v].y * share;
      out.z[v] = cubes[v].z * share;
      if (shaded_) out.intensity[v] = cubes[v].intensity * share;
      if (timed_) out.time[v] = cubes[v].time * share;
    }
    return out;
  }

 private:
  struct Cube {
    std::uint64_t key = 0;
    std::uint32_t count = 0;
    float x = 0, y = 0, z = 0, intensity = 0, time = 0;  // sums
  };
  float inverse_;
  bool shaded_, timed_;
  CubeTable<Cube> table_;
};

}  // namespace detail

// The mean point (with mean intensity and time; normals are left out) of each cube of `size` metres, in the
// order in which the cubes first occur. Refuses what voxel_grid refuses.
inline Result<Cloud> downsample(const Cloud& cloud, double size) {
  if (const auto problem = detail::size_problem(size)) return *problem;
  detail::CubeMeans means(size, cloud.size(), !cloud.intensity.empty(), cloud.has_times());
  for (std::size_t first = 0; first < cloud.size(); first += detail::kVoxelBlock) {
    const std::size_t n = std::min(detail::kVoxelBlock, cloud.size() - first);
    const std::size_t good =
        means.add(&cloud.x[first], &cloud.y[first], &cloud.z[first], detail::from(cloud.intensity, first),
                  detail::from(cloud.time, first), n);
    if (good < n) return detail::out_of_reach(first + good);
  }
  return means.cloud();
}

// A cloud of one LiDAR, where it is mounted, and how the base moved while it was taken.
struct Sweep {
  std::shared_ptr<const Cloud> cloud;
  Pose T_base_sensor;
  SampledMotion motion;
};

// So many points are thinned by one thread, and then put together in their order: the same bits for any
// number of threads.
constexpr std::size_t kThinChunk = 65536;

// downsample of the points of all sweeps, one after another, deskewed. Intensity stays where all have it;
// times have done their work. Refuses what both refuse.
inline Result<Cloud> thin(const std::vector<Sweep>& sweeps, double size, ThreadPool& pool) {
  if (const auto problem = detail::size_problem(size)) return *problem;
  struct Chunk {
    const Cloud* cloud;
    const Deskewer* deskewer;
    std::size_t first, count;
    std::optional<detail::CubeMeans> means;
    std::optional<std::size_t> bad;
  };
  std::vector<Deskewer> deskewers;
  bool shaded = true;
  for (const Sweep& sweep : sweeps) {
    const Result<Deskewer> made = Deskewer::make(*sweep.cloud, sweep.T_base_sensor, sweep.motion);
    if (!made.ok()) return made.error();
    deskewers.push_back(made.value());
    shaded = shaded && (sweep.cloud->size() == 0 || !sweep.cloud->intensity.empty());
  }
  std::vector<Chunk> chunks;
  for (std::size_t s = 0; s < sweeps.size(); s++)
    for (std::size_t first = 0; first < sweeps[s].cloud->size(); first += kThinChunk)
      chunks.push_back({sweeps[s].cloud.get(),
                        &deskewers[s],
                        first,
                        std::min(kThinChunk, sweeps[s].cloud->size() - first),
                        {},
                        {}});
  if (chunks.empty()) return Cloud{};
  pool.run(chunks.size(), [&](std::size_t c) {
    Chunk& chunk = chunks[c];
    detail::CubeMeans& means = chunk.means.emplace(size, chunk.count, shaded, false);
    float x[detail::kVoxelBlock], y[detail::kVoxelBlock], z[detail::kVoxelBlock];
    for (std::size_t at = chunk.first, end = chunk.first + chunk.count; at < end;) {
      const std::size_t n = std::min(detail::kVoxelBlock, end - at);
      chunk.deskewer->move(at, n, x, y, z);
      const std::size_t good = means.add(x, y, z, detail::from(chunk.cloud->intensity, at), nullptr, n);
      at += good;
      if (good == n) continue;
      chunk.bad = at;
      return;
    }
  });
  for (const Chunk& chunk : chunks)
    if (chunk.bad) return detail::out_of_reach(*chunk.bad);
  for (std::size_t c = 1; c < chunks.size(); c++) chunks[0].means->add(*chunks[c].means);
  return chunks[0].means->cloud();
}

}  // namespace dilly
