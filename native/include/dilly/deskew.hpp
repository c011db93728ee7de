// Puts each point of a sweep where it was seen from at the cloud's stamp.
#pragma once

#include <limits>
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
// without times, or motion without samples, is only moved by the mount.
class Deskewer {
 public:
  static Result<Deskewer> make(const Cloud& cloud, const Pose& T_base_sensor, const SampledMotion& motion) {
    if (motion.times.size() != motion.poses.size())
      return Error{"bad-motion", "expected as many times as poses, found " +
                                     std::to_string(motion.times.size()) + " and " +
                                     std::to_string(motion.poses.size())};
    for (std::size_t i = 0; i < motion.times.size(); i++)
      if (!std::isfinite(motion.times[i]) || (i > 0 && motion.times[i] <= motion.times[i - 1]))
        return Error{"bad-motion", "expected finite, strictly rising times, found " +
                                       std::to_string(motion.times[i]) + " at sample " + std::to_string(i)};
    return Deskewer(cloud, T_base_sensor, motion);
  }

  // The `count` points from `first` on, to x, y, z.
  void move(std::size_t first, std::size_t count, float* x, float* y, float* z) const {
    std::size_t s = 0;
    for (std::size_t done = 0; done < count;) {
      // Points come one after another by time, or ring by ring: mostly many with the same two samples.
      std::size_t end = count;
      if (spans_.size() > 1) {
        const float* time = &cloud_->time[first];
        while (s > 0 && time[done] < spans_[s].from) s--;
        while (s + 1 < spans_.size() && time[done] >= spans_[s + 1].from) s++;
        const float from = s > 0 ? spans_[s].from : -kEver,
                    to = s + 1 < spans_.size() ? spans_[s + 1].from : kEver;
        for (end = done + 1; end < count && time[end] >= from && time[end] < to;) end++;
      }
      move_run(spans_[s], first + done, end - done, x + done, y + done, z + done);
      done = end;
    }
  }

 private:
  // From one sample to the next: T(from) and what it changes by, as rows of R | t.
  struct Span {
    float from = 0, per_second = 0;
    detail::FloatPose at, change;
  };
  static constexpr float kEver = std::numeric_limits<float>::infinity();

  Deskewer(const Cloud& cloud, const Pose& T_base_sensor, const SampledMotion& motion) : cloud_(&cloud) {
    if (!cloud.has_times() || motion.times.empty()) {
      spans_.push_back({0, 0, detail::to_float(T_base_sensor), {}});
      return;
    }
    for (std::size_t i = 0; i < motion.times.size(); i++)
      spans_.push_back({static_cast<float>(motion.times[i]),
                        0,
                        detail::to_float(compose(motion.poses[i], T_base_sensor)),
                        {}});
    for (std::size_t i = 0; i + 1 < spans_.size(); i++) {
      spans_[i].per_second = static_cast<float>(1 / (motion.times[i + 1] - motion.times[i]));
      for (int k = 0; k < 12; k++) spans_[i].change.m[k] = spans_[i + 1].at.m[k] - spans_[i].at.m[k];
    }
  }

  void move_run(const Span& span, std::size_t first, std::size_t count, float* __restrict to_x,
                float* __restrict to_y, float* __restrict to_z) const {
    const float* __restrict from_x = &cloud_->x[first];
    const float* __restrict from_y = &cloud_->y[first];
    const float* __restrict from_z = &cloud_->z[first];
    float* __restrict to[3] = {to_x, to_y, to_z};
    if (span.per_second == 0) {
      for (int r = 0; r < 3; r++) {
        const float* a = span.at.m + 4 * r;
        for (std::size_t i = 0; i < count; i++)
          to[r][i] = a[0] * from_x[i] + a[1] * from_y[i] + a[2] * from_z[i] + a[3];
      }
      return;
    }
    const float* __restrict time = &cloud_->time[first];
    for (int r = 0; r < 3; r++) {
      const float* a = span.at.m + 4 * r;
      const float* b = span.change.m + 4 * r;
      for (std::size_t i = 0; i < count; i++) {
        const float since = (time[i] - span.from) * span.per_second;
        const float share = since > 0 ? since : 0;
        const float x = from_x[i], y = from_y[i], z = from_z[i];
        to[r][i] = a[0] * x + a[1] * y + a[2] * z + a[3] + share * (b[0] * x + b[1] * y + b[2] * z + b[3]);
      }
    }
  }

  const Cloud* cloud_;
  std::vector<Span> spans_;
};

// All points where the base stood at the stamp saw them. Intensity and times are kept, normals are left out.
inline Result<Cloud> deskew(const Cloud& cloud, const Pose& T_base_sensor, const SampledMotion& motion) {
  const Result<Deskewer> deskewer = Deskewer::make(cloud, T_base_sensor, motion);
  if (!deskewer.ok()) return deskewer.error();
  const std::size_t n = cloud.size();
  Cloud out;
  out.x.resize(n);
  out.y.resize(n);
  out.z.resize(n);
  out.intensity = cloud.intensity;
  out.time = cloud.time;
  if (n > 0) deskewer.value().move(0, n, out.x.data(), out.y.data(), out.z.data());
  return out;
}

}  // namespace dilly
