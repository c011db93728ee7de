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

// What a decoder made of a message: the finite points in range, and how many it left out.
struct DecodedCloud {
  Cloud cloud;
  std::size_t not_finite = 0;
  std::size_t out_of_range = 0;
};

}  // namespace dilly
