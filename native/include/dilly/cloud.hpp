// A point cloud as a structure of arrays.
#pragma once

#include "recycled.hpp"

namespace dilly {

struct Cloud {
  FloatBuffer x, y, z;     // metres
  FloatBuffer intensity;   // empty when absent
  FloatBuffer time;        // seconds from the cloud's stamp; empty when absent
  FloatBuffer nx, ny, nz;  // unit normals; empty when absent
  FloatBuffer curvature;   // λ0 / (λ0 + λ1 + λ2); empty when absent

  std::size_t size() const { return x.size(); }
  bool has_times() const { return !time.empty(); }
  bool has_normals() const { return !nx.empty(); }
};

// What a decoder made of a message: the finite points in range, and how many it left out.
struct DecodedCloud {
  Cloud cloud;
  std::size_t not_finite = 0;
  std::size_t out_of_range = 0;
  // where the points' times come from: told by the driver, how the sensor turns (turn_times.hpp), or nowhere
  enum class Times { none, driver, turn } times = Times::none;
};

}  // namespace dilly
