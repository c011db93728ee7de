// The places of a map where a scan could have been taken, from a guess that may be tens of metres and any
// heading off.
#pragma once

#include "place_search.hpp"
#include "surfel_steps.hpp"

namespace dilly {

// Further than this is another question, and much memory, metres.
constexpr double kPlaceMostReach = 150;

struct PlaceOptions {
  double reach, turn;  // how far off the prior may be over the plane, m, and in heading, rad
  double rise;         // and in height, m
};

// A place with the pose that the scan has there.
struct MapPlace {
  Pose pose;
  double coarse = 0;    // share of the scan's cells that the map has there
  double score = 0;     // share of what stands in the scan that lies on the map's points
  double surfaces = 0;  // share of all of the scan that lies on the map's surfels
};

struct Places {
  std::vector<MapPlace> found;  // best score first
  std::size_t nodes = 0;
  bool complete = true, cancelled = false;
};

// A place is aligned with these kernels, metres, and judged with the last.
constexpr double kPlaceKernel = 1.5, kPlaceKernelEnd = 0.3;
// Places closer than this are one, metres, for points at kArm.
constexpr double kPlaceSame = 1;
// Points that stand and that a place is judged by.
constexpr std::size_t kPlaceJudge = 1500;

namespace detail {

inline MapPlace settle_place(const TileSet& map, const Cloud& cloud, const PlaceScan& scan,
                             const Ground& ground, const Pose& prior, const PlaceFound& found, Simd simd,
                             const CancelFlag* cancel) {
  ThreadPool alone;
  MapPlace place;
  place.coarse = found.score;
  const float height = ground.at(found.x, found.y);
  place.pose = {{found.x, found.y, (height == kNoGround ? prior.t[2] : height - scan.ground)},
                normalized(multiply(exp_so3({0, 0, found.turn}), prior.q))};
  const AlignOptions options{kPlaceKernel, kPlaceKernelEnd, 40, 0.01, 0.001};
  Aligner aligner(map, cloud, place.pose.t, alone, simd);
  Alignment trial;
  trial.pose = place.pose;
  align_to_surfels(aligner, options, kPlaceKernel, kSurfelScanPoints, cancel, trial);
  place.pose = trial.pose;
  place.surfaces = aligner.surfel_score(trial.pose, kPlaceKernelEnd, kSurfelLevels - 1, kPlaceJudge).score;
  Aligner standing(map, scan.standing, place.pose.t, alone, simd);
  const std::array<float, 3> here{0, 0, 0};
  double sum = 0;
  standing.closeness(place.pose, kPlaceKernelEnd, kPlaceJudge, &here, 1, &sum);
  place.score = sum / static_cast<double>(standing.visited());
  return place;
}

// Best first, and of those that ended in one place the best alone.
inline void rank_places(std::vector<MapPlace>& places) {
  std::stable_sort(places.begin(), places.end(),
                   [](const MapPlace& a, const MapPlace& b) { return a.score > b.score; });
  std::vector<MapPlace> kept;
  for (const MapPlace& place : places)
    if (std::none_of(kept.begin(), kept.end(), [&](const MapPlace& other) {
          return way_between(place.pose, other.pose, kArm) < kPlaceSame;
        }))
      kept.push_back(place);
  places = std::move(kept);
}

}  // namespace detail

// The places within reach of `prior` (T_map_base, whose roll and pitch are taken to be right), best first.
// Nothing depends on the number of threads.
inline Places find_places(const TileSet& map, const Cloud& cloud, const Pose& prior,
                          const PlaceOptions& options, ThreadPool& pool, Simd simd,
                          const CancelFlag* cancel) {
  Places result;
  const PlaceScan scan = place_scan(cloud, normalized(prior.q));
  if (scan.places.empty() || map.empty()) return result;
  const double half = options.reach + kPlaceRange + 2 * kPlaceCell;
  const double z = prior.t[2] + scan.ground;
  const std::vector<const Tile*> tiles = detail::tiles_near(map, prior.t[0], prior.t[1], half);
  const Ground ground = map_ground(tiles, prior.t[0], prior.t[1], half, z - options.rise, z + options.rise);
  const PlacePyramid pyramid = place_pyramid(tiles, ground, prior.t[0], prior.t[1], half, kPlaceLevels);
  detail::PlaceSearcher searcher(pyramid, scan, prior.t[0], prior.t[1], options.reach, options.turn, pool);
  const PlaceSearch search = searcher.run(cancel);
  result.nodes = search.nodes;
  result.complete = search.complete;
  result.cancelled = search.cancelled;
  if (search.cancelled) return result;
  result.found.resize(search.places.size());
  pool.run(search.places.size(), [&](std::size_t k) {
    result.found[k] = detail::settle_place(map, cloud, scan, ground, prior, search.places[k], simd, cancel);
  });
  result.cancelled = is_cancelled(cancel);
  detail::rank_places(result.found);
  return result;
}

}  // namespace dilly
