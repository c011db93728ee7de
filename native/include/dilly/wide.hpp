// Which of the places around is it? For a start that may be metres or tens of degrees off: places on a grid
// are scored on wide surfels, the best are aligned, and of these the one is taken that most of the scan lies
// on.
#pragma once

#include <algorithm>

#include "surfel_steps.hpp"

namespace dilly {

// Starts within this (metres, rad) need no search.
constexpr double kNearReach = 0.7, kNearTurn = 0.1;
// The grid's steps (metres along x and y, metres along z, rad about z): half of what the widest surfels
// forgive.
constexpr double kGridStep = 1, kGridRise = 1.3, kGridTurn = 0.14;
// Its score: over about so many points, with this kernel (metres).
constexpr std::size_t kGridPoints = 150;
constexpr double kGridKernel = 0.5;
// So many places of the grid are aligned, the start besides.
constexpr int kGridTries = 8;
// An aligned place is judged over about so many points.
constexpr std::size_t kJudgePoints = 1500;
// Places closer than this (metres, for points within kArm) are one.
constexpr double kSamePlace = 0.3;
// A direction with less than this share of the strongest one tells no places apart: as
// registration.minConstraint.
constexpr double kHeld = 4e-3;

namespace detail {

// The places of the grid around `start`, best first.
inline std::vector<Place> grid_places(Aligner& aligner, const Pose& start, double reach, double turn,
                                      const CancelFlag* cancel) {
  const int side = static_cast<int>(std::ceil(reach / kGridStep - 1e-9));
  const int rise = static_cast<int>(std::ceil(reach / kGridRise - 0.6));
  const int turns = static_cast<int>(std::ceil(turn / kGridTurn - 0.5));
  std::vector<Place> places;
  for (int a = -turns; a <= turns && !is_cancelled(cancel); a++) {
    const Quat q = normalized(multiply(exp_so3({0, 0, a * kGridTurn}), start.q));
    for (int k = -rise; k <= rise; k++)
      for (int j = -side; j <= side; j++)
        for (int i = -side; i <= side; i++) {
          const Pose pose{
              {start.t[0] + i * kGridStep, start.t[1] + j * kGridStep, start.t[2] + k * kGridRise}, q};
          places.push_back({pose, aligner.surfel_score(pose, kGridKernel, 0, kGridPoints).score});
        }
  }
  std::stable_sort(places.begin(), places.end(),
                   [](const Place& a, const Place& b) { return a.score > b.score; });
  return places;
}

// Moves result.pose to the best place within reach, and keeps the others.
inline void search_wide(Aligner& aligner, const AlignOptions& options, const CancelFlag* cancel,
                        Alignment& result) {
  const std::vector<Place> grid = grid_places(aligner, result.pose, options.reach, options.turn, cancel);
  std::vector<Pose> starts{result.pose};
  for (std::size_t k = 0; k < grid.size() && k < kGridTries; k++) starts.push_back(grid[k].pose);
  std::vector<Place> found;
  for (const Pose& start : starts) {
    Alignment trial;
    trial.pose = start;
    align_to_surfels(aligner, options, options.kernel_start, kTrialPoints, cancel, trial);
    if ((result.cancelled = trial.cancelled)) return;
    result.iterations += trial.iterations;
    found.push_back(
        {trial.pose,
         aligner.surfel_score(trial.pose, options.kernel_end, kSurfelLevels - 1, kJudgePoints).score});
  }
  const auto best = std::max_element(found.begin(), found.end(),
                                     [](const Place& a, const Place& b) { return a.score < b.score; });
  result.pose = best->pose;
  result.others = std::move(found);
}

// How good the best of the other places is that lies elsewhere along what the geometry holds: places along a
// plain wall, which nothing tells apart, are one.
inline double second_best(const Alignment& result) {
  double second = 0;
  for (const Place& other : result.others) {
    const Vec3 turn = log_so3(multiply(other.pose.q, conjugate(result.pose.q)));
    Step way{0, 0, 0, turn[0], turn[1], turn[2]};
    for (int a = 0; a < 3; a++) way[a] = other.pose.t[a] - result.pose.t[a];
    way = constrained(result.eigen, way, result.range, kHeld);
    if (length_of(&way[0]) + kArm * length_of(&way[3]) > kSamePlace) second = std::max(second, other.score);
  }
  return second;
}

}  // namespace detail
}  // namespace dilly
