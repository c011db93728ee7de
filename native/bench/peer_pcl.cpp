#include "peer_pcl.hpp"

#if __has_include(<pcl/filters/voxel_grid.h>)
#include <pcl/filters/voxel_grid.h>
#include <pcl/point_types.h>

namespace bench {

struct PeerVoxelGrid::Held {
  pcl::PointCloud<pcl::PointXYZ>::Ptr cloud{new pcl::PointCloud<pcl::PointXYZ>};
};

PeerVoxelGrid::PeerVoxelGrid(const dilly::Cloud& cloud) : held_(new Held) {
  for (std::size_t i = 0; i < cloud.size(); i++)
    held_->cloud->push_back({cloud.x[i], cloud.y[i], cloud.z[i]});
}
PeerVoxelGrid::~PeerVoxelGrid() = default;
bool PeerVoxelGrid::installed() {
  return true;
}

std::size_t PeerVoxelGrid::thin(float size) const {
  pcl::VoxelGrid<pcl::PointXYZ> grid;
  pcl::PointCloud<pcl::PointXYZ> out;
  grid.setInputCloud(held_->cloud);
  grid.setLeafSize(size, size, size);
  grid.filter(out);
  return out.size();
}

}  // namespace bench

#else

namespace bench {

struct PeerVoxelGrid::Held {};
PeerVoxelGrid::PeerVoxelGrid(const dilly::Cloud&) {}
PeerVoxelGrid::~PeerVoxelGrid() = default;
bool PeerVoxelGrid::installed() {
  return false;
}
std::size_t PeerVoxelGrid::thin(float) const {
  return 0;
}

}  // namespace bench

#endif
