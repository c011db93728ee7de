// A map cut into tiles.
#pragma once

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "dilly/tile.hpp"

namespace bench {

// As `map build` makes them.
constexpr double kTileSize = 20;  // metres

using Cut = std::pair<dilly::TileKey, dilly::Cloud>;

// Points relative to their tile's corner, with normals.
inline std::vector<Cut> cut(const dilly::Cloud& map) {
  std::vector<Cut> tiles;
  for (std::size_t i = 0; i < map.size(); i++) {
    const dilly::TileKey id{static_cast<std::int32_t>(std::floor(map.x[i] / kTileSize)),
                            static_cast<std::int32_t>(std::floor(map.y[i] / kTileSize))};
    auto at = std::find_if(tiles.begin(), tiles.end(), [&](const Cut& one) { return one.first == id; });
    if (at == tiles.end()) at = tiles.insert(at, {id, {}});
    dilly::Cloud& tile = at->second;
    tile.x.push_back(static_cast<float>(map.x[i] - kTileSize * id.first));
    tile.y.push_back(static_cast<float>(map.y[i] - kTileSize * id.second));
    tile.z.push_back(map.z[i]);
    tile.nx.push_back(map.nx[i]);
    tile.ny.push_back(map.ny[i]);
    tile.nz.push_back(map.nz[i]);
  }
  return tiles;
}

}  // namespace bench
