// Tiles, each with its own tree, and an immutable set of them that is searched as one.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "kdtree.hpp"
#include "surfels.hpp"

namespace dilly {

// Points with normals, ready to search.
struct Level {
  std::array<double, 3> origin;  // of the map frame; points are relative to it
  KdTree tree;
  std::vector<Leaf, AlignedAllocator<Leaf>> normals;  // by slot, as the tree's leaves
  float low[3], high[3];                              // box of the points

  std::size_t size() const { return tree.size(); }

  float box_distance2(const float q[3]) const {
    float sum = 0;
    for (int a = 0; a < 3; a++) {
      const float d = std::max(std::max(low[a] - q[a], q[a] - high[a]), 0.f);
      sum += d * d;
    }
    return sum;
  }
};

// A tile's points, and its surfels for the first, wide iterations of a registration. A dense cloud answers
// every query with a point next to it, so that a scan creeps; a surfel speaks for the surface of a whole
// cube.
struct Tile {
  Level points;
  SurfelGrid surfels[kSurfelLevels];

  std::size_t size() const { return points.size(); }
};

inline Level level_of(const Cloud& cloud, const std::array<double, 3>& origin, KdTree tree) {
  Level level;
  level.origin = origin;
  level.tree = std::move(tree);
  level.normals.resize(level.tree.leaves.size());
  for (std::size_t slot = 0; slot < level.tree.ids.size(); slot++) {
    const std::uint32_t id = level.tree.ids[slot];
    const bool real = id < cloud.size();
    Leaf& leaf = level.normals[slot / kLeaf];
    leaf.x[slot % kLeaf] = real ? cloud.nx[id] : 0;
    leaf.y[slot % kLeaf] = real ? cloud.ny[id] : 0;
    leaf.z[slot % kLeaf] = real ? cloud.nz[id] : 0;
  }
  const FloatBuffer* axes[3] = {&cloud.x, &cloud.y, &cloud.z};
  for (int a = 0; a < 3; a++) {
    level.low[a] = std::numeric_limits<float>::infinity();
    level.high[a] = -level.low[a];
    for (const float v : *axes[a]) {
      level.low[a] = std::min(level.low[a], v);
      level.high[a] = std::max(level.high[a], v);
    }
  }
  return level;
}

inline std::optional<Error> check_tile_cloud(const Cloud& cloud) {
  if (!cloud.has_normals())
    return Error{"no-normals", "expected a cloud with normals, found none; estimate them first"};
  if (cloud.size() == 0) return Error{"empty-cloud", "expected at least one point, found none"};
  for (std::size_t i = 0; i < cloud.size(); i++) {
    const float n2 = cloud.nx[i] * cloud.nx[i] + cloud.ny[i] * cloud.ny[i] + cloud.nz[i] * cloud.nz[i];
    if (!(std::fabs(n2 - 1) < 0.02f))
      return Error{"bad-normal", "expected unit normals, found squared length " + std::to_string(n2) +
                                     " at index " + std::to_string(i)};
  }
  return std::nullopt;
}

// Builds a tile from points with unit normals, both relative to `origin`, the tile's corner in the map frame.
inline Result<std::shared_ptr<const Tile>> build_tile(const Cloud& cloud,
                                                      const std::array<double, 3>& origin) {
  if (const auto error = check_tile_cloud(cloud)) return *error;
  Result<KdTree> tree = build_kdtree(cloud);
  if (!tree.ok()) return tree.error();
  auto tile = std::make_shared<Tile>();
  tile->points = level_of(cloud, origin, std::move(tree.value()));
  for (int level = 0; level < kSurfelLevels; level++) {
    Result<SurfelGrid> grid = build_surfels(cloud, kSurfelSizes[level]);
    if (!grid.ok()) return grid.error();
    tile->surfels[level] = std::move(grid.value());
  }
  return std::shared_ptr<const Tile>(std::move(tile));
}

using TileKey = std::pair<std::int32_t, std::int32_t>;

struct TileKeyHash {
  std::size_t operator()(const TileKey& key) const {
    const auto mixed = (static_cast<std::uint64_t>(static_cast<std::uint32_t>(key.first)) << 32 |
                        static_cast<std::uint32_t>(key.second)) *
                       0x9E3779B97F4A7C15ull;  // Fibonacci hashing: Knuth, TAOCP 3, 6.4
    return static_cast<std::size_t>(mixed ^ mixed >> 32);
  }
};

// An immutable set of tiles. A change makes a new set that shares the tiles, so that a search under way keeps
// its own.
class TileSet {
 public:
  explicit TileSet(double tile_size) : tile_size_(tile_size) {}

  std::shared_ptr<const TileSet> with(TileKey key, std::shared_ptr<const Tile> tile) const {
    auto next = std::make_shared<TileSet>(*this);
    next->tiles_[key] = std::move(tile);
    return next;
  }

  std::shared_ptr<const TileSet> without(TileKey key) const {
    auto next = std::make_shared<TileSet>(*this);
    next->tiles_.erase(key);
    return next;
  }

  const Tile* find(TileKey key) const {
    const auto at = tiles_.find(key);
    return at == tiles_.end() ? nullptr : at->second.get();
  }

  double tile_size() const { return tile_size_; }
  bool empty() const { return tiles_.empty(); }
  auto begin() const { return tiles_.begin(); }
  auto end() const { return tiles_.end(); }

 private:
  double tile_size_;
  std::unordered_map<TileKey, std::shared_ptr<const Tile>, TileKeyHash> tiles_;
};

// The tiles around a place, its own first: all that a ball of at most one tile's size can touch. Consecutive
// points mostly stay in one tile, so the look-up is kept.
class Surroundings {
 public:
  explicit Surroundings(const TileSet& set) : set_(&set) {}

  // Whether these are the tiles around (x, y) already.
  bool covers(double x, double y) const {
    return known_ && std::floor(x / set_->tile_size()) == i_ && std::floor(y / set_->tile_size()) == j_;
  }

  void move_to(double x, double y) {
    if (covers(x, y)) return;
    const double i = std::floor(x / set_->tile_size()), j = std::floor(y / set_->tile_size());
    // Beyond ±2^30 tiles there is no map; the cast below would overflow.
    const bool sane = std::fabs(i) < 1073741824.0 && std::fabs(j) < 1073741824.0;
    known_ = sane;
    count = 0;
    own = nullptr;
    if (!sane) return;
    i_ = static_cast<std::int32_t>(i);
    j_ = static_cast<std::int32_t>(j);
    static constexpr int steps[9][2] = {{0, 0},   {-1, 0}, {1, 0},  {0, -1}, {0, 1},
                                        {-1, -1}, {-1, 1}, {1, -1}, {1, 1}};
    for (const auto& step : steps)
      if (const Tile* tile = set_->find({i_ + step[0], j_ + step[1]})) {
        if (&step == steps) own = tile;
        tiles[count++] = tile;
      }
  }

  const Tile* own = nullptr;  // the tile over the place itself
  const Tile* tiles[9];
  int count = 0;

 private:
  const TileSet* set_;
  std::int32_t i_ = 0, j_ = 0;
  bool known_ = false;
};

}  // namespace dilly
