// A point cloud as a structure of arrays.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace dilly {

// Leaves floats uninitialised on resize: every array is written whole right after, and zeroing would cost a
// pass.
template <class T>
struct DefaultInitAllocator : std::allocator<T> {
  template <class U>
  struct rebind {
    using other = DefaultInitAllocator<U>;
  };
  DefaultInitAllocator() = default;
  template <class U>
  DefaultInitAllocator(const DefaultInitAllocator<U>&) {}
  template <class U>
  void construct(U* place) {
    ::new (static_cast<void*>(place)) U;
  }
  template <class U, class... Args>
  void construct(U* place, Args&&... args) {
    ::new (static_cast<void*>(place)) U(std::forward<Args>(args)...);
  }
};

using FloatBuffer = std::vector<float, DefaultInitAllocator<float>>;

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

// The points of all clouds, one after another. Intensity stays where all have it; times, which may count from
// different stamps, and normals are left out.
inline Cloud merge(const std::vector<std::shared_ptr<const Cloud>>& clouds) {
  Cloud out;
  std::size_t size = 0;
  bool shaded = true;
  for (const auto& cloud : clouds) {
    size += cloud->size();
    shaded = shaded && (cloud->size() == 0 || !cloud->intensity.empty());
  }
  const auto join = [&](FloatBuffer Cloud::*column) {
    (out.*column).reserve(size);
    for (const auto& cloud : clouds)
      (out.*column).insert((out.*column).end(), ((*cloud).*column).begin(), ((*cloud).*column).end());
  };
  join(&Cloud::x);
  join(&Cloud::y);
  join(&Cloud::z);
  if (shaded) join(&Cloud::intensity);
  return out;
}

// What a decoder made of a message: the finite points in range, and how many it left out.
struct DecodedCloud {
  Cloud cloud;
  std::size_t not_finite = 0;
  std::size_t out_of_range = 0;
  // where the points' times come from: told by the driver, how the sensor turns (turn_times.hpp), or nowhere
  enum class Times { none, driver, turn } times = Times::none;
};

}  // namespace dilly
