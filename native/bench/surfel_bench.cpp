// Surfels of a map: how long a million points take, all levels together, and how many bytes one takes with
// its share of the table of columns.
#include "bench.hpp"
#include "dilly/dispatch.hpp"
#include "dilly/normals.hpp"
#include "dilly/surfels.hpp"
#include "dilly/thin.hpp"
#include "scene.hpp"
#include "tiles.hpp"

int main() {
  dilly::ThreadPool pool(2);
  const dilly::Cloud points = dilly::downsample(bench::street_map(bench::street(), 2000000), 0.1).value();
  const dilly::Cloud map = dilly::estimate_normals(points, 20, pool, dilly::detect_simd(), nullptr).value();
  const std::vector<bench::Cut> tiles = bench::cut(map);
  double bytes = 0, surfels = 0;
  std::vector<std::function<void()>> works;
  for (const double size : dilly::kSurfelSizes)
    works.push_back([&, size] {
      for (const auto& [id, tile] : tiles) {
        const dilly::SurfelGrid grid = dilly::build_surfels(tile, size).value();
        bytes += static_cast<double>(grid.bytes());
        surfels += static_cast<double>(grid.surfels.size());
      }
    });
  const std::vector<double> seconds = bench::race(9, works);
  const double millions = 1e-6 * static_cast<double>(map.size());
  double all = 0;
  for (const double s : seconds) all += 1e3 * s / millions;
  std::fprintf(stderr, "%zu points in %zu tiles; levels of 2, 1, 0.5 m: %.1f, %.1f, %.1f ms a million\n",
               map.size(), tiles.size(), 1e3 * seconds[0] / millions, 1e3 * seconds[1] / millions,
               1e3 * seconds[2] / millions);
  bench::row("tile.surfels", all, "ms/Mpoint");
  bench::row("tile.surfels.bytes", bytes / surfels, "bytes/surfel");
}
