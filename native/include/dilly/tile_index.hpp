// What takes long to build of a tile, as bytes that can be read back: the order of its points in the tree,
// and its surfels. Points and normals are not in it: they always come from the tile's own file.
//
//   layout    u32 × 5: kTileIndexFormat, kLeaf, kFan, sizeof(Surfel), kSurfelLevels
//   order     u32 points, u32 × points: the tree's ids, leaf by leaf, without the padding of the last
//   surfels   of each level: f32 size, f32 × 3 low, i32 × 2 columns, u32 surfels, u32 × (columns + 1) first,
//   Surfel × surfels
//
// All in the order of bytes of the host, which the reader of the file around it checks.
#pragma once

#include <cstring>

#include "tile.hpp"

namespace dilly {

// Rises with every change of what is written, or of how it is computed.
constexpr std::uint32_t kTileIndexFormat = 1;

namespace detail {

constexpr std::uint32_t kIndexLayout[] = {kTileIndexFormat, kLeaf, kFan, sizeof(Surfel), kSurfelLevels};

template <class T>
void append(std::vector<std::uint8_t>& to, const T* values, std::size_t count) {
  const auto* const from = reinterpret_cast<const std::uint8_t*>(values);
  to.insert(to.end(), from, from + count * sizeof(T));
}

// Takes values from the front of bytes; what is not there is not given.
struct ByteReader {
  const std::uint8_t* at;
  std::size_t left;

  template <class T>
  bool take(T* values, std::size_t count) {
    if (count > left / sizeof(T)) return false;
    if (count > 0) std::memcpy(values, at, count * sizeof(T));  // of nothing `values` may be null
    at += count * sizeof(T);
    left -= count * sizeof(T);
    return true;
  }

  template <class T>
  bool take(std::vector<T>& values, std::size_t count) {
    if (count > left / sizeof(T)) return false;
    values.resize(count);
    return take(values.data(), count);
  }
};

// Whether a look-up in the grid stays within it, whatever its bytes are.
inline bool is_sound(const SurfelGrid& grid, double size) {
  if (grid.size != static_cast<float>(size)) return false;
  for (const float low : grid.low)
    if (!std::isfinite(low)) return false;
  if (grid.first.front() != 0 || grid.first.back() != grid.surfels.size()) return false;
  for (std::size_t c = 1; c < grid.first.size(); c++)
    if (grid.first[c] < grid.first[c - 1]) return false;
  for (const Surfel& surfel : grid.surfels)
    if (!std::isfinite(surfel.mean[0]) || !std::isfinite(surfel.mean[1]) || !std::isfinite(surfel.mean[2]))
      return false;
  return true;
}

inline bool read_surfels(ByteReader& from, double size, SurfelGrid& grid) {
  std::uint32_t count;
  if (!from.take(&grid.size, 1) || !from.take(grid.low, 3) || !from.take(grid.columns, 2) ||
      !from.take(&count, 1))
    return false;
  for (const std::int32_t columns : grid.columns)
    if (columns < 1 || columns > kSurfelColumns) return false;
  const std::size_t columns = static_cast<std::size_t>(grid.columns[0]) * grid.columns[1];
  return from.take(grid.first, columns + 1) && from.take(grid.surfels, count) && is_sound(grid, size);
}

}  // namespace detail

inline std::vector<std::uint8_t> write_tile_index(const Tile& tile) {
  std::vector<std::uint8_t> bytes;
  const auto points = static_cast<std::uint32_t>(tile.size());
  detail::append(bytes, detail::kIndexLayout, std::size(detail::kIndexLayout));
  detail::append(bytes, &points, 1);
  detail::append(bytes, tile.points.tree.ids.data(), points);
  for (const SurfelGrid& grid : tile.surfels) {
    const auto count = static_cast<std::uint32_t>(grid.surfels.size());
    detail::append(bytes, &grid.size, 1);
    detail::append(bytes, grid.low, 3);
    detail::append(bytes, grid.columns, 2);
    detail::append(bytes, &count, 1);
    detail::append(bytes, grid.first.data(), grid.first.size());
    detail::append(bytes, grid.surfels.data(), count);
  }
  return bytes;
}

// The tile of a cloud by its index: the same, bit by bit, as `build_tile` makes. Refuses what build_tile
// refuses, and bytes that are no index of this cloud (`index-layout`, `index-order`, `index-surfels`,
// `index-length`).
inline Result<std::shared_ptr<const Tile>> read_tile_index(const Cloud& cloud,
                                                           const std::array<double, 3>& origin,
                                                           const std::uint8_t* bytes, std::size_t size) {
  if (const auto error = check_tile_cloud(cloud)) return *error;
  detail::ByteReader from{bytes, size};
  std::uint32_t layout[std::size(detail::kIndexLayout)], points;
  if (!from.take(layout, std::size(layout)) || std::memcmp(layout, detail::kIndexLayout, sizeof layout) != 0)
    return Error{"index-layout", "expected an index of format " + std::to_string(kTileIndexFormat) +
                                     " with this program's sizes, found another; it is made anew"};
  std::vector<std::uint32_t> ids;
  if (!from.take(&points, 1) || !from.take(ids, points))
    return Error{"index-length", "expected the order of all points, found the end; the index is made anew"};
  Result<KdTree> tree = kdtree_in_order(cloud, ids.data(), ids.size());
  if (!tree.ok()) return tree.error();
  auto tile = std::make_shared<Tile>();
  tile->points = level_of(cloud, origin, std::move(tree.value()));
  for (int level = 0; level < kSurfelLevels; level++)
    if (!detail::read_surfels(from, kSurfelSizes[level], tile->surfels[level]))
      return Error{"index-surfels", "expected surfels of " + std::to_string(kSurfelSizes[level]) +
                                        " m with a table of columns, found none; the index is made anew"};
  if (from.left > 0)
    return Error{"index-length", "expected the end, found " + std::to_string(from.left) +
                                     " more bytes; the index is made anew"};
  return std::shared_ptr<const Tile>(std::move(tile));
}

}  // namespace dilly
