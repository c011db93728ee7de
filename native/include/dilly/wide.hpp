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
// Places closer than this (metres, for points at the scan's range) are one.
constexpr double kSamePlace = 0.3;

namespace detail {

struct Place {
  Pose pose;
  double score = 0;  // share of the points that lie on the map
};

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

// Moves result.pose to the best place within reach, and says how good the second best is.
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
  for (const Place& place : found)
    if (way_between(place.pose, best->pose, kArm) > kSamePlace)
      result.second = std::max(result.second, place.score);
}

}  // namespace detail
}  // namespace dilly
