// Which of several layers of a map does a scan lie in? Planes do not tell: every layer has the same ones. A
// map has layers where its poses drifted while it was made.
#pragma once

#include <algorithm>
#include <iterator>

#include "aligner.hpp"

namespace dilly {

// The search: from and to this reach (metres), over about so many points; a place must be this much closer to
// be taken.
constexpr double kSearchFrom = 0.8, kSearchTo = 0.03, kSearchGain = 1.0005;
constexpr std::size_t kSearchPoints = 1250;
// Here; forward, sideways, up, and aslant.
constexpr double kSides[11][3] = {{0, 0, 0},      {1, 0, 0},      {-1, 0, 0},     {0, 1, 0},
                                  {0, -1, 0},     {0, 0, 1},      {0, 0, -1},     {0.7, 0.7, 0},
                                  {0.7, -0.7, 0}, {-0.7, 0.7, 0}, {-0.7, -0.7, 0}};
// Settling: at most so many iterations, over about so many points, until a plain step moves them less than
// this (metres).
constexpr int kSettleIterations = 20;
constexpr std::size_t kSettlePoints = 12000;
constexpr double kSettleEpsilon = 0.001;
// The height: averaged over this reach (metres) both ways in such steps, over about so many points; a place e
// times less likely is this share less close, at this kernel (metres).
constexpr double kHeightReach = 0.3, kHeightStep = 0.05, kHeightShare = 0.02, kHeightKernel = 0.1;
constexpr std::size_t kHeightPoints = 4000;

namespace detail {

// Looks around for a place that is closer to map points: a pattern search over x, y, z (Hooke & Jeeves 1961)
// from `reach` (metres) to narrow. Closeness: Σ k²/(k² + d²) over the distances d to the nearest map points.
inline void search_around(Aligner& aligner, const AlignOptions& options, double reach, Alignment& result) {
  constexpr int kTrials = static_cast<int>(std::size(kSides));
  int known = 0;  // 1: close[0] is, since the place is the last one
  double close[kTrials];
  while (reach > kSearchTo) {
    const Mat3 R = rotation(result.pose.q);
    Step steps[kTrials];
    std::array<float, 3> shifts[kTrials];
    for (int s = 0; s < kTrials; s++) {
      const Vec3 d = multiply(R, {reach * kSides[s][0], reach * kSides[s][1], reach * kSides[s][2]});
      steps[s] = constrained(result.eigen, {d[0], d[1], d[2], 0, 0, 0}, result.range);
      for (int a = 0; a < 3; a++) shifts[s][a] = static_cast<float>(steps[s][a]);
    }
    aligner.closeness(result.pose, options.kernel_end, kSearchPoints, shifts + known, kTrials - known,
                      close + known);
    result.iterations++;
    const int best = static_cast<int>(std::max_element(close, close + kTrials) - close);
    known = close[best] > close[0] * kSearchGain ? 0 : 1;
    if (known) {
      reach /= 2;
    } else {
      result.pose = moved(result.pose, steps[best]);
    }
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

// Climbs to the nearest maximum of the closeness by reweighted point-to-point steps, accelerated (Zhang, Yao
// & Deng 2021, Fast and Robust ICP). Coordinates: step from the start, rotation times range, so that all are
// metres.
inline void settle_on_points(Aligner& aligner, const AlignOptions& options, const CancelFlag* cancel,
                             Alignment& result) {
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
    const Normals6 sum = aligner.linearise(pose_at(u), options.kernel_end, Metric::point, kSettlePoints);
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

// Sideways a scan has one closest layer; in height, where nearly all of it is the ground, it often lies about
// as close to several. Then the mean of all, weighted by how likely each is, errs least: the expectation for
// the maximum that was climbed to. Moves result.pose along the robot's vertical, as far as that is measured.
inline void average_height(Aligner& aligner, Alignment& result) {
  constexpr int kTrials = 2 * static_cast<int>(kHeightReach / kHeightStep + 0.5) + 1;
  const Mat3 R = rotation(result.pose.q);
  Step steps[kTrials];
  std::array<float, 3> shifts[kTrials];
  for (int s = 0; s < kTrials; s++) {
    const Vec3 d = multiply(R, {0, 0, -kHeightReach + kHeightStep * s});
    steps[s] = constrained(result.eigen, {d[0], d[1], d[2], 0, 0, 0}, result.range);
    for (int a = 0; a < 3; a++) shifts[s][a] = static_cast<float>(steps[s][a]);
  }
  double close[kTrials];
  aligner.closeness(result.pose, kHeightKernel, kHeightPoints, shifts, kTrials, close);
  result.iterations++;
  const double top = *std::max_element(close, close + kTrials);
  if (!(top > 0)) return;
  double sum = 0;
  Step mean{};
  for (int s = 0; s < kTrials; s++) {
    const double weight = std::exp((close[s] / top - 1) / kHeightShare);
    sum += weight;
    for (int a = 0; a < 6; a++) mean[a] += weight * steps[s][a];
  }
  for (double& v : mean) v /= sum;
  result.pose = moved(result.pose, mean);
}

}  // namespace detail
}  // namespace dilly
