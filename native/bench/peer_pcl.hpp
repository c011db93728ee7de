// PCL's voxel grid, where it is installed (Debian: libpcl-dev).
#pragma once

#include <memory>

#include "dilly/cloud.hpp"

namespace bench {

class PeerVoxelGrid {
 public:
  explicit PeerVoxelGrid(const dilly::Cloud& cloud);
  ~PeerVoxelGrid();
  static bool installed();
  // Points left at one per cube of `size` metres.
  std::size_t thin(float size) const;

 private:
  struct Held;
  std::unique_ptr<Held> held_;
};

}  // namespace bench
