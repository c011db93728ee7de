// Where a map stands above its ground, as bits on a grid: what a scan is looked for on, and the ground it
// stands on.
#pragma once

#include <cstdint>
#include <limits>

#include "tile.hpp"

namespace dilly {

// Side of a cell, metres: a scan that is half a cell and half a yaw step off still finds most of itself.
constexpr double kPlaceCell = 0.5;
// Heights above the ground from kPlaceFoot on, in so many steps of kPlaceStorey, metres; all above is the
// last.
constexpr double kPlaceFoot = 0.5, kPlaceStorey = 1;
constexpr int kPlaceStoreys = 16;
// A map point stands for this much around it, metres over the plane and in height.
constexpr double kPlaceBlur = 0.25, kPlaceBlurHeight = 0.3;
// Side of the cells of the ground, metres, and over how many of them it is carried on where the map has none.
constexpr double kGroundCell = 2;
constexpr int kGroundReach = 5;
// The least upward part of a ground's normal.
constexpr float kGroundUp = 0.85f;

constexpr float kNoGround = std::numeric_limits<float>::infinity();

using StoreyBits = std::uint16_t;

// The bit of a height above the ground, or none where it is ground itself.
inline StoreyBits storey_bit(double height) {
  if (!(height >= kPlaceFoot)) return 0;
  const double storey = (height - kPlaceFoot) / kPlaceStorey;
  return static_cast<StoreyBits>(1u << static_cast<int>(std::min(storey, kPlaceStoreys - 1.0)));
}

// A square grid of the map frame.
struct PlaceFrame {
  double low[2];  // corner of the first cell, metres
  double cell;
  int side;  // cells along x and along y

  int cell_of(double v, int axis) const { return static_cast<int>(std::floor((v - low[axis]) / cell)); }
  bool holds(int i, int j) const { return i >= 0 && j >= 0 && i < side && j < side; }
  std::size_t at(int i, int j) const { return static_cast<std::size_t>(j) * side + i; }
};

inline PlaceFrame place_frame(double x, double y, double half, double cell) {
  return {{std::floor((x - half) / cell) * cell, std::floor((y - half) / cell) * cell},
          cell,
          2 * static_cast<int>(std::ceil(half / cell)) + 1};
}

// Height of the lowest ground of each cell; kNoGround where there is none near.
struct Ground {
  PlaceFrame frame;
  std::vector<float> height;

  float at(double x, double y) const {
    const int i = frame.cell_of(x, 0), j = frame.cell_of(y, 1);
    return frame.holds(i, j) ? height[frame.at(i, j)] : kNoGround;
  }
};

namespace detail {

// Where there is no ground, the lowest of the cells around, again and again.
inline void carry_on(Ground& ground) {
  for (int round = 0; round < kGroundReach; round++) {
    const std::vector<float> before = ground.height;
    for (int j = 0; j < ground.frame.side; j++)
      for (int i = 0; i < ground.frame.side; i++) {
        float& here = ground.height[ground.frame.at(i, j)];
        if (here != kNoGround) continue;
        for (int dj = -1; dj <= 1; dj++)
          for (int di = -1; di <= 1; di++)
            if (ground.frame.holds(i + di, j + dj))
              here = std::min(here, before[ground.frame.at(i + di, j + dj)]);
      }
  }
}

template <class Visit>
void each_point(const Tile& tile, const Visit& visit) {
  const Level& level = tile.points;
  const std::size_t count = level.tree.ids.size();
  for (std::size_t slot = 0; slot < count; slot++) {
    if (level.tree.ids[slot] >= tile.size()) continue;  // padding of the last leaf
    const Leaf& leaf = level.tree.leaves[slot / kLeaf];
    const std::size_t k = slot % kLeaf;
    visit(leaf.x[k] + level.origin[0], leaf.y[k] + level.origin[1], leaf.z[k] + level.origin[2]);
  }
}

// Tiles that touch the square around (x, y), in the order of their keys, so that nothing depends on a hash.
inline std::vector<const Tile*> tiles_near(const TileSet& map, double x, double y, double half) {
  std::vector<std::pair<TileKey, const Tile*>> near;
  for (const auto& [key, tile] : map) {
    const double s = map.tile_size(), i = key.first * s, j = key.second * s;
    if (i < x + half && i + s > x - half && j < y + half && j + s > y - half)
      near.push_back({key, tile.get()});
  }
  std::sort(near.begin(), near.end());
  std::vector<const Tile*> tiles;
  for (const auto& one : near) tiles.push_back(one.second);
  return tiles;
}

}  // namespace detail

// The lowest level surfels of the tiles, of those between `low` and `high` (metres, map frame).
inline Ground map_ground(const std::vector<const Tile*>& tiles, double x, double y, double half, double low,
                         double high) {
  Ground ground{place_frame(x, y, half, kGroundCell), {}};
  ground.height.assign(static_cast<std::size_t>(ground.frame.side) * ground.frame.side, kNoGround);
  for (const Tile* tile : tiles) {
    const std::array<double, 3>& origin = tile->points.origin;
    for (const Surfel& surfel : tile->surfels[1].surfels) {
      if (std::fabs(surfel.normal[2] * kSurfelNormalUnit) < kGroundUp) continue;
      const double z = surfel.mean[2] + origin[2];
      const int i = ground.frame.cell_of(surfel.mean[0] + origin[0], 0),
                j = ground.frame.cell_of(surfel.mean[1] + origin[1], 1);
      if (z < low || z > high || !ground.frame.holds(i, j)) continue;
      float& here = ground.height[ground.frame.at(i, j)];
      here = std::min(here, static_cast<float>(z));
    }
  }
  detail::carry_on(ground);
  return ground;
}

// Level 0 holds the storeys that each cell stands on; cell (i, j) of level n all those of the cells
// [i, i + 2ⁿ) × [j, j + 2ⁿ): no pose within them can find more (Olson 2009; Hess et al. 2016).
struct PlacePyramid {
  PlaceFrame frame;
  std::vector<std::vector<StoreyBits>> levels;
};

inline PlacePyramid place_pyramid(const std::vector<const Tile*>& tiles, const Ground& ground, double x,
                                  double y, double half, int levels) {
  PlacePyramid pyramid{place_frame(x, y, half, kPlaceCell), {}};
  const PlaceFrame& frame = pyramid.frame;
  pyramid.levels.resize(levels);
  std::vector<StoreyBits>& first = pyramid.levels[0];
  first.assign(static_cast<std::size_t>(frame.side) * frame.side, 0);
  for (const Tile* tile : tiles)
    detail::each_point(*tile, [&](double px, double py, double pz) {
      const double height = pz - ground.at(px, py);
      const StoreyBits bits = storey_bit(height - kPlaceBlurHeight) | storey_bit(height + kPlaceBlurHeight);
      if (bits == 0) return;
      const int i0 = std::max(frame.cell_of(px - kPlaceBlur, 0), 0),
                i1 = std::min(frame.cell_of(px + kPlaceBlur, 0), frame.side - 1),
                j0 = std::max(frame.cell_of(py - kPlaceBlur, 1), 0),
                j1 = std::min(frame.cell_of(py + kPlaceBlur, 1), frame.side - 1);
      for (int j = j0; j <= j1; j++)
        for (int i = i0; i <= i1; i++) first[frame.at(i, j)] |= bits;
    });
  for (int n = 1; n < levels; n++) {
    const std::vector<StoreyBits>& below = pyramid.levels[n - 1];
    std::vector<StoreyBits>& here = pyramid.levels[n];
    here.resize(below.size());
    const int step = 1 << (n - 1);
    for (int j = 0; j < frame.side; j++)
      for (int i = 0; i < frame.side; i++) {
        const bool right = i + step < frame.side, up = j + step < frame.side;
        StoreyBits bits = below[frame.at(i, j)];
        if (right) bits |= below[frame.at(i + step, j)];
        if (up) bits |= below[frame.at(i, j + step)];
        if (right && up) bits |= below[frame.at(i + step, j + step)];
        here[frame.at(i, j)] = bits;
      }
  }
  return pyramid;
}

}  // namespace dilly
