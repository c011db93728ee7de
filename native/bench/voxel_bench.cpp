// Thinning one scan to a point a cube: against PCL where it is installed, and against reading the input once,
// which no method can beat.
#include "bench.hpp"
#include "dilly/voxel.hpp"
#include "peer_pcl.hpp"
#include "scene.hpp"

int main() {
  const dilly::Cloud scan = bench::scan(bench::street(), bench::pose_at(0), 1950, 1);
  const bench::PeerVoxelGrid peer(scan);
  for (const double size : {0.25, 0.5}) {
    std::size_t left = 0, peer_left = 0;
    float sum = 0;
    std::vector<std::function<void()>> works{[&] { left = dilly::downsample(scan, size).value().size(); },
                                             [&] {
                                               for (std::size_t i = 0; i < scan.size(); i++)
                                                 sum += scan.x[i] + scan.y[i] + scan.z[i];
                                             }};
    if (bench::PeerVoxelGrid::installed())
      works.push_back([&] { peer_left = peer.thin(static_cast<float>(size)); });
    const std::vector<double> seconds = bench::race(15, works);
    const std::string id = size == 0.25 ? "voxel.quarter" : "voxel.half";
    const double ours = 1e3 * seconds[0], reading = 1e3 * seconds[1];
    std::fprintf(stderr, "%zu points to %zu at %g m (sum %g)\n", scan.size(), left, size,
                 static_cast<double>(sum));
    bench::row(id, ours, "ms", "reading once", reading, reading / ours);
    if (!bench::PeerVoxelGrid::installed()) continue;
    std::fprintf(stderr, "PCL leaves %zu\n", peer_left);
    bench::row(id + ".pcl", ours, "ms", "pcl::VoxelGrid", 1e3 * seconds[2], 1e3 * seconds[2] / ours);
  }
}
