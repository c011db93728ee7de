// Surface elements: mean, normal and thickness of the points of a cube, where they lie on a surface, found in
// constant time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>

#include "linalg.hpp"
#include "voxel.hpp"

namespace dilly {

// Side of the cubes of each level, metres: wide starts need wide ones.
constexpr double kSurfelSizes[] = {2, 1, 0.5};
constexpr int kSurfelLevels = static_cast<int>(std::size(kSurfelSizes));
constexpr std::uint32_t kSurfelPoints = 6;
// Metres, standard deviation along the normal, of an element of 1 m; in proportion to the size.
constexpr double kSurfelThickness = 0.15;
// λ1 ≥ 4 λ0: thinner than wide. λ1 ≥ λ2 / 10: not a line, whose normal would be any.
constexpr double kSurfelFlat = 4, kSurfelWide = 0.1;
// Points whose normals are further apart than this (cosine) are of two surfaces.
constexpr double kSurfelBend = 0.7;
// A tile may be so many cubes wide.
constexpr double kSurfelColumns = 2048;

// Of the numbers in a surfel: metres, and parts of a unit normal.
constexpr float kSurfelThicknessUnit = 1e-4f, kSurfelNormalUnit = 1 / 32767.f;

struct Surfel {
  float mean[3];            // from the tile's origin, metres
  std::int16_t normal[3];   // in kSurfelNormalUnit; the sign is arbitrary
  std::uint16_t thickness;  // standard deviation along the normal, in kSurfelThicknessUnit
  std::uint16_t count;      // points, at most 65535
  std::int16_t floor;       // number of its cube in the column, from the lowest
};
static_assert(sizeof(Surfel) == 24);

// The surfels of a cloud, column by column, each column from below. A dense table says where a column begins:
// a look-up is two loads, and no key needs to be compared.
struct SurfelGrid {
  float size = 1;                    // of a cube, metres
  float low[3] = {};                 // corner of the first cube, from the tile's origin
  std::int32_t columns[2] = {0, 0};  // along x, y
  std::vector<std::uint32_t> first;  // of column i + columns[0] · j; one more at the end
  std::vector<Surfel> surfels;

  std::size_t bytes() const { return first.size() * sizeof first[0] + surfels.size() * sizeof surfels[0]; }
};

namespace detail {

struct Moments {
  std::uint64_t key = 0;
  double n = 0, s[3] = {}, q[6] = {};
  Vec3 first{};

  void add(double x, double y, double z) {
    if (n == 0) first = {x, y, z};
    const double d[3] = {x - first[0], y - first[1], z - first[2]};
    n++;
    for (int a = 0, at = 0; a < 3; a++) {
      s[a] += d[a];
      for (int b = a; b < 3; b++) q[at++] += d[a] * d[b];
    }
  }
};

// Of a symmetric matrix xx xy xz yy yz zz the eigenvalues, ascending (Smith 1961; in closed form they take a
// sixth of the time of Jacobi's rotations).
inline Vec3 eigenvalues3(const double (&c)[6]) {
  const double mean = (c[0] + c[3] + c[5]) / 3, x = c[0] - mean, y = c[3] - mean, z = c[5] - mean;
  const double off = c[1] * c[1] + c[2] * c[2] + c[4] * c[4], p2 = (x * x + y * y + z * z + 2 * off) / 6;
  if (!(p2 > 0)) return {mean, mean, mean};
  const double p = std::sqrt(p2);
  const double det =
      x * (y * z - c[4] * c[4]) - c[1] * (c[1] * z - c[4] * c[2]) + c[2] * (c[1] * c[4] - y * c[2]);
  const double angle = std::acos(std::max(-1.0, std::min(det / (2 * p2 * p), 1.0))) / 3;
  const double high = mean + 2 * p * std::cos(angle), low = mean + 2 * p * std::cos(angle + 2 * M_PI / 3);
  return {low, 3 * mean - low - high, high};
}

// The unit eigenvector of an eigenvalue that is far from the others: across two rows of C − λ, the two that
// are the most apart.
inline Vec3 eigenvector3(const double (&c)[6], double value) {
  const Vec3 rows[3] = {{c[0] - value, c[1], c[2]}, {c[1], c[3] - value, c[4]}, {c[2], c[4], c[5] - value}};
  Vec3 best{0, 0, 1};
  double most = 0;
  for (int k = 0; k < 3; k++) {
    const Vec3 &u = rows[k], &v = rows[(k + 1) % 3];
    const Vec3 w{u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]};
    const double length2 = w[0] * w[0] + w[1] * w[1] + w[2] * w[2];
    if (length2 > most) most = length2, best = w;
  }
  const double scale = most > 0 ? 1 / std::sqrt(most) : 1;
  return {best[0] * scale, best[1] * scale, best[2] * scale};
}

// The surfel of these points; false where they are too few or no surface.
inline bool surfel_of(const Moments& m, double size, Surfel& out) {
  if (m.n < kSurfelPoints) return false;
  double c[6];
  const double share = 1 / m.n, mean[3] = {m.s[0] * share, m.s[1] * share, m.s[2] * share};
  for (int a = 0, at = 0; a < 3; a++)
    for (int b = a; b < 3; b++, at++) c[at] = m.q[at] * share - mean[a] * mean[b];
  const Vec3 l = eigenvalues3(c);
  const double thickness = std::sqrt(std::max(l[0], 0.0));
  if (thickness > kSurfelThickness * size || l[1] < kSurfelFlat * l[0] || l[1] < kSurfelWide * l[2])
    return false;
  const Vec3 normal = eigenvector3(c, l[0]);
  for (int a = 0; a < 3; a++) {
    out.mean[a] = static_cast<float>(m.first[a] + mean[a]);
    out.normal[a] = static_cast<std::int16_t>(std::lround(normal[a] * 32767));
  }
  out.thickness = static_cast<std::uint16_t>(std::min(std::lround(thickness * 1e4), 65535L));
  out.count = static_cast<std::uint16_t>(std::min(m.n, 65535.0));
  return true;
}

}  // namespace detail

// The surfels of a cloud with normals in cubes of `size` metres. A cube whose points are no surface together
// may be two: those whose normals are like the first one's, and the others.
inline Result<SurfelGrid> build_surfels(const Cloud& cloud, double size) {
  SurfelGrid grid;
  grid.size = static_cast<float>(size);
  const FloatBuffer* axes[3] = {&cloud.x, &cloud.y, &cloud.z};
  double span[3] = {};
  for (int a = 0; a < 3 && cloud.size() > 0; a++) {
    const auto [low, high] = std::minmax_element(axes[a]->begin(), axes[a]->end());
    grid.low[a] = static_cast<float>(std::floor(*low / size) * size);
    span[a] = std::floor((static_cast<double>(*high) - grid.low[a]) / size) + 1;
    if (!(span[a] <= kSurfelColumns))
      return Error{"tile-too-large", "expected a tile of at most " +
                                         std::to_string(int(kSurfelColumns * size)) + " m, found " +
                                         std::to_string(span[a] * size) + " m; divide it"};
  }
  const Result<VoxelGrid> cubes = voxel_grid(cloud, size);
  if (!cubes.ok()) return cubes.error();
  const std::vector<std::uint32_t>& cube_of = cubes.value().voxel;
  std::vector<detail::Moments> all(cubes.value().count);
  std::vector<std::uint32_t> one(all.size());  // a point of the cube
  for (std::size_t i = 0; i < cloud.size(); i++) {
    all[cube_of[i]].add(cloud.x[i], cloud.y[i], cloud.z[i]);
    one[cube_of[i]] = static_cast<std::uint32_t>(i);
  }
  // Two surfaces where one does not do.
  std::vector<Surfel> found;
  std::vector<std::uint32_t> cube;  // of each found
  constexpr std::uint32_t kWhole = 0xffffffffu;
  std::vector<std::uint32_t> half(all.size(), kWhole);
  std::uint32_t halves = 0;
  Surfel surfel{};
  for (std::uint32_t v = 0; v < all.size(); v++) {
    if (detail::surfel_of(all[v], size, surfel)) {
      found.push_back(surfel);
      cube.push_back(v);
    } else if (all[v].n >= 2 * kSurfelPoints && cloud.has_normals()) {
      half[v] = halves;
      halves += 2;
    }
  }
  std::vector<detail::Moments> parts(halves);
  for (std::size_t i = 0; i < cloud.size() && halves > 0; i++) {
    const std::uint32_t h = half[cube_of[i]];
    if (h == kWhole) continue;
    const std::uint32_t f = one[cube_of[i]];
    const double alike = cloud.nx[i] * cloud.nx[f] + cloud.ny[i] * cloud.ny[f] + cloud.nz[i] * cloud.nz[f];
    parts[h + (alike < kSurfelBend)].add(cloud.x[i], cloud.y[i], cloud.z[i]);
  }
  for (std::uint32_t v = 0; v < all.size() && halves > 0; v++)
    for (std::uint32_t k = 0; half[v] != kWhole && k < 2; k++)
      if (detail::surfel_of(parts[half[v] + k], size, surfel)) {
        found.push_back(surfel);
        cube.push_back(v);
      }
  // Into columns.
  for (int a = 0; a < 2; a++) grid.columns[a] = static_cast<std::int32_t>(span[a]);
  grid.first.assign(static_cast<std::size_t>(grid.columns[0]) * grid.columns[1] + 1, 0);
  std::vector<std::uint32_t> column(found.size());
  for (std::size_t k = 0; k < found.size(); k++) {
    const std::uint32_t i = one[cube[k]];
    const double at[3] = {cloud.x[i], cloud.y[i], cloud.z[i]};
    std::int32_t place[3];
    for (int a = 0; a < 3; a++)
      place[a] = static_cast<std::int32_t>((static_cast<float>(at[a]) - grid.low[a]) / grid.size);
    for (int a = 0; a < 2; a++) place[a] = std::min(place[a], grid.columns[a] - 1);
    found[k].floor = static_cast<std::int16_t>(place[2]);
    column[k] = static_cast<std::uint32_t>(place[0] + grid.columns[0] * place[1]);
    grid.first[column[k] + 1]++;
  }
  for (std::size_t c = 1; c < grid.first.size(); c++) grid.first[c] += grid.first[c - 1];
  std::vector<std::uint32_t> next(grid.first.begin(), grid.first.end() - 1);
  grid.surfels.resize(found.size());
  for (std::size_t k = 0; k < found.size(); k++) grid.surfels[next[column[k]]++] = found[k];
  for (std::size_t c = 0; c + 1 < grid.first.size(); c++)
    std::stable_sort(grid.surfels.begin() + grid.first[c], grid.surfels.begin() + grid.first[c + 1],
                     [](const Surfel& a, const Surfel& b) { return a.floor < b.floor; });
  return grid;
}

}  // namespace dilly
