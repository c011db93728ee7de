#include "peer_pcl_registration.hpp"

#if __has_include(<pcl/registration/gicp.h>)
#include <pcl/point_types.h>
#include <pcl/registration/gicp.h>
#include <pcl/registration/ndt.h>

namespace bench {
namespace {

using Points = pcl::PointCloud<pcl::PointXYZ>;

Points::Ptr points_of(const dilly::Cloud& cloud) {
  Points::Ptr points(new Points);
  for (std::size_t i = 0; i < cloud.size(); i++) points->push_back({cloud.x[i], cloud.y[i], cloud.z[i]});
  return points;
}

Eigen::Matrix4f matrix_of(const dilly::Pose& pose) {
  const dilly::Mat3 R = dilly::rotation(pose.q);
  Eigen::Matrix4f m = Eigen::Matrix4f::Identity();
  for (int r = 0; r < 3; r++) {
    for (int c = 0; c < 3; c++) m(r, c) = static_cast<float>(R[3 * r + c]);
    m(r, 3) = static_cast<float>(pose.t[r]);
  }
  return m;
}

dilly::Pose align(pcl::Registration<pcl::PointXYZ, pcl::PointXYZ>& with, const dilly::Cloud& scan,
                  const dilly::Pose& start) {
  Points aligned;
  with.setInputSource(points_of(scan));
  with.align(aligned, matrix_of(start));
  const Eigen::Matrix4d m = with.getFinalTransformation().cast<double>();
  const Eigen::Quaterniond q(Eigen::Matrix3d(m.topLeftCorner<3, 3>()));
  return {{m(0, 3), m(1, 3), m(2, 3)}, dilly::normalized({q.x(), q.y(), q.z(), q.w()})};
}

}  // namespace

struct PeerRegistration::Held {
  pcl::GeneralizedIterativeClosestPoint<pcl::PointXYZ, pcl::PointXYZ> gicp;
  pcl::NormalDistributionsTransform<pcl::PointXYZ, pcl::PointXYZ> ndt;
};

PeerRegistration::PeerRegistration(const dilly::Cloud& map) : held_(new Held) {
  const Points::Ptr target = points_of(map);
  // As both are used: matches within 1 m, steps below half a millimetre have converged.
  held_->gicp.setInputTarget(target);
  held_->gicp.setMaxCorrespondenceDistance(1.0);
  held_->gicp.setTransformationEpsilon(5e-4);
  held_->gicp.setMaximumIterations(60);
  held_->ndt.setResolution(1.0F);
  held_->ndt.setStepSize(0.1);
  // A looser one lets PCL 1.13 stop after its first step.
  held_->ndt.setTransformationEpsilon(1e-6);
  held_->ndt.setMaximumIterations(60);
  held_->ndt.setInputTarget(target);
}
PeerRegistration::~PeerRegistration() = default;
bool PeerRegistration::installed() {
  return true;
}

dilly::Pose PeerRegistration::gicp(const dilly::Cloud& scan, const dilly::Pose& start) {
  return align(held_->gicp, scan, start);
}
dilly::Pose PeerRegistration::ndt(const dilly::Cloud& scan, const dilly::Pose& start) {
  return align(held_->ndt, scan, start);
}

}  // namespace bench

#else

namespace bench {

struct PeerRegistration::Held {};
PeerRegistration::PeerRegistration(const dilly::Cloud&) {}
PeerRegistration::~PeerRegistration() = default;
bool PeerRegistration::installed() {
  return false;
}
dilly::Pose PeerRegistration::gicp(const dilly::Cloud&, const dilly::Pose& start) {
  return start;
}
dilly::Pose PeerRegistration::ndt(const dilly::Cloud&, const dilly::Pose& start) {
  return start;
}

}  // namespace bench

#endif
