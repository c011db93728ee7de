// What is done to clouds: thinning, normals, deskewing; and the pool that the work runs on.
#include <cstring>
#include <map>
#include <tuple>

#include "check.hpp"
#include "clouds.hpp"
#include "dilly/deskew.hpp"
#include "dilly/normals.hpp"
#include "dilly/thin.hpp"

namespace {

using clouds::Cloud;
using dilly::Pose;
using dilly::SampledMotion;
using dilly::Simd;

const Pose kMount{{0.3, -0.1, 0.9}, dilly::exp_so3({0.1, -0.2, 2})};

Cloud sweep(std::size_t n, unsigned seed) {
  Cloud cloud = clouds::distribution(0, n, seed);
  for (std::size_t i = 0; i < n; i++) {
    cloud.time.push_back(-0.05f + 0.1f * static_cast<float>(i) / static_cast<float>(n));
    cloud.intensity.push_back(static_cast<float>(i % 256));
  }
  return cloud;
}

double furthest_apart(const Cloud& a, const Cloud& b) {
  double worst = a.size() == b.size() ? 0 : INFINITY;
  for (std::size_t i = 0; i < a.size() && i < b.size(); i++)
    worst =
        std::max(worst, std::hypot(static_cast<double>(a.x[i]) - b.x[i], static_cast<double>(a.y[i]) - b.y[i],
                                   static_cast<double>(a.z[i]) - b.z[i]));
  return worst;
}

void one_mean_per_voxel_in_order() {
  for (const double size : {0.5, 3.0, 100.0}) {
    const Cloud cloud = sweep(5000, 1);
    const auto thin = dilly::downsample(cloud, size);
    CHECK(thin.ok());
    std::map<std::tuple<int, int, int>, std::size_t> voxel;
    std::vector<std::array<double, 6>> sums;
    for (std::size_t i = 0; i < cloud.size(); i++) {
      const auto cell = [size](float v) {
        return static_cast<int>(std::floor(v * static_cast<float>(1 / size)));
      };
      const auto [at, is_new] =
          voxel.try_emplace({cell(cloud.x[i]), cell(cloud.y[i]), cell(cloud.z[i])}, sums.size());
      if (is_new) sums.push_back({});
      const float values[6] = {cloud.x[i], cloud.y[i], cloud.z[i], cloud.intensity[i], cloud.time[i], 1};
      for (int k = 0; k < 6; k++) sums[at->second][k] += values[k];
    }
    const Cloud& got = thin.value();
    CHECK(got.size() == sums.size() && got.time.size() == sums.size() && got.intensity.size() == sums.size());
    bool means = got.size() == sums.size();
    for (std::size_t v = 0; means && v < sums.size(); v++) {
      const float found[5] = {got.x[v], got.y[v], got.z[v], got.intensity[v], got.time[v]};
      for (int k = 0; k < 5; k++)
        means = means && std::fabs(found[k] - sums[v][k] / sums[v][5]) <= 2e-5 * (100 + size);
    }
    CHECK(means);
  }
}

void grids_that_cannot_be_are_refused() {
  const Cloud cloud = sweep(10, 2);
  for (const double size : {0.0, -1.0, static_cast<double>(NAN), static_cast<double>(INFINITY)})
    CHECK(dilly::downsample(cloud, size).error().reason == "bad-voxel-size");
  CHECK(dilly::downsample(cloud, 1e-9).error().reason == "point-out-of-range");
  Cloud bad;
  clouds::add(bad, NAN, 0, 0);
  CHECK(dilly::downsample(bad, 1).error().reason == "point-out-of-range");
  CHECK(dilly::downsample(Cloud{}, 1).ok() && dilly::downsample(Cloud{}, 1).value().size() == 0);
  // A thinned cloud of one point is that point.
  Cloud one;
  clouds::add(one, 1, -2, 3);
  CHECK(furthest_apart(dilly::downsample(one, 7).value(), one) == 0);
}

dilly::Result<Cloud> normals(const Cloud& cloud, int k, int threads = 1, Simd simd = dilly::detect_simd(),
                             const dilly::CancelFlag* cancel = nullptr) {
  dilly::ThreadPool pool(threads);
  return dilly::estimate_normals(cloud, k, pool, simd, cancel);
}

Cloud sloping_plane() {
  clouds::Random random(3);
  Cloud cloud;
  for (int i = 0; i < 3000; i++) {
    const float x = random.uniform(-5, 5), y = random.uniform(-5, 5);
    clouds::add(cloud, x, y, 4 + 0.5f * x);
  }
  return cloud;
}

void normals_of_a_plane() {
  const Cloud cloud = sloping_plane();
  for (const Simd simd : {dilly::detect_simd(), Simd::scalar}) {
    const auto got = normals(cloud, 12, 1, simd);
    CHECK(got.ok());
    // z = 4 + x / 2: the normal is (½, 0, −1) / √1.25, towards the origin.
    bool right = true;
    for (std::size_t i = 0; i < got.value().size(); i++)
      right = right && std::fabs(got.value().nx[i] - 0.4472136f) < 1e-3 &&
              std::fabs(got.value().ny[i]) < 1e-3 && std::fabs(got.value().nz[i] + 0.8944272f) < 1e-3 &&
              got.value().curvature[i] < 1e-6;
    CHECK(right);
  }
}

void normals_do_not_depend_on_threads() {
  const Cloud cloud = clouds::room(0.2f, 0.02f, 4);
  const Cloud one = normals(cloud, 10).value();
  for (const int threads : {2, 3}) {
    const Cloud many = normals(cloud, 10, threads).value();
    CHECK(one.nx == many.nx && one.nz == many.nz && one.curvature == many.curvature);
  }
}

// Duplicates, lines and few points have no normal that geometry gives: unit length is kept all the same.
void normals_are_unit_whatever_the_points() {
  for (int which = 0; which < 5; which++)
    for (const std::size_t n : {3, 4, 20, 700}) {
      const auto got = normals(clouds::distribution(which, n, 5), 8);
      CHECK(got.ok());
      bool unit = true;
      for (std::size_t i = 0; i < got.value().size(); i++) {
        const float x = got.value().nx[i], y = got.value().ny[i], z = got.value().nz[i];
        const float c = got.value().curvature[i];
        unit = unit && std::fabs(x * x + y * y + z * z - 1) < 1e-4f && c >= 0 && c <= 0.3334f;
      }
      CHECK(unit);
    }
}

void surfaces_that_cannot_be_are_refused() {
  const Cloud cloud = clouds::distribution(0, 50, 6);
  CHECK(normals(cloud, 2).error().reason == "bad-neighbour-count");
  CHECK(normals(cloud, 65).error().reason == "bad-neighbour-count");
  CHECK(normals(clouds::distribution(0, 2, 6), 5).error().reason == "too-few-points");
  Cloud bad = cloud;
  bad.y[7] = NAN;
  CHECK(normals(bad, 5).error().reason == "not-finite");
  const dilly::CancelFlag cancel(true);
  CHECK(normals(cloud, 5, 1, dilly::detect_simd(), &cancel).error().reason == "cancelled");
}

void a_robot_that_stands_changes_nothing() {
  const Cloud cloud = sweep(1000, 7);
  for (const SampledMotion& motion : {SampledMotion{}, dilly::sample_twist({0, 0, 0}, {0, 0, 0}, -0.05, 0.05),
                                      SampledMotion{{-0.05, 0.05}, {{}, {}}}}) {
    const Cloud still = dilly::deskew(cloud, Pose{}, motion).value();
    CHECK(still.x == cloud.x && still.y == cloud.y && still.z == cloud.z);
    CHECK(still.time == cloud.time && still.intensity == cloud.intensity && !still.has_normals());
  }
  CHECK(furthest_apart(dilly::deskew(cloud, kMount, {}).value(), clouds::moved(cloud, kMount)) < 1e-5);
}

// Where the base of a constant twist stands at τ, worked out by many small steps.
Pose integrated(const dilly::Vec3& linear, const dilly::Vec3& angular, double tau) {
  constexpr int kSteps = 20000;
  Pose pose;
  const double dt = tau / kSteps;
  const Pose step{{linear[0] * dt, linear[1] * dt, linear[2] * dt},
                  dilly::exp_so3({angular[0] * dt, angular[1] * dt, angular[2] * dt})};
  for (int s = 0; s < kSteps; s++) pose = dilly::compose(pose, step);
  return pose;
}

void a_twist_is_what_small_steps_add_up_to() {
  const dilly::Vec3 linear{1.5, -0.4, 0.2}, angular{0.3, -0.5, 1.8};
  const SampledMotion motion = dilly::sample_twist(linear, angular, -0.1, 0.3);
  CHECK_NEAR(motion.times.front(), -0.1, 1e-12);
  CHECK_NEAR(motion.times.back(), 0.3, 1e-12);
  for (const std::size_t s : {std::size_t{0}, std::size_t{5}, motion.times.size() - 1}) {
    const auto [off, turned] = clouds::apart(motion.poses[s], integrated(linear, angular, motion.times[s]));
    CHECK_NEAR(off, 0, 1e-4);
    CHECK_NEAR(turned, 0, 1e-8);
  }
}

// What stood still, seen from a moving base, is where it was again.
void deskewing_undoes_the_motion() {
  const dilly::Vec3 linear{1.5, 0, 0}, angular{0.1, 0, 1};
  const Cloud world = sweep(2000, 8);
  Cloud seen = world;
  const auto twist_to = [&](double tau) { return dilly::sample_twist(linear, angular, tau, tau).poses[0]; };
  for (std::size_t i = 0; i < world.size(); i++) {
    Cloud point;
    clouds::add(point, world.x[i], world.y[i], world.z[i]);
    point = clouds::moved(point, clouds::inverse(dilly::compose(twist_to(world.time[i]), kMount)));
    seen.x[i] = point.x[0], seen.y[i] = point.y[0], seen.z[i] = point.z[0];
  }
  const Cloud back = dilly::deskew(seen, kMount, dilly::sample_twist(linear, angular, -0.05, 0.05)).value();
  CHECK(furthest_apart(back, world) < 2e-4);
  CHECK(furthest_apart(dilly::deskew(seen, kMount, {}).value(), world) > 0.5);
}

void points_of_one_time_are_moved_as_one() {
  Cloud flash = sweep(100, 9);
  std::fill(flash.time.begin(), flash.time.end(), 0.25f);
  const SampledMotion motion = dilly::sample_twist({2, 0, 0}, {0, 0, 1}, 0.25, 0.25);
  CHECK(motion.times.size() == 1);
  CHECK(furthest_apart(dilly::deskew(flash, Pose{}, motion).value(), clouds::moved(flash, motion.poses[0])) <
        1e-5);
}

void motion_that_cannot_be_is_refused() {
  const Cloud cloud = sweep(10, 10);
  for (const SampledMotion& motion : {SampledMotion{{0, 0}, {{}, {}}}, SampledMotion{{1, 0}, {{}, {}}},
                                      SampledMotion{{0}, {}}, SampledMotion{{0, NAN}, {{}, {}}}})
    CHECK(dilly::deskew(cloud, Pose{}, motion).error().reason == "bad-motion");
  CHECK(dilly::deskew(Cloud{}, kMount, dilly::sample_twist({1, 0, 0}, {0, 0, 1}, 0, 0.1)).value().size() ==
        0);
}

void the_pool_runs_each_block_once() {
  dilly::ThreadPool pool;
  for (int round = 0; round < 400; round++) {
    if (round % 5 == 0) pool.resize(1 + round % 4);
    const std::size_t count = static_cast<std::size_t>(round % 37);
    std::vector<std::atomic<int>> calls(count);
    pool.run(count, [&](std::size_t i) { calls[i]++; });
    bool once = true;
    for (const auto& number : calls) once = once && number == 1;
    CHECK(once);
  }
}

// Two callers share the pool while a third resizes it: nobody waits for ever, nothing is done twice.
void the_pool_stands_two_callers_and_resizing() {
  dilly::ThreadPool pool(3);
  std::atomic<long> total{0};
  constexpr int kRounds = 3000;
  const auto call = [&] {
    for (int round = 0; round < kRounds; round++)
      pool.run(10, [&](std::size_t i) { total += static_cast<long>(i); });
  };
  std::thread a(call), b(call), resizer([&] {
    for (int round = 0; round < 60; round++) pool.resize(1 + round % 3);
  });
  a.join();
  b.join();
  resizer.join();
  CHECK(total == 2L * kRounds * 45);
}

}  // namespace

int main() {
  one_mean_per_voxel_in_order();
  grids_that_cannot_be_are_refused();
  normals_of_a_plane();
  normals_do_not_depend_on_threads();
  normals_are_unit_whatever_the_points();
  surfaces_that_cannot_be_are_refused();
  a_robot_that_stands_changes_nothing();
  a_twist_is_what_small_steps_add_up_to();
  deskewing_undoes_the_motion();
  points_of_one_time_are_moved_as_one();
  motion_that_cannot_be_is_refused();
  the_pool_runs_each_block_once();
  the_pool_stands_two_callers_and_resizing();
  return check::summary();
}
