// PCL's GICP and NDT, where they are installed (Debian: libpcl-dev).
#pragma once

#include <memory>

#include "dilly/cloud.hpp"
#include "dilly/linalg.hpp"

namespace bench {

class PeerRegistration {
 public:
  // Prepares the map: its tree and covariances, and NDT's cubes of 1 m.
  explicit PeerRegistration(const dilly::Cloud& map);
  ~PeerRegistration();
  static bool installed();
  dilly::Pose gicp(const dilly::Cloud& scan, const dilly::Pose& start);
  dilly::Pose ndt(const dilly::Cloud& scan, const dilly::Pose& start);

 private:
  struct Held;
  std::unique_ptr<Held> held_;
};

}  // namespace bench
