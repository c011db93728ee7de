// One turn of a LiDAR: many rays, each from where the sensor was when it was fired.
#pragma once

#include "parallel.hpp"
#include "rays.hpp"

namespace dilly {

// `directions` has x y z per ray in the sensor's frame; rays are fired shot by shot, the same number each.
struct SweepView {
  const double* directions;
  std::size_t rays;
  // x y z qx qy qz qw of T_map_sensor per shot, and the seconds that have passed for what moves
  const double* poses;
  const double* times;
  std::size_t shots;
  double max_range;
};

struct SweepHits {
  std::vector<float> ranges, cosines;
  // of the scene, then of what moves; −1: nothing within the range
  std::vector<std::int32_t> solids;
};

namespace rays {

inline void rotation_of(const double* q, double* m) {
  const double x = q[0], y = q[1], z = q[2], w = q[3];
  m[0] = 1 - 2 * (y * y + z * z), m[1] = 2 * (x * y - w * z), m[2] = 2 * (x * z + w * y);
  m[3] = 2 * (x * y + w * z), m[4] = 1 - 2 * (x * x + z * z), m[5] = 2 * (y * z - w * x);
  m[6] = 2 * (x * z - w * y), m[7] = 2 * (y * z + w * x), m[8] = 1 - 2 * (x * x + y * y);
}

// Whether the ray comes near enough to the sphere around a solid to be tested at all.
inline bool is_near(const Solid& s, double radius2, const Ray& r, double nearest) {
  const double px = s.x - r.ox, py = s.y - r.oy, pz = 0.5 * (s.bottom + s.top) - r.oz;
  const double along = px * r.dx + py * r.dy + pz * r.dz, distance2 = px * px + py * py + pz * pz;
  if (distance2 - along * along > radius2) return false;
  const double behind = along - nearest;
  return (along > 0 || distance2 < radius2) && (behind < 0 || behind * behind < radius2);
}

}  // namespace rays

inline SweepHits cast_sweep(const RayScene& scene, const std::vector<Solid>& moving, const SweepView& sweep,
                            ThreadPool& pool) {
  const std::size_t each = sweep.shots > 0 ? sweep.rays / sweep.shots : 0;
  SweepHits out;
  out.ranges.resize(sweep.rays);
  out.cosines.resize(sweep.rays);
  out.solids.resize(sweep.rays);
  std::vector<double> radius2;
  for (const Solid& s : moving) {
    const double half = 0.5 * (s.top - s.bottom);
    radius2.push_back(s.a * s.a + s.b * s.b + half * half);
  }
  constexpr std::size_t kBlock = 16;
  pool.run((sweep.shots + kBlock - 1) / kBlock, [&](std::size_t block) {
    std::vector<Solid> now(moving);
    const std::size_t end = std::min(sweep.shots, (block + 1) * kBlock);
    for (std::size_t shot = block * kBlock; shot < end; shot++) {
      const double* pose = sweep.poses + 7 * shot;
      double m[9];
      rays::rotation_of(pose + 3, m);
      for (std::size_t i = 0; i < moving.size(); i++) {
        now[i].x = moving[i].x + sweep.times[shot] * moving[i].vx;
        now[i].y = moving[i].y + sweep.times[shot] * moving[i].vy;
      }
      for (std::size_t ray = shot * each; ray < (shot + 1) * each; ray++) {
        const double* d = sweep.directions + 3 * ray;
        const Ray world{pose[0],
                        pose[1],
                        pose[2],
                        m[0] * d[0] + m[1] * d[1] + m[2] * d[2],
                        m[3] * d[0] + m[4] * d[1] + m[5] * d[2],
                        m[6] * d[0] + m[7] * d[1] + m[8] * d[2]};
        RayHit hit;
        hit.range = sweep.max_range;
        scene.nearest(world, hit);
        for (std::size_t i = 0; i < now.size(); i++) {
          if (!rays::is_near(now[i], radius2[i], world, hit.range)) continue;
          const rays::Clip clip = rays::clip_of(now[i], world);
          if (clip.hits(hit.range))
            hit = {clip.near, clip.cosine, static_cast<std::int32_t>(scene.size() + i)};
        }
        out.ranges[ray] = static_cast<float>(hit.solid < 0 ? kNoHit : hit.range);
        out.cosines[ray] = static_cast<float>(hit.cosine);
        out.solids[ray] = hit.solid;
      }
    }
  });
  return out;
}

}  // namespace dilly
