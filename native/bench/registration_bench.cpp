// Our registration against a plain loop over nanoflann with the same cost on the same input: a scan of a
// street, thinned to 0.5 m, to a map with normals, from 0.1 m and 0.5° beside the truth, as when tracking.
#include "bench.hpp"
#include "dilly/icp.hpp"
#include "dilly/normals.hpp"
#include "dilly/thin.hpp"
#include "gauss_newton.hpp"
#include "gicp_loop.hpp"
#include "limits.hpp"
#include "peer_nanoflann.hpp"
#include "peer_pcl_registration.hpp"
#include "scene.hpp"

namespace {

using dilly::Cloud;
using dilly::Pose;

const dilly::AlignOptions kTracking{0.3, 0.1, 60, 5e-4, 5e-5};

// One Gauss–Newton step for the matches of `moved` (= T · cloud) in `map`; says how far it went.
bench::StepSize step(const Cloud& moved, const Cloud& map, const std::vector<std::uint32_t>& index,
                     const std::vector<float>& d2, double width, Pose& pose) {
  std::array<double, 36> h{};
  std::array<double, 6> g{};
  for (std::size_t i = 0; i < moved.size(); i++) {
    const std::uint32_t m = index[i];
    if (d2[i] > 9 * width * width) continue;
    const double n[3] = {map.nx[m], map.ny[m], map.nz[m]};
    const double p[3] = {moved.x[i] - pose.t[0], moved.y[i] - pose.t[1], moved.z[i] - pose.t[2]};
    const double r =
        n[0] * (moved.x[i] - map.x[m]) + n[1] * (moved.y[i] - map.y[m]) + n[2] * (moved.z[i] - map.z[m]);
    const double J[6] = {
        n[0], n[1], n[2], p[1] * n[2] - p[2] * n[1], p[2] * n[0] - p[0] * n[2], p[0] * n[1] - p[1] * n[0]};
    const double ratio = width * width / (width * width + r * r), w = ratio * ratio;
    for (int a = 0; a < 6; a++) {
      g[a] += w * J[a] * r;
      for (int b = 0; b < 6; b++) h[6 * a + b] += w * J[a] * J[b];
    }
  }
  return bench::gauss_newton(h, g, pose);
}

Pose plain_loop(const bench::PeerTree& tree, const Cloud& map, const Cloud& cloud, Pose pose) {
  std::vector<std::uint32_t> index;
  std::vector<float> d2;
  double width = kTracking.kernel_start;
  for (int iteration = 0; iteration < kTracking.max_iterations; iteration++) {
    Cloud moved;
    bench::append_moved(moved, cloud, pose);
    tree.nearest(moved, index, d2);
    const auto [metres, radians] = step(moved, map, index, d2, width, pose);
    if (width <= kTracking.kernel_end && metres < kTracking.translation_epsilon &&
        radians < kTracking.rotation_epsilon)
      break;
    width = std::max(kTracking.kernel_end, width * dilly::kKernelDecay);
  }
  return pose;
}

void tell_error(const char* who, const Pose& found, const Pose& truth) {
  const double off = std::hypot(found.t[0] - truth.t[0], found.t[1] - truth.t[1], found.t[2] - truth.t[2]);
  std::fprintf(stderr, "%s ends %.1f mm from the truth\n", who, 1e3 * off);
}

// A row for each peer that is installed: ours by its side in the same rounds.
void against_peers(const dilly::TileSet& tiles, const Cloud& map, const Cloud& scan, const Pose& start,
                   const Pose& truth) {
  dilly::ThreadPool pool(1), two(2);
  const dilly::Simd simd = dilly::detect_simd();
  const Cloud shaded = dilly::estimate_normals(scan, 20, two, simd, nullptr).value();
  Pose ours, found;
  const auto align = [&](dilly::ThreadPool& threads, dilly::Simd which, dilly::Finish finish) {
    return [&, which, finish] {
      dilly::AlignOptions options = kTracking;
      options.finish = finish;
      ours = dilly::align(tiles, scan, start, options, threads, which, nullptr).pose;
    };
  };
  const char* names[4] = {"registration.align.1t", "registration.align.points.1t", "registration.align.2t",
                          "registration.align.scalar.1t"};
  std::vector<std::function<void()>> works{
      align(pool, simd, dilly::Finish::layers), align(pool, simd, dilly::Finish::points),
      align(two, simd, dilly::Finish::layers), align(pool, dilly::Simd::scalar, dilly::Finish::layers)};
  std::vector<double> seconds;
  if (bench::PeerTree::installed()) {
    const bench::PeerTree tree(map);
    std::vector<std::function<void()>> with = works;
    with.push_back([&] { found = plain_loop(tree, map, scan, start); });
    with.push_back([&] { found = bench::gicp_loop(tree, map, shaded, start); });
    seconds = bench::race(20, with);
    for (int k = 0; k < 4; k++)
      bench::row(names[k], 1e3 * seconds[k], "ms", "nanoflann loop", 1e3 * seconds[4],
                 seconds[4] / seconds[k]);
    bench::row("registration.align.gicp", 1e3 * seconds[0], "ms", "GICP loop", 1e3 * seconds[5],
               seconds[5] / seconds[0]);
    tell_error("the GICP loop", found, truth);
    works.back()();
    tell_error("the plain loop", plain_loop(tree, map, scan, start), truth);
  } else {
    seconds = bench::race(20, works);
    for (int k = 0; k < 4; k++) bench::row(names[k], 1e3 * seconds[k], "ms");
  }
  works[0]();
  tell_error("ours", ours, truth);
  if (!bench::PeerRegistration::installed()) return;
  bench::PeerRegistration pcl(map);
  const std::vector<double> peers = bench::race(5, {works[0], [&] { found = pcl.gicp(scan, start); }});
  bench::row("registration.align.pclGicp", 1e3 * peers[0], "ms", "PCL GICP", 1e3 * peers[1],
             peers[1] / peers[0]);
  tell_error("PCL GICP", found, truth);
  const std::vector<double> ndt = bench::race(5, {works[0], [&] { found = pcl.ndt(scan, start); }});
  bench::row("registration.align.pclNdt", 1e3 * ndt[0], "ms", "PCL NDT", 1e3 * ndt[1], ndt[1] / ndt[0]);
  tell_error("PCL NDT", found, truth);
}

// What a scan of 128 rings costs beside one of 16, thinned and aligned.
void rings(const dilly::TileSet& tiles, const std::vector<bench::Box>& world, const Pose& start,
           const Pose& truth) {
  dilly::ThreadPool pool(1);
  const dilly::Simd simd = dilly::detect_simd();
  const Cloud many = bench::scan(world, truth, 2048, 78, 128), few = bench::scan(world, truth, 1024, 79, 16);
  Cloud thin_many, thin_few;
  const std::vector<double> seconds =
      bench::race(20, {[&] { thin_many = dilly::downsample(many, 0.5).value(); },
                       [&] { thin_few = dilly::downsample(few, 0.5).value(); },
                       [&] { dilly::align(tiles, thin_many, start, kTracking, pool, simd, nullptr); },
                       [&] { dilly::align(tiles, thin_few, start, kTracking, pool, simd, nullptr); }});
  std::fprintf(stderr, "128 rings: %zu points, %zu thinned; 16 rings: %zu, %zu\n", many.size(),
               thin_many.size(), few.size(), thin_few.size());
  bench::row("registration.rings128.downsample", 1e3 * seconds[0], "ms", "16 rings", 1e3 * seconds[1],
             seconds[1] / seconds[0]);
  bench::row("registration.rings128.align", 1e3 * seconds[2], "ms", "16 rings", 1e3 * seconds[3],
             seconds[3] / seconds[2]);
}

}  // namespace

int main() {
  const std::vector<bench::Box> world = bench::street();
  dilly::ThreadPool two(2);
  const Cloud points = dilly::downsample(bench::street_map(world, 1000000), 0.1).value();
  const Cloud map = dilly::estimate_normals(points, 20, two, dilly::detect_simd(), nullptr).value();
  const auto tiles = dilly::TileSet(1000).with({0, 0}, dilly::build_tile(map, {0, 0, 0}).value());
  const Pose truth = bench::pose_at(11.3, 0.02);
  Pose start = truth;
  start.t[0] += 0.07, start.t[1] -= 0.07;
  start.q = dilly::multiply(dilly::exp_so3({0, 0, 0.5 * M_PI / 180}), start.q);
  const Cloud scan = dilly::downsample(bench::scan(world, truth, 1900, 77), 0.5).value();
  std::fprintf(stderr, "%zu points to a map of %zu\n", scan.size(), map.size());
  against_peers(*tiles, map, scan, start, truth);
  rings(*tiles, world, start, truth);
  bench::row("machine.copy", bench::copy_bandwidth(), "GB/s");
  bench::row("machine.flops", bench::multiply_add_rate(), "Gflop/s");
}
