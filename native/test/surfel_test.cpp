// Surfels: what is a surface gives them, what is none does not, and a wide start finds home by them.
#include "check.hpp"
#include "clouds.hpp"
#include "dilly/icp.hpp"
#include "dilly/surfels.hpp"

namespace {

using clouds::Cloud;
using dilly::Alignment;
using dilly::AlignOptions;
using dilly::Pose;
using dilly::Simd;
using dilly::Surfel;
using dilly::SurfelGrid;

void plane(Cloud& cloud, int axis, float at, float sigma, clouds::Random& random, int points = 2000) {
  for (int k = 0; k < points; k++) {
    float p[3] = {random.uniform(0, 2), random.uniform(0, 2), random.uniform(0, 2)};
    p[axis] = at + random.gaussian(sigma);
    clouds::add(cloud, p[0], p[1], p[2]);
    clouds::add_normal(cloud, axis == 0, axis == 1, axis == 2);
  }
}

// Floor at z = 0.25: its cubes' mean lies in it, the normal is upright, the thickness that of the noise.
void a_plane_gives_flat_surfels() {
  clouds::Random random(1);
  Cloud cloud;
  plane(cloud, 2, 0.25f, 0.02f, random);
  const SurfelGrid grid = dilly::build_surfels(cloud, 0.5).value();
  CHECK(grid.surfels.size() == 16 && grid.columns[0] == 4 && grid.columns[1] == 4);
  double thickness = 0, points = 0;
  for (const Surfel& surfel : grid.surfels) {
    CHECK_NEAR(surfel.mean[2], 0.25, 0.01);
    CHECK(std::abs(surfel.normal[2]) > 0.99 / dilly::kSurfelNormalUnit);
    thickness += surfel.thickness * dilly::kSurfelThicknessUnit / 16;
    points += surfel.count;
  }
  CHECK_NEAR(thickness, 0.02, 0.002);
  CHECK(points == 2000);
}

// A floor and a wall through the same cubes: no surface together, two apart.
void two_surfaces_of_a_cube_are_told_apart() {
  clouds::Random random(2);
  Cloud cloud;
  plane(cloud, 2, 0.25f, 0.005f, random);
  plane(cloud, 0, 0.25f, 0.005f, random);
  const SurfelGrid grid = dilly::build_surfels(cloud, 0.5).value();
  int doubles = 0;
  for (std::size_t c = 0; c + 1 < grid.first.size(); c++)
    for (std::uint32_t k = grid.first[c]; k + 1 < grid.first[c + 1]; k++) {
      const Surfel &a = grid.surfels[k], &b = grid.surfels[k + 1];
      CHECK(a.floor <= b.floor);
      if (a.floor != b.floor) continue;
      doubles++;
      CHECK(std::abs(a.normal[2]) > 30000 || std::abs(b.normal[2]) > 30000);
      CHECK(std::abs(a.normal[0]) > 30000 || std::abs(b.normal[0]) > 30000);
    }
  CHECK(doubles == 4);
}

void what_is_no_surface_gives_none() {
  clouds::Random random(3);
  Cloud line, ball, few;
  for (int k = 0; k < 300; k++) {
    clouds::add(line, 0.2f, 0.2f, random.uniform(0, 0.5f));
    clouds::add(ball, random.uniform(0, 0.5f), random.uniform(0, 0.5f), random.uniform(0, 0.5f));
  }
  for (int k = 0; k < 5; k++) clouds::add(few, 0.1f * k, 0.01f * k * k, 0.2f);
  for (const Cloud* cloud : {&line, &ball, &few})
    CHECK(dilly::build_surfels(*cloud, 0.5).value().surfels.empty());
  CHECK(dilly::build_surfels(Cloud{}, 0.5).value().surfels.empty());
  Cloud wide;
  clouds::add(wide, 0, 0, 0);
  clouds::add(wide, 3000, 0, 0);
  CHECK(dilly::build_surfels(wide, 0.5).error().reason == "tile-too-large");
}

std::shared_ptr<const dilly::TileSet> as_map(const Cloud& cloud) {
  return dilly::TileSet(100).with({0, 0}, dilly::build_tile(cloud, {0, 0, 0}).value());
}

// A floor at z = 0 exactly, the side of its cubes: seen from either side it pulls alike.
void a_surface_along_a_side_of_the_cubes_pulls_from_both_sides() {
  clouds::Random random(4);
  Cloud floor;
  plane(floor, 2, 0, 0, random);
  const auto map = as_map(floor);
  dilly::ThreadPool pool(1);
  for (const Simd simd : {dilly::detect_simd(), Simd::scalar})
    for (const double off : {-0.15, -0.01, 0.01, 0.15}) {
      dilly::detail::Aligner aligner(*map, floor, {0, 0, 0}, pool, simd);
      const auto sum = aligner.linearise_surfels({{0, 0, off}, {}}, 0.3, 1, 2000);
      CHECK(sum.matched > 0.99 * floor.size());
      CHECK(sum.g[2] * off > 0);
    }
}

// Metres and radians off: with a reach that covers it the room is found, the second best place is worse.
void a_wide_start_finds_home() {
  Cloud map = clouds::room(0.08f, 0.01f, 5);
  const auto tiles = as_map(map);
  const Pose truth{{6.5, 5.5, 1.2}, dilly::exp_so3({0.02, -0.03, 0.7})};
  const Cloud scan = clouds::moved(clouds::room(0.25f, 0.01f, 6), clouds::inverse(truth));
  AlignOptions options{2, 0.2, 60, 5e-4, 5e-5};
  options.reach = 2;
  options.turn = 0.4;
  for (int k = 0; k < 8; k++) {
    const double sign = k % 2 ? 1 : -1;
    const Pose start{{truth.t[0] + sign * 0.25 * k, truth.t[1] - 0.2 * k, truth.t[2] + 0.1 * k},
                     dilly::multiply(dilly::exp_so3({0, 0, sign * 0.05 * k}), truth.q)};
    std::optional<Alignment> first;
    for (const int threads : {1, 2}) {
      dilly::ThreadPool pool(threads);
      const Alignment found = dilly::align(*tiles, scan, start, options, pool, dilly::detect_simd(), nullptr);
      const auto [off, turned] = clouds::apart(found.pose, truth);
      CHECK_NEAR(off, 0, 0.01);
      CHECK_NEAR(turned, 0, 0.003);
      CHECK(found.score > 0.7 && found.second < 0.9 * found.score);
      if (first) CHECK(std::memcmp(&first->pose, &found.pose, sizeof found.pose) == 0);
      first = found;
    }
  }
}

}  // namespace

int main() {
  a_plane_gives_flat_surfels();
  two_surfaces_of_a_cube_are_told_apart();
  what_is_no_surface_gives_none();
  a_surface_along_a_side_of_the_cubes_pulls_from_both_sides();
  a_wide_start_finds_home();
  return check::summary();
}
