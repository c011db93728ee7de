// Casts rays at upright solids: what a simulated LiDAR sees. Solids at rest lie in a bounding volume
// hierarchy, moving ones in a short list with their bounding spheres.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace dilly {

enum class SolidKind { box, cylinder, ellipsoid, wedge };

// Numbers of one solid as JavaScript gives them: kind, x, y, bottom, top, yaw, half length (or radius), half
// width, velocity x, velocity y. Metres, radians, m/s.
constexpr std::size_t kSolidNumbers = 10;
constexpr double kNoHit = std::numeric_limits<double>::infinity();

struct Solid {
  SolidKind kind;
  double x, y, bottom, top, cos, sin, a, b, vx, vy;

  static Solid from(const double* n) {
    return {static_cast<SolidKind>(static_cast<int>(n[0])),
            n[1],
            n[2],
            n[3],
            n[4],
            std::cos(n[5]),
            std::sin(n[5]),
            n[6],
            n[7],
            n[8],
            n[9]};
  }
};

struct Ray {
  double ox, oy, oz, dx, dy, dz;
};

struct RayHit {
  double range = kNoHit;
  // of the angle between the ray and the surface's normal
  double cosine = 0;
  std::int32_t solid = -1;
};

namespace rays {

// Cuts [near, far] by the half space n·p <= limit along o + t d; keeps the cosine of the last entry.
struct Clip {
  double near = -kNoHit, far = kNoHit, cosine = 0;

  void slab(double o, double d, double half) {
    if (d == 0) {
      if (std::abs(o) > half) far = -kNoHit;
      return;
    }
    const double inverse = 1 / d, a = (-half - o) * inverse, b = (half - o) * inverse;
    enter(std::min(a, b), std::abs(d));
    far = std::min(far, std::max(a, b));
  }
  // f(t) = value + t · slope must be at most 0; `cosine_` is |slope| over the gradient's length
  void half_space(double value, double slope, double length) {
    if (slope == 0) {
      if (value > 0) far = -kNoHit;
    } else if (slope < 0) {
      enter(-value / slope, -slope / length);
    } else {
      far = std::min(far, -value / slope);
    }
  }
  void enter(double t, double with) {
    if (t > near) near = t, cosine = with;
  }
  // A ray that starts within a solid does not see it.
  bool hits(double nearest) const { return near <= far && near > 0 && near < nearest; }
};

inline Clip round_clip(const Solid& s, const Ray& r) {
  const double px = r.ox - s.x, py = r.oy - s.y, middle = 0.5 * (s.bottom + s.top), half = s.top - middle;
  const double k = s.kind == SolidKind::ellipsoid ? (s.a * s.a) / (half * half) : 0, pz = r.oz - middle;
  const double qa = r.dx * r.dx + r.dy * r.dy + k * r.dz * r.dz;
  const double qb = px * r.dx + py * r.dy + k * pz * r.dz;
  const double qc = px * px + py * py + k * pz * pz - s.a * s.a;
  Clip clip;
  if (qa > 0) {
    const double root = qb * qb - qa * qc;
    if (root < 0) {
      clip.far = -kNoHit;
      return clip;
    }
    const double width = std::sqrt(root), t = (-qb - width) / qa;
    const double nx = px + t * r.dx, ny = py + t * r.dy, nz = k * (pz + t * r.dz);
    clip.enter(t, std::abs(nx * r.dx + ny * r.dy + nz * r.dz) / std::sqrt(nx * nx + ny * ny + nz * nz));
    clip.far = (-qb + width) / qa;
  } else if (qc > 0) {
    clip.far = -kNoHit;
  }
  if (s.kind == SolidKind::cylinder) clip.slab(pz, r.dz, half);
  return clip;
}

inline Clip clip_of(const Solid& s, const Ray& r) {
  if (s.kind == SolidKind::cylinder || s.kind == SolidKind::ellipsoid) return round_clip(s, r);
  const double px = r.ox - s.x, py = r.oy - s.y, middle = 0.5 * (s.bottom + s.top), half = s.top - middle;
  const double lx = s.cos * px + s.sin * py, ly = s.cos * py - s.sin * px;
  const double dx = s.cos * r.dx + s.sin * r.dy, dy = s.cos * r.dy - s.sin * r.dx;
  Clip clip;
  clip.slab(lx, dx, s.a);
  clip.slab(ly, dy, s.b);
  clip.slab(r.oz - middle, r.dz, half);
  if (s.kind == SolidKind::wedge) {
    // Its top rises along its own x from bottom to top.
    const double k = (s.top - s.bottom) / (2 * s.a);
    clip.half_space(r.oz - s.bottom - k * (lx + s.a), r.dz - k * dx, std::sqrt(1 + k * k));
  }
  return clip;
}

struct Box {
  std::array<double, 3> low{kNoHit, kNoHit, kNoHit}, high{-kNoHit, -kNoHit, -kNoHit};

  void add(const Box& other) {
    for (int i = 0; i < 3; i++) {
      low[i] = std::min(low[i], other.low[i]);
      high[i] = std::max(high[i], other.high[i]);
    }
  }
  double area() const {
    const double x = high[0] - low[0], y = high[1] - low[1], z = high[2] - low[2];
    return x < 0 ? 0 : x * y + y * z + z * x;
  }
  // Where a ray enters, or no hit.
  double enter(const double* o, const double* inverse, double nearest) const {
    double near = 0, far = nearest;
    for (int i = 0; i < 3; i++) {
      const double a = (low[i] - o[i]) * inverse[i], b = (high[i] - o[i]) * inverse[i];
      near = std::max(near, std::min(a, b));
      far = std::min(far, std::max(a, b));
    }
    return near <= far ? near : kNoHit;
  }
};

inline Box box_of(const Solid& s) {
  const bool round = s.kind == SolidKind::cylinder || s.kind == SolidKind::ellipsoid;
  const double rx = round ? s.a : std::abs(s.cos) * s.a + std::abs(s.sin) * s.b;
  const double ry = round ? s.a : std::abs(s.sin) * s.a + std::abs(s.cos) * s.b;
  return {{s.x - rx, s.y - ry, s.bottom}, {s.x + rx, s.y + ry, s.top}};
}

}  // namespace rays
}  // namespace dilly
