// PCD files (0.5 to 0.7; ascii, binary, binary_compressed) to a Cloud.
#pragma once

#include <charconv>
#include <cmath>
#include <string>
#include <string_view>

#include "gather.hpp"
#include "lzf.hpp"
#include "pcd_header.hpp"
#include "result.hpp"

namespace dilly {

namespace detail {

// The fields that a cloud keeps, x y z first; null where the file has none.
struct PcdWanted {
  const PcdField* xyz[3] = {};
  const PcdField* extra[5] = {};  // intensity, normal x y z, curvature
  const PcdField* time = nullptr;
};

inline const PcdField* find_pcd_field(const PcdHeader& header,
                                      std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names)
    for (const PcdField& field : header.fields)
      if (field.name == name) return &field;
  return nullptr;
}

inline Result<PcdWanted> pcd_wanted(const PcdHeader& header) {
  PcdWanted wanted;
  constexpr std::string_view axes[3] = {"x", "y", "z"};
  for (int k = 0; k < 3; k++) {
    const PcdField* field = wanted.xyz[k] = find_pcd_field(header, {axes[k]});
    if (!field) return Error{"missing-field", "expected field '" + std::string(axes[k]) + "', found none"};
    if (field->count != 1)
      return Error{"unsupported-field", "expected one value for field '" + std::string(axes[k]) +
                                            "', found COUNT " + std::to_string(field->count)};
  }
  // A field of several values (a descriptor that happens to bear the name) is not the scalar we look for.
  const auto scalar = [&](std::initializer_list<std::string_view> names) {
    const PcdField* field = find_pcd_field(header, names);
    return field && field->count == 1 ? field : nullptr;
  };
  wanted.extra[0] = scalar({"intensity", "i", "reflectivity"});
  wanted.extra[1] = scalar({"normal_x"});
  wanted.extra[2] = scalar({"normal_y"});
  wanted.extra[3] = scalar({"normal_z"});
  wanted.extra[4] = scalar({"curvature"});
  if (!wanted.extra[1] || !wanted.extra[2] || !wanted.extra[3])
    wanted.extra[1] = wanted.extra[2] = wanted.extra[3] = nullptr;
  // The format names no unit: a fraction can only be seconds, a whole number could be anything.
  const PcdField* time = scalar({"t", "time", "timestamp"});
  if (time && (time->type == Scalar::f32 || time->type == Scalar::f64)) wanted.time = time;
  return wanted;
}

inline std::vector<FloatBuffer*> pcd_targets(Cloud& cloud) {
  return {&cloud.x, &cloud.y, &cloud.z, &cloud.intensity, &cloud.nx, &cloud.ny, &cloud.nz, &cloud.curvature};
}

// A day: times beyond count from an epoch. A file has no stamp, so they become offsets from the earliest.
constexpr double kPcdEpochTime = 86400;

inline FloatBuffer pcd_times(const DoubleBuffer& raw) {
  const double low = raw.empty() ? 0 : *std::min_element(raw.begin(), raw.end());
  const double start = low > kPcdEpochTime ? low : 0;
  FloatBuffer times(raw.size());
  for (std::size_t i = 0; i < raw.size(); i++) times[i] = static_cast<float>(raw[i] - start);
  return times;
}

inline Error truncated_pcd(std::size_t expected, std::size_t found, const char* what) {
  return Error{"truncated", "expected " + std::to_string(expected) + " " + what + ", found " +
                                std::to_string(found) + "; fetch the file again"};
}

// PCL pads files to whole pages with zeros; anything else after the points contradicts the header.
inline bool only_zeros(std::string_view rest) {
  return rest.find_first_not_of('\0') == std::string_view::npos;
}

// Gathers points of which column k lies at `first[k]`, spaced `stride[k]`: rows of binary, columns of
// compressed.
template <class ColumnOf>
inline DecodedCloud gather_pcd(const PcdHeader& header, const PcdWanted& wanted, const std::uint8_t* end,
                               ColumnOf column_of) {
  DecodedCloud out;
  const std::vector<FloatBuffer*> targets = pcd_targets(out.cloud);
  std::vector<Lane> lanes;
  for (int k = 0; k < 8; k++)
    if (const PcdField* field = k < 3 ? wanted.xyz[k] : wanted.extra[k - 3])
      lanes.push_back({column_of(*field), targets[k]});
  Gatherer gather(out, std::move(lanes), wanted.time ? column_of(*wanted.time) : Column{}, header.points, {},
                  end);
  gather.add_run(0, header.points);
  gather.finish();
  out.cloud.time = pcd_times(gather.raw_times);
  return out;
}

inline Result<DecodedCloud> decode_pcd_binary(const PcdHeader& header, const PcdWanted& wanted,
                                              std::string_view body) {
  const std::size_t points = header.points, row = header.point_bytes;
  if (body.size() / row < points) return truncated_pcd(points, body.size() / row, "points");
  if (!only_zeros(body.substr(points * row)))
    return Error{"count-mismatch", "expected " + std::to_string(points) + " points of " +
                                       std::to_string(row) + " bytes, found " + std::to_string(body.size()) +
                                       " bytes of data"};
  const auto* data = reinterpret_cast<const std::uint8_t*>(body.data());
  return gather_pcd(header, wanted, data + body.size(), [&](const PcdField& field) {
    return Column{data + field.offset, row, field.type, false};
  });
}

inline Result<DecodedCloud> decode_pcd_compressed(const PcdHeader& header, const PcdWanted& wanted,
                                                  std::string_view body) {
  const std::size_t points = header.points;
  if (points == 0 && only_zeros(body)) return DecodedCloud{};
  std::uint32_t packed = 0, unpacked = 0;
  if (body.size() < 8) return truncated_pcd(8, body.size(), "bytes of sizes");
  std::memcpy(&packed, body.data(), 4);
  std::memcpy(&unpacked, body.data() + 4, 4);
  if (body.size() - 8 < packed) return truncated_pcd(packed, body.size() - 8, "compressed bytes");
  if (unpacked / header.point_bytes != points || unpacked % header.point_bytes != 0)
    return Error{"count-mismatch", "expected " + std::to_string(points) + " points of " +
                                       std::to_string(header.point_bytes) + " bytes, found " +
                                       std::to_string(unpacked) + " bytes before compression"};
  if (!only_zeros(body.substr(8 + std::size_t{packed})))
    return Error{"count-mismatch", "expected " + std::to_string(packed) + " compressed bytes, found " +
                                       std::to_string(body.size() - 8)};
  const auto* data = reinterpret_cast<const std::uint8_t*>(body.data()) + 8;
  Recycled<std::uint8_t> bytes;
  // Looked at before memory is taken: a small file must not ask for gigabytes.
  if (unpacked / kLzfMaxExpansion <= packed) bytes.resize(unpacked);
  if (bytes.size() != unpacked || !lzf_decompress(data, packed, bytes.data(), bytes.size()))
    return Error{"bad-compression", "expected LZF data of " + std::to_string(unpacked) + " bytes, found " +
                                        std::to_string(packed) + " bytes that do not decompress to them"};
  return gather_pcd(header, wanted, bytes.data() + bytes.size(), [&](const PcdField& field) {
    // Field after field, each for all points.
    return Column{bytes.data() + field.offset * points, size_of(field.type) * field.count, field.type, false};
  });
}

inline bool parse_number(std::string_view word, double& value) {
  if (word.size() > 1 && word[0] == '+' && word[1] != '-') word.remove_prefix(1);
  const auto [end, problem] = std::from_chars(word.data(), word.data() + word.size(), value);
  return problem == std::errc{} && end == word.data() + word.size();
}

// Appends the points of an ascii body, one a line.
class PcdAsciiReader {
 public:
  PcdAsciiReader(const PcdHeader& header, const PcdWanted& wanted) : slots_(header.point_tokens, -1) {
    targets_ = pcd_targets(out_.cloud);
    for (int k = 0; k < 8; k++)
      if (const PcdField* field = k < 3 ? wanted.xyz[k] : wanted.extra[k - 3]) want(*field, k);
    if (wanted.time) want(*wanted.time, kTime);
  }

  // Empty when the line was read.
  std::string read_line(std::string_view line, std::string& reason) {
    std::size_t token = 0;
    constexpr std::string_view blanks = " \t\r\v\f";
    for (std::size_t at = line.find_first_not_of(blanks); at != std::string_view::npos; token++) {
      const std::size_t end = std::min(line.find_first_of(blanks, at), line.size());
      const int slot = token < slots_.size() ? slots_[token] : -1;
      if (slot >= 0 && !parse_number(line.substr(at, end - at), values_[slot])) {
        reason = "bad-number";
        return "expected a number, found " + quoted(line.substr(at, end - at));
      }
      at = line.find_first_not_of(blanks, end);
    }
    if (token != slots_.size()) {
      reason = "count-mismatch";
      return "expected " + std::to_string(slots_.size()) + " values, found " + std::to_string(token);
    }
    keep_point();
    return {};
  }

  DecodedCloud finish() {
    out_.cloud.time = pcd_times(times_);
    return std::move(out_);
  }

 private:
  static constexpr int kTime = 8;

  void want(const PcdField& field, int slot) {
    slots_[field.token] = slot;
    is_float64_[slot] = field.type == Scalar::f64;
    wanted_[slot] = true;
  }

  void keep_point() {
    float xyz[3];
    for (int k = 0; k < 3; k++) xyz[k] = static_cast<float>(values_[k]);
    if (!std::isfinite(xyz[0]) || !std::isfinite(xyz[1]) || !std::isfinite(xyz[2])) {
      out_.not_finite++;
      return;
    }
    for (int k = 0; k < 8; k++)
      if (wanted_[k]) targets_[k]->push_back(static_cast<float>(values_[k]));
    // A float32 field says the same in ascii as in binary.
    if (wanted_[kTime])
      times_.push_back(is_float64_[kTime] ? values_[kTime]
                                          : static_cast<double>(static_cast<float>(values_[kTime])));
  }

  DecodedCloud out_;
  DoubleBuffer times_;
  std::vector<FloatBuffer*> targets_;
  std::vector<int> slots_;  // token of a line → place in values_, −1 for what is skipped
  double values_[9] = {};
  bool wanted_[9] = {}, is_float64_[9] = {};
};

inline Result<DecodedCloud> decode_pcd_ascii(const PcdHeader& header, const PcdWanted& wanted,
                                             std::string_view body) {
  PcdAsciiReader reader(header, wanted);
  std::size_t points = 0;
  for (std::size_t at = 0; at < body.size();) {
    const std::size_t end = std::min(body.find('\n', at), body.size());
    const std::string_view line = body.substr(at, end - at);
    at = end + 1;
    if (line.find_first_not_of(" \t\r\v\f") == std::string_view::npos) continue;
    if (points == header.points)
      return Error{"count-mismatch", "expected " + std::to_string(points) + " points, found more lines"};
    std::string reason;
    const std::string problem = reader.read_line(line, reason);
    if (!problem.empty()) return Error{reason, "point " + std::to_string(points) + ": " + problem};
    points++;
  }
  if (points != header.points) return truncated_pcd(header.points, points, "points");
  return reader.finish();
}

}  // namespace detail

// Keeps x, y, z, intensity (names intensity, i, reflectivity), normals, curvature and time (t, time,
// timestamp as float seconds). Points whose x, y or z is not finite are left out and counted. Refuses:
// bad-header, unsupported-version, unsupported-field, missing-field, count-mismatch, truncated, bad-number,
// bad-compression.
inline Result<DecodedCloud> decode_pcd(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view file(reinterpret_cast<const char*>(bytes), size);
  Result<PcdHeader> header = read_pcd_header(file);
  if (!header.ok()) return header.error();
  Result<detail::PcdWanted> wanted = detail::pcd_wanted(header.value());
  if (!wanted.ok()) return wanted.error();
  const std::string_view body = file.substr(header.value().length);
  switch (header.value().data) {
    case PcdData::ascii:
      return detail::decode_pcd_ascii(header.value(), wanted.value(), body);
    case PcdData::binary:
      return detail::decode_pcd_binary(header.value(), wanted.value(), body);
    default:
      return detail::decode_pcd_compressed(header.value(), wanted.value(), body);
  }
}

}  // namespace dilly
