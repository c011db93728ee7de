// Input of the benchmarks: scans of a spinning 64-beam LiDAR in a synthetic street, and binary PLY files.
#pragma once

#include <cmath>
#include <cstdint>
#include <fstream>
#include <random>
#include <sstream>
#include <string>

#include "dilly/cloud.hpp"
#include "dilly/linalg.hpp"

namespace bench {

struct Box {
  double low[3], high[3];
};

// A street along x: a road, house fronts with gaps and steps on both sides, cars, poles. Metres.
inline std::vector<Box> street() {
  std::vector<Box> boxes{{{-300, -300, -1}, {300, 300, 0}}};
  std::mt19937 random(7);
  const auto uniform = [&](double a, double b) { return a + (b - a) * (random() * (1.0 / 4294967296.0)); };
  for (const int side : {-1, 1}) {
    for (double x = -150; x < 150;) {
      const double length = uniform(6, 18), near = uniform(8, 12), height = uniform(5, 16);
      const double a = side * near, b = side * (near + 10);
      boxes.push_back({{x, std::min(a, b), 0}, {x + length, std::max(a, b), height}});
      x += length + uniform(0, 4);
    }
    for (double x = -150; x < 150; x += uniform(7, 15)) {
      const double y = side * uniform(4.5, 5.5);
      boxes.push_back({{x, y - 0.9, 0}, {x + 4.3, y + 0.9, 1.5}});
      boxes.push_back({{x + 5.5, y - 0.1, 0}, {x + 5.7, y + 0.1, 7}});
    }
  }
  return boxes;
}

// Distance along a ray to a box, or infinity (Kay & Kajiya 1986).
inline double ray_to_box(const double from[3], const double direction[3], const Box& box) {
  double enter = 0, leave = 1e30;
  for (int a = 0; a < 3; a++) {
    const double inverse = 1 / direction[a];
    const double t0 = (box.low[a] - from[a]) * inverse, t1 = (box.high[a] - from[a]) * inverse;
    enter = std::max(enter, std::min(t0, t1));
    leave = std::min(leave, std::max(t0, t1));
  }
  return enter <= leave ? enter : 1e30;
}

// One turn of a field of beams from 2° to −24.8°, in the sensor's frame, firing order, with 1 cm noise and
// points to 80 m.
inline dilly::Cloud scan(const std::vector<Box>& world, const dilly::Pose& T_map_sensor, int columns,
                         unsigned seed, int beams = 64) {
  std::mt19937 random(seed);
  std::normal_distribution<double> noise(0, 0.01);
  const dilly::Mat3 R = dilly::rotation(T_map_sensor.q);
  dilly::Cloud cloud;
  for (int c = 0; c < columns; c++) {
    const double azimuth = 2 * M_PI * c / columns;
    for (int beam = 0; beam < beams; beam++) {
      const double elevation = (2.0 - 26.8 * beam / (beams - 1)) * M_PI / 180;
      const dilly::Vec3 ray{std::cos(elevation) * std::cos(azimuth), std::cos(elevation) * std::sin(azimuth),
                            std::sin(elevation)};
      const dilly::Vec3 direction = dilly::multiply(R, ray);
      double range = 1e30;
      for (const Box& box : world)
        range = std::min(range, ray_to_box(T_map_sensor.t.data(), direction.data(), box));
      if (!(range < 80)) continue;
      range += noise(random);
      cloud.x.push_back(static_cast<float>(ray[0] * range));
      cloud.y.push_back(static_cast<float>(ray[1] * range));
      cloud.z.push_back(static_cast<float>(ray[2] * range));
    }
  }
  return cloud;
}

inline dilly::Pose pose_at(double x, double yaw = 0) {
  return {{x, 0, 1.8}, dilly::exp_so3({0, 0, yaw})};
}

inline void append_moved(dilly::Cloud& to, const dilly::Cloud& from, const dilly::Pose& T) {
  const dilly::Mat3 R = dilly::rotation(T.q);
  for (std::size_t i = 0; i < from.size(); i++) {
    const dilly::Vec3 p = dilly::multiply(R, {from.x[i], from.y[i], from.z[i]});
    to.x.push_back(static_cast<float>(p[0] + T.t[0]));
    to.y.push_back(static_cast<float>(p[1] + T.t[1]));
    to.z.push_back(static_cast<float>(p[2] + T.t[2]));
  }
}

// `points` points of a map that scans at 2 m steps made: evenly drawn from all of them, in the order of the
// scans.
inline dilly::Cloud street_map(const std::vector<Box>& world, std::size_t points) {
  dilly::Cloud all;
  const int columns = 1800;
  for (unsigned s = 0; s < 1 + 12 * points / 1000000; s++)
    append_moved(all, scan(world, pose_at(2.0 * s), columns, s), pose_at(2.0 * s));
  dilly::Cloud map;
  const double step = static_cast<double>(all.size()) / static_cast<double>(points);
  for (std::size_t k = 0; k < points; k++) {
    const auto i = static_cast<std::size_t>(static_cast<double>(k) * step);
    map.x.push_back(all.x[i]);
    map.y.push_back(all.y[i]);
    map.z.push_back(all.z[i]);
  }
  return map;
}

// A binary little-endian PLY of float32 properties that begin with x y z; empty when there is no such file.
// Points at the sensor itself, which is how some drivers say that nothing came back, are left out.
inline dilly::Cloud read_ply(const std::string& path) {
  dilly::Cloud cloud;
  std::ifstream file(path, std::ios::binary);
  std::size_t points = 0, properties = 0;
  for (std::string line; std::getline(file, line) && line.rfind("end_header", 0) != 0;) {
    if (line.rfind("element vertex ", 0) == 0) points = std::stoul(line.substr(15));
    if (line.rfind("property float ", 0) == 0) properties++;
  }
  std::vector<float> row(std::max<std::size_t>(properties, 3));
  for (std::size_t i = 0; i < points && file.read(reinterpret_cast<char*>(row.data()), 4 * properties); i++) {
    if (row[0] == 0 && row[1] == 0 && row[2] == 0) continue;
    cloud.x.push_back(row[0]);
    cloud.y.push_back(row[1]);
    cloud.z.push_back(row[2]);
  }
  return cloud;
}

}  // namespace bench
