// Clouds for the tests: the distributions on which trees go wrong, and a room with known walls.
#pragma once

#include <cmath>
#include <random>
#include <utility>
#include <vector>

#include "dilly/cloud.hpp"
#include "dilly/linalg.hpp"

namespace clouds {

using dilly::Cloud;

class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}
  float uniform(float low, float high) {
    return low + (high - low) * static_cast<float>(engine_() * (1.0 / 4294967296.0));
  }
  float gaussian(float sigma) { return normal_(engine_) * sigma; }

 private:
  std::mt19937 engine_;
  std::normal_distribution<float> normal_;
};

inline void add(Cloud& cloud, float x, float y, float z) {
  cloud.x.push_back(x);
  cloud.y.push_back(y);
  cloud.z.push_back(z);
}

inline void add_normal(Cloud& cloud, float x, float y, float z) {
  cloud.nx.push_back(x);
  cloud.ny.push_back(y);
  cloud.nz.push_back(z);
}

constexpr const char* kDistributions[] = {"uniform", "clustered", "plane", "line", "duplicates"};

inline Cloud distribution(int which, std::size_t n, unsigned seed) {
  Random random(seed);
  const auto u = [&] { return random.uniform(-20, 20); };
  Cloud cloud;
  for (std::size_t i = 0; i < n; i++) {
    const float centre = 15 * std::floor(random.uniform(0, 4));
    if (which == 0) add(cloud, u(), u(), u());
    if (which == 1) add(cloud, centre + random.gaussian(0.1f), random.gaussian(0.1f), random.gaussian(0.1f));
    if (which == 2) add(cloud, u(), u(), 1.5f);
    if (which == 3) add(cloud, u(), 0, 0);
    if (which == 4) add(cloud, std::round(u() / 10), std::round(u() / 10), std::round(u() / 10));
  }
  return cloud;
}

// A room of 16 × 12 × 4 m with a box in it, seen from inside: points on a grid of about `step` metres, unit
// normals.
inline Cloud room(float step, float noise, unsigned seed) {
  Random random(seed);
  Cloud cloud;
  // The rectangle o + s a + t b: `a` and `b` are the lengths along two axes, `axis` is the third.
  const auto face = [&](const float o[3], int axis, float a, float b, float sign) {
    const int u = (axis + 1) % 3, v = (axis + 2) % 3;
    for (float s = step / 2; s < a; s += step)
      for (float t = step / 2; t < b; t += step) {
        float p[3] = {o[0], o[1], o[2]}, n[3] = {};
        p[u] += s + random.uniform(-0.4f, 0.4f) * step;
        p[v] += t + random.uniform(-0.4f, 0.4f) * step;
        p[axis] += random.gaussian(noise);
        n[axis] = sign;
        add(cloud, p[0], p[1], p[2]);
        add_normal(cloud, n[0], n[1], n[2]);
      }
  };
  const float low[3] = {0, 0, 0}, high[3] = {16, 12, 4}, box_low[3] = {9, 3, 0}, box_high[3] = {11, 6, 1.5f};
  face(low, 2, 16, 12, 1);
  face(low, 0, 12, 4, 1);
  face(low, 1, 4, 16, 1);
  const float far_x[3] = {high[0], 0, 0}, far_y[3] = {0, high[1], 0};
  face(far_x, 0, 12, 4, -1);
  face(far_y, 1, 4, 16, -1);
  const float top[3] = {9, 3, 1.5f}, side[3] = {11, 3, 0}, end[3] = {9, 6, 0};
  face(top, 2, box_high[0] - box_low[0], box_high[1] - box_low[1], 1);
  face(box_low, 0, 3, 1.5f, -1);
  face(box_low, 1, 1.5f, 2, -1);
  face(side, 0, 3, 1.5f, 1);
  face(end, 1, 1.5f, 2, 1);
  return cloud;
}

inline dilly::Pose inverse(const dilly::Pose& T) {
  const dilly::Quat q = dilly::conjugate(T.q);
  const dilly::Vec3 t = dilly::multiply(dilly::rotation(q), T.t);
  return {{-t[0], -t[1], -t[2]}, q};
}

// The points of `cloud` moved by T, without their normals.
inline Cloud moved(const Cloud& cloud, const dilly::Pose& T) {
  const dilly::Mat3 R = dilly::rotation(T.q);
  Cloud out;
  for (std::size_t i = 0; i < cloud.size(); i++) {
    const dilly::Vec3 p = dilly::multiply(R, {cloud.x[i], cloud.y[i], cloud.z[i]});
    add(out, static_cast<float>(p[0] + T.t[0]), static_cast<float>(p[1] + T.t[1]),
        static_cast<float>(p[2] + T.t[2]));
  }
  return out;
}

// Metres and radians between two poses.
inline std::pair<double, double> apart(const dilly::Pose& a, const dilly::Pose& b) {
  const dilly::Vec3 turn = dilly::log_so3(dilly::multiply(dilly::conjugate(a.q), b.q));
  return {std::hypot(a.t[0] - b.t[0], a.t[1] - b.t[1], a.t[2] - b.t[2]),
          std::hypot(turn[0], turn[1], turn[2])};
}

}  // namespace clouds
