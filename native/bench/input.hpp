// What registrations are compared on: a map with normals, scans, where they were taken, and where to start.
#pragma once

#include <fstream>
#include <string>
#include <vector>

#include "dilly/normals.hpp"
#include "dilly/thin.hpp"
#include "scene.hpp"

namespace bench {

struct Case {
  dilly::Cloud scan;
  dilly::Pose truth, start;  // T_map_base
};

struct Input {
  dilly::Cloud map;
  std::vector<Case> cases;
};

// Rows of float32: x y z, and a normal where there are six.
inline dilly::Cloud read_rows(const std::string& path, std::size_t columns) {
  dilly::Cloud cloud;
  dilly::FloatBuffer* to[6] = {&cloud.x, &cloud.y, &cloud.z, &cloud.nx, &cloud.ny, &cloud.nz};
  std::ifstream file(path, std::ios::binary);
  for (float row[6]; file.read(reinterpret_cast<char*>(row), static_cast<std::streamsize>(4 * columns));)
    for (std::size_t k = 0; k < columns; k++) to[k]->push_back(row[k]);
  return cloud;
}

// A folder of map.f32, scan-0.f32 …, and poses.txt: a line for each scan, truth and start, x y z qx qy qz qw.
inline Input read_input(const std::string& folder) {
  Input input;
  input.map = read_rows(folder + "/map.f32", 6);
  std::ifstream poses(folder + "/poses.txt");
  const auto pose = [&](dilly::Pose& p) {
    return static_cast<bool>(poses >> p.t[0] >> p.t[1] >> p.t[2] >> p.q.x >> p.q.y >> p.q.z >> p.q.w);
  };
  for (Case one; pose(one.truth) && pose(one.start);) {
    one.scan = read_rows(folder + "/scan-" + std::to_string(input.cases.size()) + ".f32", 3);
    input.cases.push_back(one);
  }
  return input;
}

// Scans of one place of a made street, from within 0.5 m and 3° of it.
inline Input made_input(const std::vector<Box>& world) {
  dilly::ThreadPool two(2);
  Input input;
  const dilly::Cloud points = dilly::downsample(street_map(world, 1000000), 0.1).value();
  input.map = dilly::estimate_normals(points, 20, two, dilly::detect_simd(), nullptr).value();
  std::mt19937 random(5);
  std::uniform_real_distribution<double> share(-1, 1);
  for (unsigned k = 0; k < 10; k++) {
    Case one;
    one.truth = one.start = pose_at(11.3, 0.02);
    one.scan = dilly::downsample(scan(world, one.truth, 1900, 77 + k), 0.5).value();
    for (double& t : one.start.t) t += 0.5 * share(random);
    const dilly::Vec3 turn{share(random), share(random), share(random)};
    const double size = 3 * M_PI / 180 * share(random) / std::hypot(turn[0], turn[1], turn[2]);
    one.start.q =
        dilly::multiply(dilly::exp_so3({size * turn[0], size * turn[1], size * turn[2]}), one.start.q);
    input.cases.push_back(one);
  }
  return input;
}

}  // namespace bench
