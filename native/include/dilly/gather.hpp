// From points as they came (array of structures) to a Cloud (structure of arrays), in one pass over the
// bytes: the fields are transposed straight into the cloud, then the points that must not stay are squeezed
// out, block by block, while they are still in the first-level cache.
#pragma once

#include <algorithm>
#include <limits>
#include <vector>

#include "cloud.hpp"
#include "column.hpp"
#include "simd.hpp"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace dilly {

// Where one field comes from and goes to.
struct Lane {
  Column from;
  FloatBuffer* to = nullptr;
};

// metres; points outside are left out and counted
struct RangeGate {
  float min = 0;
  float max = std::numeric_limits<float>::infinity();
};

// 256 points of eight fields are 8 kB: a quarter of a first-level cache.
constexpr std::size_t kGatherBlock = 256;

// Fills a DecodedCloud from runs of points that are evenly spaced. Call `add_run` for each run, then
// `finish`.
class Gatherer {
 public:
  // `lanes` begins with x, y, z and points into `out`; `end` is the end of the bytes that hold all of them.
  // `time` may be absent; its values go, unconverted, to `raw_times`. With `places` it is each point's place
  // in the message that goes there.
  Gatherer(DecodedCloud& out, std::vector<Lane> lanes, const Column& time, std::size_t points,
           const RangeGate& gate, const std::uint8_t* end, bool places = false)
      : out_(out), lanes_(std::move(lanes)), time_(time), end_(end), gate_(gate), places_(places) {
    for (const Lane& lane : lanes_) lane.to->resize(points);
    if (has_column()) raw_times.resize(points);
    group_lanes();
  }

  // Points 0 … count − 1 that start `offset` bytes past the columns' first values.
  void add_run(std::size_t offset, std::size_t count) {
    for (std::size_t done = 0; done < count; done += kGatherBlock) {
      const std::size_t n = count - done < kGatherBlock ? count - done : kGatherBlock;
      for (const Group& group : groups_) read_group(group, offset + done * group.stride, n);
      for (const Lane& lane : singles_)
        read_column(lane.from, offset + done * lane.from.stride, n, lane.to->data() + kept_);
      if (places_) {
        for (std::size_t i = 0; i < n; i++) raw_times[kept_ + i] = static_cast<double>(seen_ + i);
      } else if (time_.present()) {
        read_column(time_, offset + done * time_.stride, n, raw_times.data() + kept_);
      }
      seen_ += n;
      squeeze(n);
    }
  }

  void finish() {
    for (const Lane& lane : lanes_) lane.to->resize(kept_);
    if (has_column()) raw_times.resize(kept_);
  }

  DoubleBuffer raw_times;  // of the points kept: times, or places

 private:
  bool has_column() const { return places_ || time_.present(); }

  // Up to four float32 fields within 16 bytes of a point: one load and a 4 × 4 transposition read them for
  // four points.
  struct Group {
    const std::uint8_t* first;
    std::size_t stride;
    FloatBuffer* to[4];
  };

  void group_lanes() {
    std::vector<Lane> floats;
    for (const Lane& lane : lanes_) (groupable(lane.from) ? floats : singles_).push_back(lane);
    std::sort(floats.begin(), floats.end(),
              [](const Lane& a, const Lane& b) { return a.from.first < b.from.first; });
    for (std::size_t i = 0, next; i < floats.size(); i = next) {
      Group group{floats[i].from.first, floats[i].from.stride, {}};
      for (next = i; next < floats.size(); next++) {
        const std::ptrdiff_t apart = floats[next].from.first - group.first;
        if (apart > 12 || apart % 4 != 0 || floats[next].from.stride != group.stride || group.to[apart / 4])
          break;
        group.to[apart / 4] = floats[next].to;
      }
      if (next == i + 1) {
        singles_.push_back(floats[i]);
      } else {
        groups_.push_back(group);
      }
    }
  }

  // Columns that are dense already (stride 4) gain nothing from a transposition.
  static bool groupable(const Column& c) { return c.plain_float() && c.stride > sizeof(float); }

  void read_group(const Group& group, std::size_t offset, std::size_t n) {
    const std::uint8_t* at = group.first + offset;
    const std::size_t stride = group.stride;
    float unwanted[kGatherBlock];
    float* to[4];
    for (int k = 0; k < 4; k++) to[k] = group.to[k] ? group.to[k]->data() + kept_ : unwanted;
    std::size_t i = 0;
#if defined(__SSE2__)
    // Rows whose 16 bytes lie before the end: the last ones may be shorter.
    const std::size_t left = static_cast<std::size_t>(end_ - at);
    const std::size_t safe = left < 16 ? 0 : std::min(n, (left - 16) / stride + 1);
    for (; i + 4 <= safe; i += 4) {
      const std::uint8_t* row = at + i * stride;
      __m128 a = load4(row), b = load4(row + stride), c = load4(row + 2 * stride),
             d = load4(row + 3 * stride);
      _MM_TRANSPOSE4_PS(a, b, c, d);
      _mm_storeu_ps(to[0] + i, a);
      _mm_storeu_ps(to[1] + i, b);
      _mm_storeu_ps(to[2] + i, c);
      _mm_storeu_ps(to[3] + i, d);
    }
#endif
    for (; i < n; i++)
      for (int k = 0; k < 4; k++)
        if (group.to[k]) to[k][i] = detail::load_scalar<float, false>(at + i * stride + 4 * k);
  }

#if defined(__SSE2__)
  static __m128 load4(const std::uint8_t* at) {
    return _mm_loadu_ps(reinterpret_cast<const float*>(at));
  }
#endif

  // Judges the n points just written after the kept ones, and closes the gaps of those that must go.
  void squeeze(std::size_t n) {
    const float* x = lanes_[0].to->data() + kept_;
    const float* y = lanes_[1].to->data() + kept_;
    const float* z = lanes_[2].to->data() + kept_;
    std::int32_t keep[kGatherBlock];  // −1 or 0
    const float min2 = gate_.min * gate_.min, max2 = gate_.max * gate_.max;
    std::size_t finite = 0, inside = 0, i = 0;
    i4 finite4 = {}, inside4 = {};
    for (; i + 4 <= n; i += 4) {
      f4 a, b, c;
      std::memcpy(&a, x + i, sizeof a);
      std::memcpy(&b, y + i, sizeof b);
      std::memcpy(&c, z + i, sizeof c);
      const f4 nothing = (a - a) + (b - b) + (c - c);  // 0, or NaN where one is not finite
      const f4 d2 = a * a + b * b + c * c;
      const i4 is_finite = nothing == nothing;
      const i4 is_kept = is_finite & (d2 >= min2) & (d2 <= max2);
      std::memcpy(keep + i, &is_kept, sizeof is_kept);
      finite4 -= is_finite;
      inside4 -= is_kept;
    }
    for (int lane = 0; lane < 4; lane++) {
      finite += static_cast<std::size_t>(finite4[lane]);
      inside += static_cast<std::size_t>(inside4[lane]);
    }
    for (; i < n; i++) {
      const float nothing = (x[i] - x[i]) + (y[i] - y[i]) + (z[i] - z[i]);
      const float d2 = x[i] * x[i] + y[i] * y[i] + z[i] * z[i];
      const bool is_finite = nothing == nothing, is_kept = is_finite && d2 >= min2 && d2 <= max2;
      keep[i] = is_kept ? -1 : 0;
      finite += is_finite;
      inside += is_kept;
    }
    out_.not_finite += n - finite;
    out_.out_of_range += finite - inside;
    if (inside != n) {
      std::uint16_t stay[kGatherBlock];
      std::size_t count = 0;
      for (std::size_t k = 0; k < n; k++) {
        stay[count] = static_cast<std::uint16_t>(k);
        count += static_cast<std::size_t>(keep[k] & 1);
      }
      for (const Lane& lane : lanes_) close_gaps(lane.to->data() + kept_, stay, count);
      if (has_column()) close_gaps(raw_times.data() + kept_, stay, count);
    }
    kept_ += inside;
  }

  template <class T>
  static void close_gaps(T* values, const std::uint16_t* stay, std::size_t count) {
    for (std::size_t k = 0; k < count; k++) values[k] = values[stay[k]];
  }

  DecodedCloud& out_;
  std::vector<Lane> lanes_;
  std::vector<Lane> singles_;
  std::vector<Group> groups_;
  Column time_;
  [[maybe_unused]] const std::uint8_t* end_;
  RangeGate gate_;
  bool places_;
  std::size_t kept_ = 0, seen_ = 0;
};

}  // namespace dilly
