// Tiles and registration: many tiles answer as one tree, known motion is recovered with the same bits on any
// number of threads, and geometry that says too little is told by the evidence.
#include "dilly/icp.hpp"

#include <cstring>
#include <map>

#include "check.hpp"
#include "clouds.hpp"

namespace {

using clouds::Cloud;
using dilly::Alignment;
using dilly::Pose;
using dilly::Simd;
using dilly::TileKey;
using dilly::TileSet;

const dilly::AlignOptions kOptions{1.0, 0.1, 60, 1e-5, 1e-6};

std::shared_ptr<const dilly::Tile> tile_of(const Cloud& cloud, const dilly::Vec3& origin) {
  const auto tile = dilly::build_tile(cloud, origin);
  CHECK(tile.ok());
  return tile.value();
}

// The map of a cloud in square tiles of `size` metres.
std::shared_ptr<const TileSet> tiled(const Cloud& cloud, double size) {
  std::map<TileKey, Cloud> parts;
  for (std::size_t i = 0; i < cloud.size(); i++) {
    const TileKey key{static_cast<int>(std::floor(cloud.x[i] / size)),
                      static_cast<int>(std::floor(cloud.y[i] / size))};
    const auto off = [size](float v, int k) { return static_cast<float>(v - k * size); };
    clouds::add(parts[key], off(cloud.x[i], key.first), off(cloud.y[i], key.second), cloud.z[i]);
    clouds::add_normal(parts[key], cloud.nx[i], cloud.ny[i], cloud.nz[i]);
  }
  std::shared_ptr<const TileSet> set = std::make_shared<TileSet>(size);
  for (const auto& [key, part] : parts)
    set = set->with(key, tile_of(part, {key.first * size, key.second * size, 0}));
  return set;
}

const TileSet& room() {
  static const std::shared_ptr<const TileSet> set = tiled(clouds::room(0.1f, 0.005f, 1), 5);
  return *set;
}

const Pose kTruth{{6.5, 5.5, 1.2}, dilly::exp_so3({0.02, -0.03, 0.7})};

// What a base at kTruth sees of the room.
Cloud seen() {
  return clouds::moved(clouds::room(0.3f, 0.005f, 2), clouds::inverse(kTruth));
}

Pose beside(double metres, double radians) {
  return {{kTruth.t[0] + metres, kTruth.t[1] - metres, kTruth.t[2] + metres / 4},
          dilly::multiply(dilly::exp_so3({radians / 4, 0, radians}), kTruth.q)};
}

Alignment aligned(const TileSet& map, const Cloud& cloud, const Pose& start, Simd simd = dilly::detect_simd(),
                  int threads = 1) {
  dilly::ThreadPool pool(threads);
  return dilly::align(map, cloud, start, kOptions, pool, simd, nullptr);
}

bool finite(const Alignment& a) {
  double sum = a.residual + a.range + a.pose.t[0] + a.pose.t[1] + a.pose.t[2];
  sum += a.pose.q.x + a.pose.q.y + a.pose.q.z + a.pose.q.w;
  for (const double v : a.hessian) sum += v;
  for (const double v : a.eigen.values) sum += v;
  return std::isfinite(sum);
}

void known_motion_is_recovered() {
  const Cloud cloud = seen();
  for (const Simd simd : {dilly::detect_simd(), Simd::scalar})
    for (const auto& [metres, radians] : {std::pair{0.0, 0.0}, {0.05, 0.01}, {0.3, 0.08}, {-0.5, -0.15}}) {
      const Alignment found = aligned(room(), cloud, beside(metres, radians), simd);
      const auto [off, turned] = clouds::apart(found.pose, kTruth);
      CHECK(found.converged);
      CHECK_NEAR(off, 0, 0.003);
      CHECK_NEAR(turned, 0, 0.0005);
      CHECK(found.points <= cloud.size() && found.points > std::min<std::size_t>(cloud.size() - 1, 1000) &&
            found.inliers <= found.points && found.inliers > 0.95 * found.points);
      CHECK(found.residual < 0.02);
      // Walls on every side: all six directions are held.
      CHECK(found.eigen.values[0] > 0.05 * found.inliers);
    }
}

void any_number_of_threads_gives_the_same_bits() {
  const Cloud cloud = seen();
  const Alignment one = aligned(room(), cloud, beside(0.3, 0.08));
  for (const int threads : {2, 3}) {
    const Alignment many = aligned(room(), cloud, beside(0.3, 0.08), dilly::detect_simd(), threads);
    CHECK(std::memcmp(&one.pose, &many.pose, sizeof one.pose) == 0);
    CHECK(std::memcmp(&one.hessian, &many.hessian, sizeof one.hessian) == 0);
    CHECK(std::memcmp(&one.eigen, &many.eigen, sizeof one.eigen) == 0);
    CHECK(one.residual == many.residual && one.iterations == many.iterations && one.inliers == many.inliers);
  }
}

// Both go to the minimum of one cost; they stop within a step of each other.
void instruction_sets_agree() {
  const Cloud cloud = seen();
  const Alignment best = aligned(room(), cloud, beside(0.3, 0.08));
  const Alignment scalar = aligned(room(), cloud, beside(0.3, 0.08), Simd::scalar);
  const auto [off, turned] = clouds::apart(best.pose, scalar.pose);
  CHECK_NEAR(off, 0, 2e-5);
  CHECK_NEAR(turned, 0, 2e-6);
  CHECK_NEAR(best.residual, scalar.residual, 1e-5);
}

std::vector<dilly::Match> matches_of(const TileSet& map, const Cloud& cloud, Simd simd,
                                     dilly::BlockSums& sums) {
  std::vector<dilly::Match> matches(cloud.size());
  dilly::LineariseInput in;
  in.map = &map;
  in.cloud = &cloud;
  in.matches = matches.data();
  const dilly::Mat3 R = dilly::rotation(kTruth.q);
  for (int k = 0; k < 9; k++) in.R[k] = static_cast<float>(R[k]);
  for (int k = 0; k < 3; k++) in.t[k] = kTruth.t[k];
  in.kernel = 0.3f;
  for (int k = 0; k < 3; k++) in.home[k] = kTruth.t[k];
  in.max_d2 = 4;
  dilly::kernels(simd).linearise(in, 0, std::min<std::size_t>(cloud.size(), dilly::kBlock), sums);
  matches.resize(std::min<std::size_t>(cloud.size(), dilly::kBlock));
  return matches;
}

void many_tiles_answer_as_one_tree() {
  Cloud map = clouds::room(0.2f, 0.02f, 3);
  for (float& x : map.x) x += 1;
  for (float& y : map.y) y += 1;
  Cloud cloud = clouds::distribution(0, dilly::kBlock, 4);  // in the room and beside it
  for (float& x : cloud.x) x *= 0.6f;
  for (float& y : cloud.y) y *= 0.5f;
  for (float& z : cloud.z) z *= 0.1f;
  const auto whole = tiled(map, 100), parts = tiled(map, 2);
  CHECK(std::distance(whole->begin(), whole->end()) == 1);
  CHECK(std::distance(parts->begin(), parts->end()) >= 48);
  for (const Simd simd : {dilly::detect_simd(), Simd::scalar}) {
    dilly::BlockSums a, b;
    const auto one = matches_of(*whole, cloud, simd, a), many = matches_of(*parts, cloud, simd, b);
    bool same = a.matched == b.matched;
    for (std::size_t i = 0; i < one.size(); i++)
      same = same && !one[i].level == !many[i].level && std::fabs(one[i].d2 - many[i].d2) <= 2e-5f;
    CHECK(same);
    CHECK(a.matched > 50 && a.matched < one.size());
    CHECK_NEAR(a.weight, b.weight, 1e-2 * a.weight);
    CHECK_NEAR(a.square, b.square, 1e-2 * a.square);
  }
}

// A scan that creeps, then jumps: what was kept from the last place is what a search from nothing finds.
void kept_matches_are_the_nearest() {
  Cloud map = clouds::room(0.1f, 0.02f, 3);
  const auto tiles = tiled(map, 2);
  Cloud cloud = clouds::distribution(0, dilly::kBlock, 4);
  for (dilly::FloatBuffer* axis : {&cloud.x, &cloud.y, &cloud.z})
    for (float& v : *axis) v *= 0.3f;
  for (const Simd simd : {dilly::detect_simd(), Simd::scalar}) {
    std::vector<dilly::Match> kept(cloud.size());
    dilly::LineariseInput in;
    in.map = tiles.get();
    in.cloud = &cloud;
    in.kernel = 0.3f;
    in.max_d2 = 0.25f;
    std::size_t still = 0, asked = 0;
    for (int k = 0; k < 3; k++) in.home[k] = kTruth.t[k];
    for (int step = 0; step < 40; step++) {
      const double way = step < 30 ? 0.0005 * step : 0.05 * step;
      const dilly::Quat turned = dilly::multiply(dilly::exp_so3({0, 0, way / 10}), kTruth.q);
      const dilly::Mat3 R = dilly::rotation(turned);
      for (int k = 0; k < 9; k++) in.R[k] = static_cast<float>(R[k]);
      for (int k = 0; k < 3; k++) in.t[k] = kTruth.t[k] + way * (k - 1);
      dilly::BlockSums sums;
      std::vector<dilly::Match> fresh(cloud.size()), before = kept;
      in.nearly_still = true;
      in.matches = kept.data();
      dilly::kernels(simd).linearise(in, 0, cloud.size(), sums);
      in.nearly_still = false;
      in.matches = fresh.data();
      dilly::kernels(simd).linearise(in, 0, cloud.size(), sums);
      bool same = true;
      for (std::size_t i = 0; i < cloud.size(); i++) {
        same = same && kept[i].level == fresh[i].level &&
               (!kept[i].level || std::fabs(kept[i].d2 - fresh[i].d2) < 1e-6f);
        still += std::memcmp(before[i].place, kept[i].place, sizeof kept[i].place) == 0;
        asked++;
      }
      CHECK(same);
    }
    CHECK(still > asked / 4 && still < asked);  // or nothing of it was tested
  }
}

void a_change_touches_no_other_tile() {
  const auto before = tiled(clouds::room(0.5f, 0, 5), 5);
  Cloud lone;
  clouds::add(lone, 1, 1, 0);
  clouds::add_normal(lone, 0, 0, 1);
  const auto added = before->with({9, 9}, tile_of(lone, {45, 45, 0}));
  const auto removed = added->without({0, 0});
  CHECK(added->find({9, 9}) && !before->find({9, 9}));
  CHECK(before->find({0, 0}) && !removed->find({0, 0}));
  for (const auto& [key, tile] : *before) {
    CHECK(added->find(key) == tile.get());
    if (key != TileKey{0, 0}) CHECK(removed->find(key) == tile.get());
  }
  CHECK(removed->find({9, 9}) == added->find({9, 9}));
}

// A scan that lies beyond all tiles, and none at all.
void what_sees_nothing_says_so() {
  Cloud empty;
  const Alignment nothing = aligned(room(), empty, kTruth);
  CHECK(!nothing.converged && nothing.points == 0 && nothing.inliers == 0 && nothing.iterations == 0);
  const Alignment nowhere = aligned(TileSet(20), seen(), kTruth);
  CHECK(!nowhere.converged && nowhere.inliers == 0 && nowhere.points > 0);
  for (const double metres : {1e3, 1e9, 1e18}) {
    const Alignment far = aligned(room(), seen(), {{metres, -metres, 0}, {}});
    CHECK(!far.converged && far.inliers == 0 && far.matched == 0 && finite(far));
    CHECK(far.pose.t[0] == metres);
  }
  const Alignment no_number = aligned(room(), seen(), {{NAN, 0, 0}, {}});
  CHECK(!no_number.converged && no_number.inliers == 0);
}

void one_point_holds_one_direction() {
  Cloud one;
  const Pose there = clouds::inverse(kTruth);
  clouds::add(one, 4, 8, 0.1f);
  const Alignment found = aligned(room(), clouds::moved(one, there), kTruth);
  CHECK(finite(found) && found.points == 1 && found.inliers == 1);
  CHECK(found.eigen.values[4] < 1e-6 * found.eigen.values[5]);
  // Only along the floor's normal may it have moved, by what the point was off.
  CHECK_NEAR(found.pose.t[0], kTruth.t[0], 1e-3);
  CHECK_NEAR(found.pose.t[1], kTruth.t[1], 1e-3);
}

void degenerate_directions_show_in_the_eigenvalues() {
  Cloud floor;
  clouds::Random random(7);
  for (int i = 0; i < 2000; i++) clouds::add(floor, random.uniform(1, 8), random.uniform(1, 11), 0);
  const Alignment plane = aligned(room(), clouds::moved(floor, clouds::inverse(kTruth)), beside(0.05, 0));
  CHECK(finite(plane) && plane.inliers > 1900);
  // Height, roll and pitch are held; two shifts and the heading are not.
  CHECK(plane.eigen.values[2] < 1e-2 * plane.inliers && plane.eigen.values[3] > 1e-2 * plane.inliers);
  CHECK_NEAR(plane.pose.t[2], kTruth.t[2], 0.002);
  CHECK_NEAR(plane.pose.t[0], kTruth.t[0] + 0.05, 0.02);

  Cloud streak;
  for (int i = 0; i < 500; i++) clouds::add(streak, random.uniform(1, 8), 5, 0);
  const Alignment line = aligned(room(), clouds::moved(streak, clouds::inverse(kTruth)), kTruth);
  CHECK(finite(line) && line.inliers == 500);
  // Height and one tilt.
  CHECK(line.eigen.values[3] < 1e-2 * line.inliers && line.eigen.values[4] > 1e-2 * line.inliers);
}

void a_cancelled_alignment_stops() {
  dilly::ThreadPool pool;
  const dilly::CancelFlag cancel(true);
  const Alignment found = dilly::align(room(), seen(), kTruth, kOptions, pool, dilly::detect_simd(), &cancel);
  CHECK(found.cancelled && !found.converged && found.iterations == 0);
}

void tiles_that_cannot_be_are_refused() {
  const auto reason = [](const Cloud& cloud) {
    const auto tile = dilly::build_tile(cloud, {0, 0, 0});
    return tile.ok() ? std::string("none") : tile.error().reason;
  };
  Cloud cloud;
  CHECK(reason(cloud) == "no-normals");
  clouds::add(cloud, 1, 2, 3);
  CHECK(reason(cloud) == "no-normals");
  clouds::add_normal(cloud, 0, 0, 0.5f);
  CHECK(reason(cloud) == "bad-normal");
  cloud.nz[0] = NAN;
  CHECK(reason(cloud) == "bad-normal");
  cloud.nz[0] = 1;
  CHECK(reason(cloud) == "none");
  cloud.y[0] = INFINITY;
  CHECK(reason(cloud) == "not-finite");
}

}  // namespace

int main() {
  known_motion_is_recovered();
  any_number_of_threads_gives_the_same_bits();
  instruction_sets_agree();
  many_tiles_answer_as_one_tree();
  kept_matches_are_the_nearest();
  a_change_touches_no_other_tile();
  what_sees_nothing_says_so();
  one_point_holds_one_direction();
  degenerate_directions_show_in_the_eigenvalues();
  a_cancelled_alignment_stops();
  tiles_that_cannot_be_are_refused();
  return check::summary();
}
