// Puts each point of a sweep where it was seen from at the cloud's stamp.
#pragma once

#include <string>
#include <vector>

#include "cloud.hpp"
#include "linalg.hpp"
#include "result.hpp"

namespace dilly {

// Motion of the base during the sweep: poses T_base(stamp)_base(stamp + times[i]), times strictly rising.
struct SampledMotion {
  std::vector<double> times;  // seconds
  std::vector<Pose> poses;
};

// A constant twist (m/s and rad/s in the base frame) as samples over [from, to] (one where they are equal):
// exp of the screw (Lynch & Park, Modern Robotics, 3.3), dense enough that straight lines between samples are
// exact to < 0.1 mm at robot speeds.
inline SampledMotion sample_twist(const Vec3& linear, const Vec3& angular, double from, double to) {
  const int steps = to > from ? 32 : 0;
  SampledMotion motion;
  for (int s = 0; s <= steps; s++) {
    const double tau = s == 0 ? from : from + (to - from) * s / steps;
    const Vec3 phi{angular[0] * tau, angular[1] * tau, angular[2] * tau};
    const double angle2 = phi[0] * phi[0] + phi[1] * phi[1] + phi[2] * phi[2], angle = std::sqrt(angle2);
    const double b = angle < 1e-6 ? 0.5 : (1 - std::cos(angle)) / angle2;
    const double c = angle < 1e-6 ? 1.0 / 6 : (angle - std::sin(angle)) / (angle2 * angle);
    const Vec3 d{linear[0] * tau, linear[1] * tau, linear[2] * tau};
    const auto cross = [](const Vec3& u, const Vec3& v) {
      return Vec3{u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]};
    };
    const Vec3 once = cross(phi, d), twice = cross(phi, once);
    motion.times.push_back(tau);
    motion.poses.push_back({{d[0] + b * once[0] + c * twice[0], d[1] + b * once[1] + c * twice[1],
                             d[2] + b * once[2] + c * twice[2]},
                            exp_so3(phi)});
  }
  return motion;
}

namespace detail {

// R | t as float rows, ready for points.
struct FloatPose {
  float m[12];
};

inline FloatPose to_float(const Pose& pose) {
  const Mat3 R = rotation(pose.q);
  FloatPose out;
  for (int r = 0; r < 3; r++) {
    for (int c = 0; c < 3; c++) out.m[4 * r + c] = static_cast<float>(R[3 * r + c]);
    out.m[4 * r + 3] = static_cast<float>(pose.t[r]);
  }
  return out;
}

}  // namespace detail

// p_base = T_base(stamp)_base(stamp + τ) · T_base_sensor · p. Between samples the matrices are blended
// linearly (the angle between samples is small); beyond the first and last sample the motion is held. A cloud
// without times, or motion without samples, is only moved by the mount. Intensity and times are kept, normals
// are left out.
inline Result<Cloud> deskew(const Cloud& cloud, const Pose& T_base_sensor, const SampledMotion& motion) {
  if (motion.times.size() != motion.poses.size())
    return Error{"bad-motion", "expected as many times as poses, found " +
                                   std::to_string(motion.times.size()) + " and " +
                                   std::to_string(motion.poses.size())};
  for (std::size_t i = 0; i < motion.times.size(); i++)
    if (!std::isfinite(motion.times[i]) || (i > 0 && motion.times[i] <= motion.times[i - 1]))
      return Error{"bad-motion", "expected finite, strictly rising times, found " +
                                     std::to_string(motion.times[i]) + " at sample " + std::to_string(i)};
  const std::size_t n = cloud.size();
  Cloud out;
  out.x.resize(n);
  out.y.resize(n);
  out.z.resize(n);
  out.intensity = cloud.intensity;
  out.time = cloud.time;
  std::vector<detail::FloatPose> at;
  for (const Pose& pose : motion.poses) at.push_back(detail::to_float(compose(pose, T_base_sensor)));
  const bool moving = cloud.has_times() && !at.empty();
  if (!moving) at.assign(1, detail::to_float(T_base_sensor));
  const std::vector<double>& times = motion.times;
  std::size_t s = 0;
  for (std::size_t i = 0; i < n; i++) {
    float blend = 0;
    std::size_t next = 0;
    if (moving) {
      const double tau = cloud.time[i];
      while (s + 1 < times.size() && tau >= times[s + 1]) s++;
      while (s > 0 && tau < times[s]) s--;
      next = s + 1 < times.size() ? s + 1 : s;
      if (next != s && tau > times[s])
        blend = static_cast<float>((tau - times[s]) / (times[next] - times[s]));
    }
    const float* a = at[s].m;
    const float* b = at[next].m;
    const float x = cloud.x[i], y = cloud.y[i], z = cloud.z[i];
    float moved[3];
    for (int r = 0; r < 3; r++) {
      const float pa = a[4 * r] * x + a[4 * r + 1] * y + a[4 * r + 2] * z + a[4 * r + 3];
      const float pb = b[4 * r] * x + b[4 * r + 1] * y + b[4 * r + 2] * z + b[4 * r + 3];
      moved[r] = pa + blend * (pb - pa);
    }
    out.x[i] = moved[0];
    out.y[i] = moved[1];
    out.z[i] = moved[2];
  }
  return out;
}

}  // namespace dilly
