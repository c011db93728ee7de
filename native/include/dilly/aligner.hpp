// What the stages of a registration share: the sums over all points, and steps on SE(3).
#pragma once

#include "dispatch.hpp"
#include "linalg.hpp"
#include "parallel.hpp"

namespace dilly {

// How far a registration goes: to the map's surfels, to its points, or on to the layer that the scan lies in
// where the map has several.
enum class Finish { surfels, points, layers };

// About so many points of the scan are matched to points of the map, unless another number is asked for.
constexpr std::size_t kFinishPoints = 1250;

struct AlignOptions {
  double kernel_start, kernel_end;  // metres
  int max_iterations;
  double translation_epsilon, rotation_epsilon;  // m, rad
  Finish finish = Finish::layers;
  std::size_t finish_points = kFinishPoints;
  double reach = 0, turn = 0;  // how far off the start may be, m, rad
};

struct Place {
  Pose pose;
  double score = 0;  // share of the points that lie on the map
};

struct Alignment {
  Pose pose;
  bool converged = false, cancelled = false;
  std::size_t points = 0, matched = 0, inliers = 0;
  double score = 0;           // share of the points on surfels
  double second = 0;          // the same at the second best place; 0: none was found
  std::vector<Place> others;  // that the wide search looked at
  double thickness = 0;       // mean of the surfels that the scan lies on, metres
  std::size_t covered = 0;    // points in a column of the map that holds surfels
  std::size_t clusters = 0;
  std::array<double, 36> scatter{};  // see Clusters
  double residual = 0;               // rms of the inliers' distances, metres
  int iterations = 0;
  std::array<double, 36> hessian{};
  double range = 0;  // weighted rms distance of the points from base_link, metres
  Eigen<6> eigen{};  // of the Hessian with rotation divided by `range`: all six in units of points
};

// A direction with less than this share of the strongest one is left alone by the solver.
constexpr double kSolvable = 1e-4;
// A correspondence may be this many kernel widths away.
constexpr double kGate = 3;

namespace detail {

struct Normals6 {
  std::array<double, 36> h{};
  std::array<double, 6> g{};
  double square = 0, inliers = 0, weight = 0, range2 = 0;
  std::size_t matched = 0;
};

// Blocks are summed in their order, whoever computed them: the same bits for any number of threads.
inline Normals6 linearise(const LineariseInput& in, std::size_t points, std::vector<BlockSums>& blocks,
                          ThreadPool& pool, const Kernels& kernel) {
  const std::size_t visited = (points + in.stride - 1) / in.stride;
  const std::size_t count = (visited + kBlock - 1) / kBlock;
  blocks.resize(count);
  pool.run(count, [&](std::size_t b) {
    const std::size_t from = b * kBlock;
    kernel.linearise(in, from * in.stride, std::min(kBlock, visited - from), blocks[b]);
  });
  Normals6 sum;
  for (const BlockSums& block : blocks) {
    for (int a = 0, at = 0; a < 6; a++) {
      sum.g[a] += block.g[a];
      for (int b = a; b < 6; b++) sum.h[a * 6 + b] += block.h[at++];
    }
    sum.square += block.square;
    sum.inliers += block.inliers;
    sum.weight += block.weight;
    sum.range2 += block.range2;
    sum.matched += block.matched;
  }
  for (int a = 0; a < 6; a++)
    for (int b = 0; b < a; b++) sum.h[a * 6 + b] = sum.h[b * 6 + a];
  return sum;
}

inline std::array<double, 36> scale_rotation(const std::array<double, 36>& h, double length) {
  std::array<double, 36> scaled = h;
  for (int a = 0; a < 6; a++)
    for (int b = 0; b < 6; b++) scaled[a * 6 + b] /= (a < 3 ? 1 : length) * (b < 3 ? 1 : length);
  return scaled;
}

using Step = std::array<double, 6>;  // metres and radians, map axes, about base_link

// −H⁻¹ g along the directions that `eigen` (of H with rotation divided by `length`) finds constrained.
inline Step solve(const Eigen<6>& eigen, const std::array<double, 6>& g, double length,
                  double solvable = kSolvable) {
  Step step{};
  for (int e = 0; e < 6; e++) {
    if (eigen.values[e] <= solvable * eigen.values[5]) continue;
    const double* v = &eigen.vectors[e * 6];
    double along = 0;
    for (int a = 0; a < 6; a++) along -= v[a] * g[a] / (a < 3 ? 1 : length);
    for (int a = 0; a < 6; a++) step[a] += v[a] * along / eigen.values[e] / (a < 3 ? 1 : length);
  }
  return step;
}

// The part of a step along the directions that `eigen` finds constrained: what the geometry leaves open stays
// as it is.
inline Step constrained(const Eigen<6>& eigen, const Step& step, double length, double solvable = kSolvable) {
  Step kept{};
  for (int e = 0; e < 6; e++) {
    if (eigen.values[e] <= solvable * eigen.values[5]) continue;
    const double* v = &eigen.vectors[e * 6];
    double along = 0;
    for (int a = 0; a < 6; a++) along += v[a] * step[a] * (a < 3 ? 1 : length);
    for (int a = 0; a < 6; a++) kept[a] += v[a] * along / (a < 3 ? 1 : length);
  }
  return kept;
}

inline Pose moved(const Pose& pose, const Step& step) {
  return {{pose.t[0] + step[0], pose.t[1] + step[1], pose.t[2] + step[2]},
          normalized(multiply(exp_so3({step[3], step[4], step[5]}), pose.q))};
}

inline double length_of(const double* v) {
  return std::sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
}

constexpr std::size_t kAll = std::numeric_limits<std::size_t>::max();

// Everything that one alignment needs again at each iteration.
class Aligner {
 public:
  Aligner(const TileSet& map, const Cloud& cloud, const Vec3& home, ThreadPool& pool, Simd simd)
      : points_(cloud.size()), pool_(pool), kernels_(kernels(simd)), matches_(cloud.size()) {
    in_.map = &map;
    in_.cloud = &cloud;
    for (int a = 0; a < 3; a++) in_.home[a] = home[a];
    in_.matches = matches_.data();
  }

  // Σ over about `points` of the cloud's points, evenly picked, matched to surfels.
  Normals6 linearise_surfels(const Pose& pose, double width, int level, std::size_t points) {
    set(pose, width, Metric::plane, points);
    in_.surfels = level;
    return detail::linearise(in_, points_, blocks_, pool_, kernels_);
  }

  // How about `points` points lie on surfels at a pose: the score as a share of them, the thickness as a
  // mean.
  SurfelScore surfel_score(const Pose& pose, double width, int level, std::size_t points) {
    set(pose, width, Metric::plane, points);
    in_.surfels = level;
    SurfelScore sum;
    for (std::size_t from = 0; from < visited(); from += kBlock)
      kernels_.surfel_score(in_, from * in_.stride, std::min(kBlock, visited() - from), sum);
    sum.score /= static_cast<double>(visited());
    sum.thickness /= std::max(sum.matched, 1.0);
    return sum;
  }

  // Σ over about `points` of the cloud's points, evenly picked.
  Normals6 linearise(const Pose& pose, double width, Metric metric, std::size_t points = kAll) {
    set(pose, width, metric, points);
    return detail::linearise(in_, points_, blocks_, pool_, kernels_);
  }

  // Σ k²/(k² + d²) at `pose` and each of `count` (at most kMaxShifts) shifts from it, over about `points`
  // points.
  void closeness(const Pose& pose, double width, std::size_t points, const std::array<float, 3>* shifts,
                 int count, double* sums) {
    set(pose, width, Metric::point, points);
    const std::size_t visited = this->visited();
    const std::size_t blocks = (visited + kBlock - 1) / kBlock;
    sums_.resize(blocks * count);
    pool_.run(blocks, [&](std::size_t b) {
      const std::size_t from = b * kBlock;
      kernels_.closeness(in_, shifts, count, from * in_.stride, std::min(kBlock, visited - from),
                         &sums_[b * count]);
    });
    for (int s = 0; s < count; s++) {
      sums[s] = 0;
      for (std::size_t b = 0; b < blocks; b++) sums[s] += sums_[b * count + s];
    }
  }

  // Σ w Jᵀ r by cluster, over the same points as the last call.
  Clusters cluster_gradients(const Pose& pose, double width, double side) {
    place(pose, width, Metric::plane);
    Clusters clusters(visited(), side);
    for (std::size_t from = 0; from < visited(); from += kBlock)
      kernels_.cluster_gradients(in_, from * in_.stride, std::min(kBlock, visited() - from), clusters);
    return clusters;
  }

  // Σ w Jᵀ r at poses a little beside the last one, over the same points: sums[a][s] of step s.
  void probe_gradients(const ProbeSteps& steps, double (*sums)[kProbes]) {
    constexpr std::size_t kSums = 6 * kProbes;
    const std::size_t blocks = (visited() + kBlock - 1) / kBlock;
    sums_.resize(blocks * kSums);
    pool_.run(blocks, [&](std::size_t b) {
      const std::size_t from = b * kBlock;
      kernels_.probe_gradients(in_, steps, from * in_.stride, std::min(kBlock, visited() - from),
                               reinterpret_cast<double(*)[kProbes]>(&sums_[b * kSums]));
    });
    for (int a = 0; a < 6; a++)
      for (int s = 0; s < kProbes; s++) {
        sums[a][s] = 0;
        for (std::size_t b = 0; b < blocks; b++) sums[a][s] += sums_[b * kSums + a * kProbes + s];
      }
  }

  // Of the same points, those in a column of the map that holds surfels.
  std::size_t covered() {
    in_.surfels = 0;
    std::size_t sum = 0;
    for (std::size_t from = 0; from < visited(); from += kBlock)
      sum += kernels_.covered(in_, from * in_.stride, std::min(kBlock, visited() - from));
    return sum;
  }

  // Points of the cloud that the last call looked at.
  std::size_t visited() const { return (points_ + in_.stride - 1) / in_.stride; }

 private:
  void set(const Pose& pose, double width, Metric metric, std::size_t points) {
    place(pose, width, metric);
    in_.stride = std::max<std::size_t>(1, points_ / points);
  }

  void place(const Pose& pose, double width, Metric metric) {
    const Mat3 R = rotation(pose.q);
    for (int k = 0; k < 9; k++) in_.R[k] = static_cast<float>(R[k]);
    for (int k = 0; k < 3; k++) in_.t[k] = pose.t[k];
    in_.kernel = static_cast<float>(width);
    const double gate = std::min(kGate * width, in_.map->tile_size());
    in_.max_d2 = static_cast<float>(gate * gate);
    in_.surfels = -1;
    in_.metric = metric;
    // What hardly moved since the last call will hardly move until the next.
    in_.nearly_still = metric == Metric::point || way_between(pose, last_, kArm) < kNearlyStill;
    last_ = pose;
  }

  std::size_t points_;
  ThreadPool& pool_;
  const Kernels& kernels_;
  Recycled<Match> matches_;
  std::vector<BlockSums> blocks_;
  std::vector<double> sums_;
  Pose last_{};
  LineariseInput in_;
};

}  // namespace detail
}  // namespace dilly
