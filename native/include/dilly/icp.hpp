// Point-to-plane registration of a cloud to a set of tiles: Gauss–Newton on SE(3) with a graduated robust
// kernel.
//
//   r_i = n_i · (R p_i + t − q_i)                       Chen & Medioni 1992
//   J_i = [ n_iᵀ , ((R p_i) × n_i)ᵀ ]                   for T ← [exp(θ) R, t + δ]: θ, δ in map axes at
//   base_link w_i = (k² / (k² + r_i²))²                           Geman–McClure, k falling from kernel_start
//   to kernel_end:
//                                                       graduated non-convexity, Blake & Zisserman 1987
//   (Σ w JᵀJ) x = − Σ w Jᵀ r, solved only along directions that the geometry constrains (Zhang, Kaess & Singh
//   2016)
#pragma once

#include "dispatch.hpp"
#include "linalg.hpp"
#include "parallel.hpp"

namespace dilly {

struct AlignOptions {
  double kernel_start, kernel_end;  // metres
  int max_iterations;
  double translation_epsilon, rotation_epsilon;  // m, rad
};

struct Alignment {
  Pose pose;
  bool converged = false, cancelled = false;
  std::size_t points = 0, matched = 0, inliers = 0;
  double residual = 0;  // rms of the inliers' distances, metres
  int iterations = 0;
  std::array<double, 36> hessian{};
  double range = 0;  // weighted rms distance of the points from base_link, metres
  Eigen<6> eigen{};  // of the Hessian with rotation divided by `range`: all six in units of points
};

constexpr double kKernelDecay = 0.6;
// The kernel narrows when a step moves the points by less than this share of its width: not before the pose
// has come as near as the present width can bring it.
constexpr double kSettled = 0.1;
// Wider kernels than this (metres) go to the surfels, narrower ones to the points.
constexpr double kCoarseKernel = 0.35;
// A direction with less than this share of the strongest one is left alone by the solver.
constexpr double kSolvable = 1e-4;
// The search for a closer place: from and to this reach (metres), over about so many points; a place must be
// this much closer to be taken.
constexpr double kSearchFrom = 0.8, kSearchTo = 0.03, kSearchGain = 1.0005;
constexpr std::size_t kSearchPoints = 2500;
constexpr double kSearchWide = 0.15;  // half the points are enough from this reach on
// Forward, sideways, up, and aslant.
constexpr double kSides[10][3] = {{1, 0, 0},  {-1, 0, 0},    {0, 1, 0},      {0, -1, 0},     {0, 0, 1},
                                  {0, 0, -1}, {0.7, 0.7, 0}, {0.7, -0.7, 0}, {-0.7, 0.7, 0}, {-0.7, -0.7, 0}};
// Settling: at most so many iterations, over about so many points, until a plain step moves them less than
// this (metres).
constexpr int kSettleIterations = 20;
constexpr std::size_t kSettlePoints = 4000;
constexpr double kSettleEpsilon = 0.0005;
// A map whose surfaces are thinner than this (rms distance of the inliers, metres) has one layer: planes
// suffice.
constexpr double kCrisp = 0.02;
// Until that is known, and where points decide, planes need not settle to more than this many epsilons.
constexpr double kRough = 4;
// Elsewhere planes have the last word only if the scan stays this close to the map points.
constexpr double kPolishKeeps = 0.998;
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
inline Step solve(const Eigen<6>& eigen, const std::array<double, 6>& g, double length) {
  Step step{};
  for (int e = 0; e < 6; e++) {
    if (eigen.values[e] <= kSolvable * eigen.values[5]) continue;
    const double* v = &eigen.vectors[e * 6];
    double along = 0;
    for (int a = 0; a < 6; a++) along -= v[a] * g[a] / (a < 3 ? 1 : length);
    for (int a = 0; a < 6; a++) step[a] += v[a] * along / eigen.values[e] / (a < 3 ? 1 : length);
  }
  return step;
}

// The part of a step along the directions that `eigen` finds constrained: what the geometry leaves open stays
// as it is.
inline Step constrained(const Eigen<6>& eigen, const Step& step, double length) {
  Step kept{};
  for (int e = 0; e < 6; e++) {
    if (eigen.values[e] <= kSolvable * eigen.values[5]) continue;
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

// Everything that one alignment needs again at each iteration.
class Aligner {
 public:
  Aligner(const TileSet& map, const Cloud& cloud, ThreadPool& pool, Simd simd)
      : points_(cloud.size()), pool_(pool), kernels_(kernels(simd)), matches_(cloud.size()) {
    in_.map = &map;
    in_.cloud = &cloud;
    in_.matches = matches_.data();
    in_.level = &Tile::fine;
  }

  Normals6 linearise(const Pose& pose, double width, Metric metric, std::size_t stride = 1) {
    const Mat3 R = rotation(pose.q);
    for (int k = 0; k < 9; k++) in_.R[k] = static_cast<float>(R[k]);
    for (int k = 0; k < 3; k++) in_.t[k] = pose.t[k];
    in_.kernel = static_cast<float>(width);
    const double gate = std::min(kGate * width, in_.map->tile_size());
    in_.max_d2 = static_cast<float>(gate * gate);
    const auto level = width > kCoarseKernel ? &Tile::coarse : &Tile::fine;
    if (level != in_.level) std::fill(matches_.begin(), matches_.end(), Match{});
    in_.level = level;
    in_.metric = metric;
    in_.stride = stride;
    return detail::linearise(in_, points_, blocks_, pool_, kernels_);
  }

  std::size_t points() const { return points_; }

 private:
  std::size_t points_;
  ThreadPool& pool_;
  const Kernels& kernels_;
  std::vector<Match> matches_;
  std::vector<BlockSums> blocks_;
  LineariseInput in_;
};

// Gauss–Newton on planes from `width` down to options.kernel_end; fills the evidence.
inline void align_to_planes(Aligner& aligner, const AlignOptions& options, double width, int iterations,
                            const CancelFlag* cancel, Alignment& result) {
  result.converged = false;
  for (int iteration = 0; iteration < iterations; iteration++) {
    if ((result.cancelled = is_cancelled(cancel))) return;
    const Normals6 sum = aligner.linearise(result.pose, width, Metric::plane);
    result.iterations++;
    result.matched = sum.matched;
    result.inliers = static_cast<std::size_t>(sum.inliers);
    result.residual = sum.inliers > 0 ? std::sqrt(sum.square / sum.inliers) : 0;
    result.hessian = sum.h;
    if (!(sum.weight > 0)) return;
    const double length = result.range = std::max(std::sqrt(sum.range2 / sum.weight), 1e-6);
    result.eigen = eigen_symmetric<6>(scale_rotation(sum.h, length));
    const Step step = solve(result.eigen, sum.g, length);
    result.pose = moved(result.pose, step);
    const double shift = length_of(&step[0]), turn = length_of(&step[3]);
    if (width <= options.kernel_end && shift < options.translation_epsilon &&
        turn < options.rotation_epsilon) {
      result.converged = true;
      return;
    }
    if (shift + turn * length < kSettled * width) width = std::max(options.kernel_end, width * kKernelDecay);
  }
}

// Σ w and its maximiser's steps: see settle_on_points. Coordinates of the acceleration: step from the start,
// rotation times range, so that all are metres.
constexpr int kMemory = 4;

// Anderson's mixing: from the last points and the plain steps f there, the step that would cancel f if the
// iteration were linear (Walker & Ni 2011).
inline Step mix(const std::vector<Step>& at, const std::vector<Step>& f) {
  const int m = static_cast<int>(std::min<std::size_t>(f.size() - 1, kMemory));
  const Step& last = f.back();
  Step next = last;
  if (m == 0) return next;
  double a[kMemory][kMemory + 1] = {};
  const auto df = [&](int i, int k) { return f[f.size() - 1 - i][k] - f[f.size() - 2 - i][k]; };
  const auto dx = [&](int i, int k) { return at[f.size() - 1 - i][k] - at[f.size() - 2 - i][k]; };
  double trace = 0;
  for (int i = 0; i < m; i++)
    for (int k = 0; k < 6; k++) {
      for (int j = 0; j < m; j++) a[i][j] += df(i, k) * df(j, k);
      a[i][m] += df(i, k) * last[k];
      trace += df(i, k) * df(i, k);
    }
  for (int i = 0; i < m; i++) a[i][i] += 1e-8 * trace + 1e-18;
  for (int i = 0; i < m; i++)  // Gauss; symmetric and positive definite
    for (int r = 0; r < m; r++) {
      if (r == i) continue;
      const double ratio = a[r][i] / a[i][i];
      for (int c = i; c <= m; c++) a[r][c] -= ratio * a[i][c];
    }
  for (int i = 0; i < m; i++)
    for (int k = 0; k < 6; k++) next[k] -= a[i][m] / a[i][i] * (dx(i, k) + df(i, k));
  return next;
}

// How much of the scan lies next to map points: Σ k²/(k² + d²) over the distances d to the nearest map
// points.
inline double closeness(Aligner& aligner, const Pose& pose, double kernel, std::size_t points) {
  const std::size_t stride = std::max<std::size_t>(1, aligner.points() / points);
  return aligner.linearise(pose, kernel, Metric::point, stride).square * static_cast<double>(stride);
}

// Planes do not tell which of several layers of a map the scan lies in, and a map whose poses drifted while
// it was made has many. So looks around for a place that is closer to map points: a pattern search over x, y,
// z (Hooke & Jeeves 1961) from wide to narrow.
inline void search_around(Aligner& aligner, const AlignOptions& options, Alignment& result) {
  for (double reach = kSearchFrom; reach > kSearchTo;) {
    const std::size_t points = reach < kSearchWide ? kSearchPoints : kSearchPoints / 2;
    const double best = closeness(aligner, result.pose, options.kernel_end, points);
    Pose next = result.pose;
    double high = best * kSearchGain;
    const Mat3 R = rotation(result.pose.q);
    for (const auto& side : kSides) {
      const Vec3 d = multiply(R, {reach * side[0], reach * side[1], reach * side[2]});
      const Pose trial =
          moved(result.pose, constrained(result.eigen, {d[0], d[1], d[2], 0, 0, 0}, result.range));
      const double there = closeness(aligner, trial, options.kernel_end, points);
      if (there <= high) continue;
      high = there;
      next = trial;
    }
    result.iterations++;
    if (high > best * kSearchGain) {
      result.pose = next;
    } else {
      reach /= 2;
    }
  }
}

// Climbs to the nearest maximum of the closeness by reweighted point-to-point steps, accelerated (Zhang, Yao
// & Deng 2021, Fast and Robust ICP). Coordinates: step from the start, rotation times range, so that all are
// metres.
inline void settle_on_points(Aligner& aligner, const AlignOptions& options, const CancelFlag* cancel,
                             Alignment& result) {
  const std::size_t stride = std::max<std::size_t>(1, aligner.points() / kSettlePoints);
  const Pose start = result.pose;
  const double range = std::max(result.range, 1.0);
  const auto pose_at = [&](const Step& u) {
    return moved(start, {u[0], u[1], u[2], u[3] / range, u[4] / range, u[5] / range});
  };
  std::vector<Step> at, f;
  Step u{};
  double best = -1;
  for (int iteration = 0; iteration < kSettleIterations; iteration++) {
    if ((result.cancelled = is_cancelled(cancel))) return;
    const Normals6 sum = aligner.linearise(pose_at(u), options.kernel_end, Metric::point, stride);
    result.iterations++;
    if (!(sum.weight > 0)) return;
    if (sum.square < best) {  // the mixed step went down: take the plain one instead
      if (at.size() == 1) return;
      u = at.back();
      for (int k = 0; k < 6; k++) u[k] += f.back()[k];
      at = {at.back()};
      f = {f.back()};
      best = -1;
      continue;
    }
    best = sum.square;
    result.pose = pose_at(u);
    Step step = constrained(
        result.eigen, solve(eigen_symmetric<6>(scale_rotation(sum.h, range)), sum.g, range), result.range);
    for (int k = 3; k < 6; k++) step[k] *= range;
    at.push_back(u);
    f.push_back(step);
    if (length_of(&step[0]) + length_of(&step[3]) < kSettleEpsilon) return;
    const Step next = mix(at, f);
    const double far = length_of(&next[0]) + length_of(&next[3]);
    for (int k = 0; k < 6; k++) u[k] += next[k] * std::min(1.0, options.kernel_end / far);
  }
}

}  // namespace detail

// Aligns `cloud` (base frame) to `map` from the start T_map_base. Never fails for bad geometry: the counts
// say it.
inline Alignment align(const TileSet& map, const Cloud& cloud, const Pose& start, const AlignOptions& options,
                       ThreadPool& pool, Simd simd, const CancelFlag* cancel) {
  Alignment result;
  result.pose = {start.t, normalized(start.q)};
  result.points = cloud.size();
  if (cloud.size() == 0 || map.empty()) return result;
  detail::Aligner aligner(map, cloud, pool, simd);
  AlignOptions rough = options;
  rough.translation_epsilon *= kRough;
  rough.rotation_epsilon *= kRough;
  detail::align_to_planes(aligner, rough, options.kernel_start, options.max_iterations, cancel, result);
  if (result.cancelled) return result;
  if (options.kernel_end > kCoarseKernel || result.residual <= kCrisp) {
    detail::align_to_planes(aligner, options, options.kernel_end, options.max_iterations, cancel, result);
    return result;
  }
  detail::search_around(aligner, options, result);
  detail::settle_on_points(aligner, options, cancel, result);
  if (result.cancelled) return result;
  const Pose settled = result.pose;
  const double before = detail::closeness(aligner, settled, options.kernel_end, kSettlePoints);
  detail::align_to_planes(aligner, rough, options.kernel_end, options.max_iterations, cancel, result);
  if (detail::closeness(aligner, result.pose, options.kernel_end, kSettlePoints) < kPolishKeeps * before)
    result.pose = settled;
  return result;
}

}  // namespace dilly
