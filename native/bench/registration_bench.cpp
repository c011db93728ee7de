// Our registration against a plain loop over nanoflann with the same cost, and others, on the same input:
// scans thinned to 0.5 m, to a map with normals, from within ±0.5 m and 3° of the truth.
#include "bench.hpp"
#include "dilly/icp.hpp"
#include "dilly/normals.hpp"
#include "dilly/thin.hpp"
#include "gauss_newton.hpp"
#include "gicp_loop.hpp"
#include "input.hpp"
#include "limits.hpp"
#include "peer_nanoflann.hpp"
#include "peer_pcl_registration.hpp"
#include "scene.hpp"
#include "tiles.hpp"

namespace {

using dilly::Cloud;
using dilly::Pose;

const dilly::AlignOptions kOptions{1, 0.2, 60, 5e-4, 5e-5};  // registration's defaults

std::shared_ptr<const dilly::TileSet> tiles_of(const Cloud& map) {
  auto tiles = std::make_shared<const dilly::TileSet>(bench::kTileSize);
  for (const auto& [id, points] : bench::cut(map))
    tiles = tiles->with(
        id,
        dilly::build_tile(points, {bench::kTileSize * id.first, bench::kTileSize * id.second, 0}).value());
  return tiles;
}

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
  double width = kOptions.kernel_start;
  for (int iteration = 0; iteration < kOptions.max_iterations; iteration++) {
    Cloud moved;
    bench::append_moved(moved, cloud, pose);
    tree.nearest(moved, index, d2);
    const auto [metres, radians] = step(moved, map, index, d2, width, pose);
    if (width <= kOptions.kernel_end && metres < kOptions.translation_epsilon &&
        radians < kOptions.rotation_epsilon)
      break;
    width = std::max(kOptions.kernel_end, width * dilly::kKernelDecay);
  }
  return pose;
}

using Method = std::function<Pose(std::size_t)>;  // the case's number → where it ends

double apart(const Pose& a, const Pose& b) {
  return std::hypot(a.t[0] - b.t[0], a.t[1] - b.t[1], a.t[2] - b.t[2]);
}

// A row for each peer that is installed: ours by its side in the same rounds, over the same cases in turn.
void against_peers(const dilly::TileSet& tiles, const bench::Input& input) {
  const Cloud& map = input.map;
  dilly::ThreadPool pool(1), two(2);
  const dilly::Simd simd = dilly::detect_simd();
  std::vector<Cloud> shaded;
  for (const bench::Case& one : input.cases)
    shaded.push_back(dilly::estimate_normals(one.scan, 20, two, simd, nullptr).value());
  const auto align = [&](dilly::ThreadPool& threads, dilly::Simd which, dilly::Finish finish) {
    return [&, which, finish](std::size_t k) {
      dilly::AlignOptions options = kOptions;
      options.finish = finish;
      const bench::Case& one = input.cases[k];
      return dilly::align(tiles, one.scan, one.start, options, threads, which, nullptr).pose;
    };
  };
  // Medians over the cases, and how far each ends from the truth.
  const auto race = [&](int rounds, const std::vector<std::pair<const char*, Method>>& methods) {
    std::vector<std::function<void()>> works;
    std::vector<std::vector<double>> off(methods.size());
    for (std::size_t m = 0; m < methods.size(); m++)
      works.push_back([&, m, k = std::size_t{0}]() mutable {
        const bench::Case& one = input.cases[k++ % input.cases.size()];
        off[m].push_back(apart(methods[m].second((k - 1) % input.cases.size()), one.truth));
      });
    const std::vector<double> seconds = bench::race(rounds, works);
    for (std::size_t m = 0; m < methods.size(); m++)
      std::fprintf(stderr, "%s: %.1f mm from the reference (median), %.1f at most\n", methods[m].first,
                   1e3 * bench::median(off[m]), 1e3 * *std::max_element(off[m].begin(), off[m].end()));
    return seconds;
  };
  const Method ours = align(pool, simd, dilly::Finish::layers);
  const std::vector<double> own =
      race(20, {{"to the map's points", ours},
                {"to surfels", align(pool, simd, dilly::Finish::surfels)},
                {"two threads", align(two, simd, dilly::Finish::layers)},
                {"scalar", align(pool, dilly::Simd::scalar, dilly::Finish::layers)}});
  bench::row("registration.align.1t", 1e3 * own[0], "ms");
  bench::row("registration.align.surfels.1t", 1e3 * own[1], "ms", "to points", 1e3 * own[0], own[0] / own[1]);
  bench::row("registration.align.2t", 1e3 * own[2], "ms", "1 thread", 1e3 * own[0], own[0] / own[2]);
  bench::row("registration.align.scalar.1t", 1e3 * own[3], "ms", "AVX2 or NEON", 1e3 * own[0],
             own[0] / own[3]);
  const auto beside = [&](const char* id, const char* peer, int rounds, const Method& method) {
    const std::vector<double> taken = race(rounds, {{"ours", ours}, {peer, method}});
    bench::row(id, 1e3 * taken[0], "ms", peer, 1e3 * taken[1], taken[1] / taken[0]);
  };
  if (bench::PeerTree::installed()) {
    const bench::PeerTree tree(map);
    beside("registration.align.nanoflann", "nanoflann loop", 20,
           [&](std::size_t k) { return plain_loop(tree, map, input.cases[k].scan, input.cases[k].start); });
    beside("registration.align.gicp", "GICP loop", 20,
           [&](std::size_t k) { return bench::gicp_loop(tree, map, shaded[k], input.cases[k].start); });
  }
  if (!bench::PeerRegistration::installed()) return;
  bench::PeerRegistration pcl(map);
  beside("registration.align.pclGicp", "PCL GICP", 20,
         [&](std::size_t k) { return pcl.gicp(input.cases[k].scan, input.cases[k].start); });
  beside("registration.align.pclNdt", "PCL NDT", 20,
         [&](std::size_t k) { return pcl.ndt(input.cases[k].scan, input.cases[k].start); });
}

// What a scan of 128 rings costs beside one of 16, thinned and aligned, in the made street.
void rings() {
  const std::vector<bench::Box> world = bench::street();
  const bench::Input input = bench::made_input(world);
  const auto tiles = tiles_of(input.map);
  const Pose &truth = input.cases[0].truth, &start = input.cases[0].start;
  dilly::ThreadPool pool(1);
  const dilly::Simd simd = dilly::detect_simd();
  const Cloud many = bench::scan(world, truth, 2048, 78, 128), few = bench::scan(world, truth, 1024, 79, 16);
  Cloud thin_many, thin_few;
  const std::vector<double> seconds =
      bench::race(20, {[&] { thin_many = dilly::downsample(many, 0.5).value(); },
                       [&] { thin_few = dilly::downsample(few, 0.5).value(); },
                       [&] { dilly::align(*tiles, thin_many, start, kOptions, pool, simd, nullptr); },
                       [&] { dilly::align(*tiles, thin_few, start, kOptions, pool, simd, nullptr); }});
  std::fprintf(stderr, "128 rings: %zu points, %zu thinned; 16 rings: %zu, %zu\n", many.size(),
               thin_many.size(), few.size(), thin_few.size());
  bench::row("registration.rings128.downsample", 1e3 * seconds[0], "ms", "16 rings", 1e3 * seconds[1],
             seconds[1] / seconds[0]);
  bench::row("registration.rings128.align", 1e3 * seconds[2], "ms", "16 rings", 1e3 * seconds[3],
             seconds[3] / seconds[2]);
}

}  // namespace

// Of a folder (input.hpp), or of a made street.
int main(int count, char** arguments) {
  const bench::Input input = count > 1 ? bench::read_input(arguments[1]) : bench::made_input(bench::street());
  if (input.cases.empty()) {
    std::fprintf(stderr, "expected map.f32, poses.txt and scan-0.f32 … in %s\n", arguments[1]);
    return 1;
  }
  std::fprintf(stderr, "%zu scans of about %zu points to a map of %zu\n", input.cases.size(),
               input.cases[0].scan.size(), input.map.size());
  against_peers(*tiles_of(input.map), input);
  rings();
  bench::row("machine.copy", bench::copy_bandwidth(), "GB/s");
  bench::row("machine.flops", bench::multiply_add_rate(), "Gflop/s");
}
