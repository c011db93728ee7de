// sensor_msgs/PointCloud2 of any field layout to a Cloud.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "gather.hpp"
#include "point_time.hpp"
#include "result.hpp"
#include "turn_times.hpp"

namespace dilly {

struct PointFieldView {
  std::string name;
  std::uint32_t offset = 0;
  std::uint8_t datatype = 0;  // sensor_msgs/PointField: 1 int8 … 7 float32, 8 float64
  std::uint32_t count = 1;
};

// A message that somebody else owns. The bytes are read during the call only.
struct PointCloud2View {
  std::vector<PointFieldView> fields;
  std::uint32_t height = 0, width = 0, point_step = 0, row_step = 0;
  bool is_bigendian = false;
  const std::uint8_t* data = nullptr;
  std::size_t size = 0;
  std::int64_t stamp_ns = 0;
};

namespace detail {

inline const PointFieldView* find_field(const PointCloud2View& view,
                                        std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names)
    for (const PointFieldView& field : view.fields)
      if (field.name == name) return &field;
  return nullptr;
}

// The column of a field that may be absent (null).
inline Result<Column> field_column(const PointCloud2View& view, const PointFieldView* field) {
  if (!field) return Column{};
  constexpr std::array<Scalar, 9> types{Scalar::u8,  Scalar::i8,  Scalar::u8,  Scalar::i16, Scalar::u16,
                                        Scalar::i32, Scalar::u32, Scalar::f32, Scalar::f64};
  const std::string& name = field->name;
  if (field->datatype == 0 || field->datatype >= types.size())
    return Error{"unsupported-field", "expected a datatype of 1 to 8 for field '" + name + "', found " +
                                          std::to_string(field->datatype)};
  if (field->count > 1)
    return Error{"unsupported-field",
                 "expected one value for field '" + name + "', found count " + std::to_string(field->count)};
  const Scalar type = types[field->datatype];
  if (std::uint64_t{field->offset} + size_of(type) > view.point_step)
    return Error{"bad-layout", "expected field '" + name + "' within point_step " +
                                   std::to_string(view.point_step) + ", found offset " +
                                   std::to_string(field->offset)};
  return Column{view.data + field->offset, view.point_step, type, view.is_bigendian};
}

// Refuses bytes that cannot hold what the header says. Products stay below 2^64: both factors are uint32.
inline const char* layout_problem(const PointCloud2View& view, std::string& message) {
  const std::uint64_t row = std::uint64_t{view.width} * view.point_step;
  if (view.point_step == 0) {
    message = "expected a point_step above 0, found 0";
    return "bad-layout";
  }
  // With one row nobody needs row_step, and drivers leave it wrong.
  if (view.height > 1 && view.row_step < row) {
    message =
        "expected a row_step of at least " + std::to_string(row) + ", found " + std::to_string(view.row_step);
    return "bad-layout";
  }
  const std::uint64_t before = std::uint64_t{view.height - 1} * view.row_step;
  if (before > view.size || row > view.size - before) {
    message = "expected " + std::to_string(view.height) + " rows of " + std::to_string(row) +
              " bytes, found " + std::to_string(view.size) + " bytes in all";
    return "truncated";
  }
  return nullptr;
}

}  // namespace detail

// Points in the sensor's frame with intensity (fields intensity, i, reflectivity) and time (point_time.hpp,
// else turn_times.hpp) where it can be told. Points that are not finite, or outside [min_range, max_range]
// metres, are left out and counted. Refuses: bad-range, missing-field, unsupported-field, bad-layout,
// truncated.
inline Result<DecodedCloud> decode_pointcloud2(const PointCloud2View& view, float min_range, float max_range,
                                               const Turn& turn = {}) {
  if (!(min_range >= 0 && max_range >= min_range))
    return Error{"bad-range", "expected 0 ≤ min_range ≤ max_range, found " + std::to_string(min_range) +
                                  " and " + std::to_string(max_range)};
  if (view.width == 0 || view.height == 0) return DecodedCloud{};
  std::string message;
  if (const char* reason = detail::layout_problem(view, message)) return Error{reason, message};

  Column columns[4];
  const PointFieldView* sources[4] = {detail::find_field(view, {"x"}), detail::find_field(view, {"y"}),
                                      detail::find_field(view, {"z"}),
                                      detail::find_field(view, {"intensity", "i", "reflectivity"})};
  for (int k = 0; k < 4; k++) {
    if (!sources[k] && k < 3)
      return Error{"missing-field", std::string("expected field '") + "xyz"[k] + "', found none"};
    Result<Column> column = detail::field_column(view, sources[k]);
    if (!column.ok()) return column.error();
    columns[k] = column.value();
  }
  Result<Column> time = detail::field_column(
      view, detail::find_field(view, {"t", "time", "timestamp", "time_stamp", "offset_time"}));
  if (!time.ok()) return time.error();

  // Bounded by the bytes that are there: layout_problem has seen them.
  const std::size_t points = std::size_t{view.width} * view.height;
  // Fills `out`; gives the column of times, or with `places` where each point stood in the message.
  const auto gather = [&](DecodedCloud& out, bool places) {
    FloatBuffer* targets[4] = {&out.cloud.x, &out.cloud.y, &out.cloud.z, &out.cloud.intensity};
    std::vector<Lane> lanes;
    for (int k = 0; k < 4; k++)
      if (columns[k].present()) lanes.push_back({columns[k], targets[k]});
    Gatherer gatherer(out, std::move(lanes), time.value(), points, {min_range, max_range},
                      view.data + view.size, places);
    if (view.height == 1 || view.row_step == std::uint64_t{view.width} * view.point_step) {
      gatherer.add_run(0, points);
    } else {
      for (std::size_t row = 0; row < view.height; row++) gatherer.add_run(row * view.row_step, view.width);
    }
    gatherer.finish();
    return std::move(gatherer.raw_times);
  };
  const bool told = time.value().present(), turns = turn.told != Turn::Told::none;
  DecodedCloud out;
  DoubleBuffer column = gather(out, !told && turns);
  if (told) {
    const Scalar type = time.value().type;
    out.cloud.time = point_times(column, type != Scalar::f32 && type != Scalar::f64, view.stamp_ns);
    if (out.cloud.has_times()) out.times = DecodedCloud::Times::driver;
  }
  if (out.cloud.has_times() || !turns) return out;
  if (told) {  // times that are none: once more, for the places
    out = {};
    column = gather(out, true);
  }
  out.cloud.time = turn_times(out.cloud, column, view.width, view.height, turn);
  if (out.cloud.has_times()) out.times = DecodedCloud::Times::turn;
  return out;
}

}  // namespace dilly
