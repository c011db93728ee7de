// Which surfel a point lies on: that of the cube it falls into (kernels.inl.hpp includes this file once for
// each instruction set). In three passes over a block, each asking for what the next one reads: a map is not
// in the first caches.
namespace dilly {
namespace DILLY_ISA {

// Where a point looks for its surfel.
struct Probe {
  const SurfelGrid* grid;
  float q[3];             // the point, from the tile's origin
  float cubes[3];         // the same in cubes from the grid's corner
  std::int32_t column;    // −1: none
  std::uint32_t at, end;  // the surfels of the column
};

// The number of a column, or −1 where there is none.
inline __attribute__((always_inline)) std::int32_t column_of(const SurfelGrid& grid, float x, float y) {
  const auto width = static_cast<float>(grid.columns[0]), depth = static_cast<float>(grid.columns[1]);
  if (!((x >= 0) & (y >= 0) & (x < width) & (y < depth))) return -1;
  return static_cast<std::int32_t>(x) + grid.columns[0] * static_cast<std::int32_t>(y);
}

// Asks for the surfels of the probes' columns.
inline void open_columns(Probe* probes, std::size_t count) {
  for (std::size_t k = 0; k < count; k++) {
    Probe& probe = probes[k];
    probe.at = probe.end = 0;
    if (probe.column < 0) continue;
    const std::uint32_t* const first = &probe.grid->first[static_cast<std::uint32_t>(probe.column)];
    probe.at = first[0];
    probe.end = first[1];
    const char* const surfels = reinterpret_cast<const char*>(probe.grid->surfels.data() + probe.at);
    if (probe.at < probe.end)
      for (int line = 0; line < 2; line++) __builtin_prefetch(surfels + 64 * line);
  }
}

// The probes of the points over a tile, and where the points lie from in.t.
inline std::size_t probe_columns(const LineariseInput& in, std::size_t first, std::size_t count,
                                 Probe* probes, float (*places)[3]) {
  Surroundings around(*in.map);
  std::size_t n = 0;
  float shift[3] = {};
  for (std::size_t k = 0; k < count; k++) {
    float* const p = places[n];
    rotated(in, first + k * in.stride, p);
    const double x = in.t[0] + p[0], y = in.t[1] + p[1];
    if (!around.covers(x, y)) {
      around.move_to(x, y);
      if (around.own)
        for (int a = 0; a < 3; a++) shift[a] = static_cast<float>(in.t[a] - around.own->points.origin[a]);
    }
    if (!around.own) continue;
    const SurfelGrid& grid = around.own->surfels[in.surfels];
    Probe& probe = probes[n++];
    probe.grid = &grid;
    const float inverse = 1 / grid.size;
    for (int a = 0; a < 3; a++) {
      probe.q[a] = p[a] + shift[a];
      probe.cubes[a] = (probe.q[a] - grid.low[a]) * inverse;
    }
    probe.column = column_of(grid, probe.cubes[0], probe.cubes[1]);
    if (probe.column >= 0) __builtin_prefetch(&grid.first[static_cast<std::uint32_t>(probe.column)]);
  }
  open_columns(probes, n);
  return n;
}

// From the plane of a surfel to a point given from the tile's origin.
inline __attribute__((always_inline)) float distance_to(const Surfel& surfel, const float q[3]) {
  float e = 0;
  for (int a = 0; a < 3; a++)
    e += (q[a] - surfel.mean[a]) * static_cast<float>(surfel.normal[a]) * kSurfelNormalUnit;
  return e;
}

// Of a column's surfels that of the cube at a height (in cubes), of two the one whose plane is nearer; null
// where there is none.
inline __attribute__((always_inline)) const Surfel* surfel_at(const Probe& probe, std::uint32_t at,
                                                              std::uint32_t end, float height) {
  if (!(height >= 0 && height < kSurfelColumns)) return nullptr;
  const auto floor = static_cast<std::int32_t>(height);
  const Surfel* one = probe.grid->surfels.data() + at;
  const Surfel* const last = probe.grid->surfels.data() + end;
  while (one < last && one->floor < floor) one++;
  if (one >= last || one->floor != floor) return nullptr;
  if (one + 1 >= last || one[1].floor != floor) return one;
  const bool other = std::fabs(distance_to(one[1], probe.q)) < std::fabs(distance_to(*one, probe.q));
  return one + other;
}

// The surfel of the cube at another place than the probe's.
inline __attribute__((always_inline)) const Surfel* surfel_beside(const Probe& probe, const float cubes[3]) {
  const std::int32_t column = column_of(*probe.grid, cubes[0], cubes[1]);
  if (column < 0) return nullptr;
  const std::uint32_t* const first = &probe.grid->first[static_cast<std::uint32_t>(column)];
  return surfel_at(probe, first[0], first[1], cubes[2]);
}

// The surfel of the probe's cube, or else, in wide cubes, of one beyond its nearer sides, below or above
// first: a surface may lie along the side of a cube, with the scan just beyond it. At the last level the scan
// is so near that half of such a surface does.
inline __attribute__((always_inline)) const Surfel* find_surfel(const Probe& probe) {
  const Surfel* const own = surfel_at(probe, probe.at, probe.end, probe.cubes[2]);
  if (own || probe.grid->size <= static_cast<float>(kSurfelSizes[kSurfelLevels - 1])) return own;
  for (const int side : {2, 0, 1}) {
    float beyond[3] = {probe.cubes[0], probe.cubes[1], probe.cubes[2]};
    beyond[side] += probe.cubes[side] - std::floor(probe.cubes[side]) < 0.5f ? -1 : 1;
    if (const Surfel* const other = surfel_beside(probe, beyond)) return other;
  }
  return nullptr;
}

// Finds for the `count` points from `first` on their surfels.
inline void gather_surfels(const LineariseInput& in, std::size_t first, std::size_t count, Pairs& pairs) {
  Probe probes[kBlock];
  float places[kBlock + 1][3];
  const std::size_t n = probe_columns(in, first, count, probes, places);
  for (std::size_t k = 0; k < n; k++) {
    const Surfel* const surfel = find_surfel(probes[k]);
    if (!surfel) continue;
    const float* const q = probes[k].q;
    const auto normal = [&](int a) { return static_cast<float>(surfel->normal[a]) * kSurfelNormalUnit; };
    pairs.add(places[k], normal(0), normal(1), normal(2), q[0] - surfel->mean[0], q[1] - surfel->mean[1],
              q[2] - surfel->mean[2]);
  }
}

// Adds the score of the `count` points from `first` on.
inline void surfel_score(const LineariseInput& in, std::size_t first, std::size_t count, SurfelScore& sum) {
  Probe probes[kBlock];
  float places[kBlock + 1][3];
  const std::size_t n = probe_columns(in, first, count, probes, places);
  const float k2 = in.kernel * in.kernel;
  for (std::size_t k = 0; k < n; k++) {
    const Surfel* const surfel = find_surfel(probes[k]);
    if (!surfel) continue;
    const float e = distance_to(*surfel, probes[k].q);
    const float ratio = k2 / (k2 + e * e);
    sum.score += static_cast<double>(ratio * ratio);
    sum.thickness += surfel->thickness * kSurfelThicknessUnit;
    sum.matched++;
  }
}

}  // namespace DILLY_ISA
}  // namespace dilly
