// Decoding sensor_msgs/PointCloud2: any layout, the range gate, and the times of the known drivers.
// Usage: pointcloud2_test [fuzz inputs]
#include "dilly/pointcloud2.hpp"

#include <cstdlib>
#include <random>

#include "check.hpp"

namespace {

using dilly::PointCloud2View;
using dilly::PointFieldView;

constexpr std::int64_t kStamp = 1700000000123456789;

template <class T>
void write(std::vector<std::uint8_t>& data, std::size_t at, T value, bool big = false) {
  std::uint8_t bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  if (big) std::reverse(bytes, bytes + sizeof value);
  std::copy(bytes, bytes + sizeof value, data.begin() + static_cast<std::ptrdiff_t>(at));
}

struct Message {
  std::vector<std::uint8_t> data;
  PointCloud2View view;

  Message(std::vector<PointFieldView> fields, std::uint32_t width, std::uint32_t height, std::uint32_t step,
          std::uint32_t row_padding = 0)
      : data(std::size_t{height} * (std::size_t{width} * step + row_padding)) {
    view.fields = std::move(fields);
    view.width = width;
    view.height = height;
    view.point_step = step;
    view.row_step = width * step + row_padding;
    view.data = data.data();
    view.size = data.size();
    view.stamp_ns = kStamp;
  }
};

const std::vector<PointFieldView> kXyz{{"x", 0, 7, 1}, {"y", 4, 7, 1}, {"z", 8, 7, 1}};

bool refused(const PointCloud2View& view, const std::string& reason, float low = 0, float high = 100) {
  const auto r = dilly::decode_pointcloud2(view, low, high);
  if (r.ok() || r.error().reason != reason)
    std::fprintf(stderr, "expected %s, found %s\n", reason.c_str(),
                 r.ok() ? "a cloud" : r.error().message.c_str());
  return !r.ok() && r.error().reason == reason;
}

// Rows with padding, every byte order, float64 and integers: the same numbers come out.
void layouts() {
  for (const bool big : {false, true})
    for (const bool wide : {false, true})
      for (const std::uint32_t padding : {0u, 5u}) {
        const std::uint32_t width = 300, height = 3, scalar = wide ? 8 : 4, step = 3 * scalar + 3;
        const std::uint8_t type = wide ? 8 : 7;
        Message m({{"z", 0, type, 1},
                   {"ring", 3 * scalar, 2, 1},
                   {"x", scalar, type, 1},
                   {"y", 2 * scalar, type, 0},
                   {"reflectivity", 3 * scalar + 1, 4, 1}},
                  width, height, step, padding);
        m.view.is_bigendian = big;
        for (std::uint32_t i = 0; i < width * height; i++) {
          const std::size_t at = std::size_t{i / width} * m.view.row_step + std::size_t{i % width} * step;
          const double values[3] = {0.5 * i, 1.0 * i, i % 10 == 4 ? NAN : 2.0};
          for (int k = 0; k < 3; k++) {
            if (wide) write(m.data, at + k * scalar, values[k], big);
            if (!wide) write(m.data, at + k * scalar, static_cast<float>(values[k]), big);
          }
          write(m.data, at + 3 * scalar + 1, static_cast<std::uint16_t>(i), big);
        }
        const auto r = dilly::decode_pointcloud2(m.view, 0, 1000);
        if (!CHECK(r.ok())) continue;
        const dilly::Cloud& c = r.value().cloud;
        CHECK(r.value().not_finite == 90);
        std::size_t expected = 0;
        bool right = true;
        for (std::uint32_t i = 0; i < width * height; i++) {
          if (i % 10 == 4 || std::sqrt(1.25 * i * i + 4) > 1000) continue;
          const std::size_t k = expected++;
          right = right && k < c.size() && c.x[k] == static_cast<float>(i) && c.z[k] == 0.5f * i &&
                  c.y[k] == 2 && c.intensity[k] == static_cast<float>(i);
        }
        CHECK(right && expected == c.size());
        CHECK(r.value().out_of_range + r.value().not_finite + c.size() == width * height);
        CHECK(!c.has_times());
      }
}

void range_gate() {
  Message m(kXyz, 4, 1, 12);
  const float xs[4] = {0, 0.5f, 10, 10.001f};
  for (int i = 0; i < 4; i++) write(m.data, 12 * i, xs[i]);
  m.view.row_step = 0;  // drivers of unorganised clouds leave it unset
  const auto r = dilly::decode_pointcloud2(m.view, 0.5f, 10);
  CHECK(r.ok() && r.value().cloud.size() == 2 && r.value().out_of_range == 2 && r.value().not_finite == 0);
  CHECK(refused(m.view, "bad-range", 2, 1));
  CHECK(refused(m.view, "bad-range", NAN, 1));
}

// One scan of 100 ms; `raw(i)` is what the driver writes for the offset i · 1 ms.
template <class T, class Raw>
dilly::FloatBuffer times_of(const char* name, std::uint8_t type, Raw raw) {
  auto fields = kXyz;
  fields.push_back({name, 12, type, 1});
  Message m(fields, 101, 1, 24);
  for (int i = 0; i < 101; i++) {
    write(m.data, 24 * i, 5.f);
    write(m.data, 24 * i + 12, static_cast<T>(raw(i)));
  }
  const auto r = dilly::decode_pointcloud2(m.view, 1, 100);
  return CHECK(r.ok()) ? r.value().cloud.time : dilly::FloatBuffer{};
}

void driver_times() {
  const auto right = [](const dilly::FloatBuffer& times, double eps, double start = 0) {
    if (!CHECK(times.size() == 101)) return;
    double worst = 0;
    for (int i = 0; i < 101; i++) worst = std::max(worst, std::fabs(times[i] - (start + 0.001 * i)));
    CHECK_NEAR(worst, 0, eps);
  };
  right(times_of<std::uint32_t>("t", 6, [](int i) { return 1000000u * i; }), 1e-8);
  right(times_of<float>("time", 7, [](int i) { return -0.1f + 0.001f * i; }), 1e-7, -0.1);
  right(times_of<float>("time", 7, [](int i) { return 1000.f * i; }), 1e-8);  // µs
  right(times_of<double>("timestamp", 8, [](int i) { return 1700000000.123456789 + 0.001 * i; }), 1e-6);
  right(times_of<double>("timestamp", 8, [](int i) { return 1700000000123456789. + 1e6 * i; }), 1e-6);
  right(times_of<double>("time_stamp", 8, [](int i) { return 1700000000123456.789 + 1e3 * i; }), 1e-6);
  right(times_of<std::uint32_t>("offset_time", 6, [](int i) { return 1000000u * i; }), 1e-8);
  right(times_of<std::int32_t>("offset_time", 5, [](int i) { return 1000 * i - 50000; }), 1e-8, -0.05);
  CHECK(times_of<float>("time", 7, [](int) { return 0.05f; }).empty());  // no span
  CHECK(
      times_of<float>("time", 7, [](int i) { return 2.f * i; }).empty());  // absurd: neither 200 s nor 200 µs
  CHECK(times_of<float>("time", 7, [](int i) { return i == 50 ? NAN : 0.001f * i; }).empty());
  CHECK(times_of<std::uint8_t>("t", 2, [](int i) { return i % 2; }).empty());  // whole numbers, not s
  CHECK(times_of<double>("timestamp", 8, [](int i) { return 5000 + 0.001 * i; }).empty());  // another clock
}

void broken_messages() {
  Message m(kXyz, 10, 4, 12);
  const PointCloud2View good = m.view;
  PointCloud2View v = good;
  v.size--;
  CHECK(refused(v, "truncated"));
  v = good;
  v.height = v.row_step = 0xffffffff;
  CHECK(refused(v, "truncated"));
  v = good;
  v.row_step--;
  CHECK(refused(v, "bad-layout"));
  v = good;
  v.point_step = 0;
  CHECK(refused(v, "bad-layout"));
  v = good;
  v.fields[2].offset = 9;
  CHECK(refused(v, "bad-layout"));
  v = good;
  v.fields[1].datatype = 9;
  CHECK(refused(v, "unsupported-field"));
  v = good;
  v.fields[1].count = 2;
  CHECK(refused(v, "unsupported-field"));
  v = good;
  v.fields[1].name = "why";
  CHECK(refused(v, "missing-field"));
  v = good;
  v.width = 0;
  CHECK(dilly::decode_pointcloud2(v, 0, 1).ok());
}

// Headers that lie about their bytes, under a sanitizer: an answer each time, and never a byte beyond.
void fuzz(int inputs) {
  std::mt19937 random(5);
  const auto roll = [&](std::uint32_t n) { return static_cast<std::uint32_t>(random() % n); };
  const char* names[] = {"x", "y", "z", "intensity", "t", "timestamp", "ring"};
  int clouds = 0;
  for (int n = 0; n < inputs; n++) {
    std::vector<std::uint8_t> data(roll(600));
    for (std::uint8_t& byte : data) byte = static_cast<std::uint8_t>(random());
    PointCloud2View v;
    for (const char* name : names)
      v.fields.push_back({name, roll(20) ? 4 * roll(5) : static_cast<std::uint32_t>(random()),
                          static_cast<std::uint8_t>(1 + roll(20) % 9), 1});
    v.width = roll(30) ? roll(12) : static_cast<std::uint32_t>(random());
    v.height = roll(30) ? roll(4) : static_cast<std::uint32_t>(random());
    v.point_step = 16 + roll(16);
    v.row_step = roll(30) ? v.width * v.point_step + roll(4) : static_cast<std::uint32_t>(random());
    v.is_bigendian = roll(2);
    v.data = data.data();
    v.size = data.size();
    v.stamp_ns = static_cast<std::int64_t>(random()) << roll(32);
    clouds += dilly::decode_pointcloud2(v, 0, 1e9f).ok();
  }
  std::printf("fuzz: %d inputs, %d gave a cloud\n", inputs, clouds);
}

}  // namespace

int main(int argc, char** argv) {
  layouts();
  range_gate();
  driver_times();
  broken_messages();
  fuzz(argc > 1 ? std::atoi(argv[1]) : 20000);
  return check::summary();
}
