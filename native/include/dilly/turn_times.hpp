// The time of each point of a spinning LiDAR whose driver tells none: from how far the sensor had turned when
// it fired. A turn that begins at azimuth `start` passes azimuth a after the share f = ±(a − start) / 2π of
// its period.
#pragma once

#include <cmath>
#include <cstdint>

#include "gather.hpp"

namespace dilly {

// What is known of the turns of a sensor.
struct Turn {
  // order: how it turns is read off the order of the points; azimuth: as `clockwise` and `start` say
  enum class Told { none, order, azimuth } told = Told::none;
  double period = 0.1;    // seconds
  double stamp_at = 0;    // share of the turn that had passed at the message's stamp
  bool clockwise = true;  // seen from above
  double start = 0;       // azimuth where a turn begins, radians, in the sensor's frame
};

namespace detail {

// atan2(y, x) / 2π, in (−½, ½]. The power series of atan on [0, 1] by its Chebyshev expansion
// 2 Σ (−1)ᵏ q²ᵏ⁺¹ T₂ₖ₊₁(x) / (2k + 1), q = √2 − 1, cut after k = 5: within 2 × 10⁻⁶ rad.
inline float turns_of(float y, float x) {
  const float ax = std::fabs(x), ay = std::fabs(y);
  const float high = ax > ay ? ax : ay, low = ax > ay ? ay : ax;
  const float t = high > 0 ? low / high : 0.0f, t2 = t * t;
  float f = -0.00182484029f;
  f = f * t2 + 0.00826818398f;
  f = f * t2 - 0.0184189127f;
  f = f * t2 + 0.0307543520f;
  f = f * t2 - 0.0529298915f;
  f = (f * t2 + 0.159150883f) * t;
  f = ay > ax ? 0.25f - f : f;
  f = x < 0 ? 0.5f - f : f;
  return y < 0 ? -f : f;
}

// How the share of a turn that has passed follows from a point's place in the message.
struct Order {
  std::uint32_t divisor = 1, modulus = 1;  // share = (place / divisor) % modulus / modulus
  double share(double place) const {
    const auto p = static_cast<std::uint64_t>(place);
    return static_cast<double>((p / divisor) % modulus) / modulus;
  }
};

struct FoundTurn {
  Order order;
  double sign = 0;   // of the azimuth's change; 0: no order was found
  double start = 0;  // turns
};

// Points looked at to find the order, and how much of them must go round as one: |mean exp 2πi(a − u)|. Rings
// of one firing that look up to 10° aside leave 0.99; a row of points without those that met nothing, less.
// Fewer points than the least lie in some order by chance.
constexpr std::size_t kTurnSamples = 4096, kLeastTurn = 64;
constexpr double kAlikeColumns = 0.9, kAlikePoints = 0.7;

// `places`: of the kept points, where they stood in a message of `width` × `height`. A cloud may be organised
// with a column, or a row, for each firing; or be one row of points as they were fired. Points sorted ring by
// ring go round many times: they tell nothing.
inline FoundTurn find_turn(const Cloud& cloud, const DoubleBuffer& places, std::uint32_t width,
                           std::uint32_t height) {
  FoundTurn best;
  double alike_most = 0;
  const std::size_t n = cloud.size(), step = n / kTurnSamples + 1;
  if (n < kLeastTurn) return best;
  const bool flat = width == 1 || height == 1;
  const Order orders[2] = {{1, flat ? width * height : width}, {width, height}};
  for (int o = 0; o < (flat ? 1 : 2); o++)
    for (const double sign : {-1.0, 1.0}) {
      double c = 0, s = 0, c0 = 0, s0 = 0;
      std::size_t count = 0;
      for (std::size_t i = 0; i < n; i += step, count++) {
        const double u = orders[o].share(places[i]);
        const double angle = 2 * M_PI * (turns_of(cloud.y[i], cloud.x[i]) - sign * u);
        c += std::cos(angle);
        s += std::sin(angle);
        // The share runs unevenly where points are left out: what was fired first tells where a flat turn
        // began.
        if (flat && u > 1.0 / 64) continue;
        c0 += std::cos(angle);
        s0 += std::sin(angle);
      }
      const double alike = count > 0 ? std::hypot(c, s) / static_cast<double>(count) : 0;
      if (alike < (flat ? kAlikePoints : kAlikeColumns) || alike <= alike_most) continue;
      alike_most = alike;
      best = {orders[o], sign, std::atan2(s0, c0) / (2 * M_PI)};
    }
  return best;
}

}  // namespace detail

// Offsets from the stamp in seconds; empty where the turn cannot be told.
inline FloatBuffer turn_times(const Cloud& cloud, const DoubleBuffer& places, std::uint32_t width,
                              std::uint32_t height, const Turn& turn) {
  FloatBuffer times;
  if (turn.told == Turn::Told::none || cloud.size() == 0) return times;
  const bool by_order = turn.told == Turn::Told::order;
  detail::FoundTurn found;
  if (by_order) {
    found = detail::find_turn(cloud, places, width, height);
    if (found.sign == 0) return times;
  } else {
    found.sign = turn.clockwise ? -1 : 1;
    found.start = turn.start / (2 * M_PI);
  }
  const std::size_t n = cloud.size();
  const auto sign = static_cast<float>(found.sign), start = static_cast<float>(found.start);
  const auto period = static_cast<float>(turn.period), stamp_at = static_cast<float>(turn.stamp_at);
  times.resize(n);
  for (std::size_t i = 0; i < n; i++) {
    float f = sign * (detail::turns_of(cloud.y[i], cloud.x[i]) - start);
    // Which turn it is: near the order's share, where there is one (the ends of a turn overlap), else this
    // one.
    const float u = by_order ? static_cast<float>(found.order.share(places[i])) : 0.5f;
    f += static_cast<float>(static_cast<int>(u - f + 8.5f) - 8);
    times[i] = (f - stamp_at) * period;
  }
  return times;
}

}  // namespace dilly
