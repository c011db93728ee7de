// Thinning one scan to a point a cube: against PCL where it is installed, and against reading the input once,
// which no method can beat.
#include <cstring>

#include "bench.hpp"
#include "dilly/thin.hpp"
#include "peer_pcl.hpp"
#include "scene.hpp"

namespace {

// Reads every coordinate once, with nothing to wait for: a sum of floats would wait for each addition.
std::uint32_t read_once(const dilly::Cloud& cloud) {
  std::uint32_t mixed = 0;
  for (const dilly::FloatBuffer* axis : {&cloud.x, &cloud.y, &cloud.z})
    for (const float& v : *axis) {
      std::uint32_t bits;
      std::memcpy(&bits, &v, sizeof bits);
      mixed ^= bits;
    }
  return mixed;
}

}  // namespace

int main() {
  const dilly::Cloud scan = bench::scan(bench::street(), bench::pose_at(0), 1950, 1);
  const bench::PeerVoxelGrid peer(scan);
  for (const double size : {0.25, 0.5}) {
    std::size_t left = 0, peer_left = 0;
    std::uint32_t mixed = 0;
    std::vector<std::function<void()>> works{[&] { left = dilly::downsample(scan, size).value().size(); },
                                             [&] { mixed += read_once(scan); }};
    if (bench::PeerVoxelGrid::installed())
      works.push_back([&] { peer_left = peer.thin(static_cast<float>(size)); });
    const std::vector<double> seconds = bench::race(15, works);
    const std::string id = size == 0.25 ? "voxel.120k" : "voxel.120k.half";
    const double ours = 1e3 * seconds[0], reading = 1e3 * seconds[1];
    std::fprintf(stderr, "%zu points to %zu at %g m; %zu bytes read at %.1f GB/s (%08x)\n", scan.size(), left,
                 size, 12 * scan.size(), 12e-9 * static_cast<double>(scan.size()) / seconds[1], mixed);
    if (bench::PeerVoxelGrid::installed()) {
      std::fprintf(stderr, "PCL leaves %zu\n", peer_left);
      bench::row(id, ours, "ms", "pcl::VoxelGrid", 1e3 * seconds[2], seconds[2] / seconds[0]);
    } else {
      bench::row(id, ours, "ms");
    }
    bench::row(id + ".reading", ours, "ms", "reading once", reading, reading / ours);
  }
}
