// The header of a PCD file: https://pointclouds.org/documentation/tutorials/pcd_file_format.html
#pragma once

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>
#include <vector>

#include "column.hpp"
#include "result.hpp"

namespace dilly {

struct PcdField {
  std::string_view name;
  Scalar type = Scalar::f32;
  std::size_t count = 1;
  std::size_t offset = 0;  // bytes from the start of a point
  std::size_t token = 0;   // values before it in a line of ascii
};

enum class PcdData { ascii, binary, binary_compressed };

struct PcdHeader {
  std::vector<PcdField> fields;  // names lie in the file's bytes
  std::size_t points = 0;
  std::size_t point_bytes = 0, point_tokens = 0;
  PcdData data = PcdData::ascii;
  std::size_t length = 0;  // bytes of the header, its last newline included
};

// More is an attack or an error, and keeps every product of sizes below 2^63.
constexpr std::size_t kPcdMaxFields = 1024, kPcdMaxCount = 65536, kPcdMaxPoints = std::size_t{1} << 32;

namespace detail {

inline std::vector<std::string_view> split_words(std::string_view line) {
  std::vector<std::string_view> words;
  constexpr std::string_view blanks = " \t\r\v\f";
  for (std::size_t at = line.find_first_not_of(blanks); at != std::string_view::npos;) {
    const std::size_t end = std::min(line.find_first_of(blanks, at), line.size());
    words.push_back(line.substr(at, end - at));
    at = line.find_first_not_of(blanks, end);
  }
  return words;
}

inline bool parse_whole(std::string_view word, std::size_t limit, std::size_t& value) {
  const auto [end, problem] = std::from_chars(word.data(), word.data() + word.size(), value);
  return problem == std::errc{} && end == word.data() + word.size() && value <= limit;
}

inline bool parse_scalar(char type, std::size_t size, Scalar& scalar) {
  const std::size_t rank = size == 1 ? 0 : size == 2 ? 1 : size == 4 ? 2 : size == 8 ? 3 : 4;
  if (rank == 4) return false;
  constexpr Scalar whole[4] = {Scalar::i8, Scalar::i16, Scalar::i32, Scalar::i64};
  constexpr Scalar natural[4] = {Scalar::u8, Scalar::u16, Scalar::u32, Scalar::u64};
  if (type == 'I') scalar = whole[rank];
  if (type == 'U') scalar = natural[rank];
  if (type == 'F') scalar = rank == 2 ? Scalar::f32 : Scalar::f64;
  return type == 'I' || type == 'U' || (type == 'F' && rank >= 2);
}

// The words of a header's lines; nothing is judged yet.
struct PcdLines {
  std::vector<std::string_view> version, fields, size, type, count, width, height, viewpoint, points, data;
  std::size_t length = 0;

  std::vector<std::string_view>* line_of(std::string_view key) {
    if (key == "VERSION") return &version;
    if (key == "FIELDS" || key == "COLUMNS") return &fields;  // COLUMNS: before 0.6
    if (key == "SIZE") return &size;
    if (key == "TYPE") return &type;
    if (key == "COUNT") return &count;
    if (key == "WIDTH") return &width;
    if (key == "HEIGHT") return &height;
    if (key == "VIEWPOINT") return &viewpoint;
    if (key == "POINTS") return &points;
    if (key == "DATA") return &data;
    return nullptr;
  }
};

inline Error bad_header(const std::string& message) {
  return Error{"bad-header", message};
}

// What of a file may stand in a message: short, and only what can be printed.
inline std::string quoted(std::string_view word) {
  std::string text = "'";
  for (const char c : word.substr(0, 24)) text += c >= ' ' && c <= '~' ? c : '?';
  return text + (word.size() > 24 ? "…'" : "'");
}

inline Result<PcdLines> read_pcd_lines(std::string_view file) {
  PcdLines lines;
  std::size_t at = 0;
  while (lines.data.empty()) {
    const std::size_t end = file.find('\n', at);
    if (end == std::string_view::npos)
      return bad_header("expected a PCD header that ends with a DATA line, found " +
                        std::to_string(file.size()) + " bytes without one");
    const std::vector<std::string_view> words = split_words(file.substr(at, end - at));
    at = end + 1;
    if (words.empty() || words[0][0] == '#') continue;
    std::vector<std::string_view>* line = lines.line_of(words[0]);
    if (!line) return bad_header("expected a PCD header line, found " + quoted(words[0]));
    if (!line->empty() || words.size() < 2)
      return bad_header("expected one " + std::string(words[0]) + " line with a value, found " +
                        (line->empty() ? "no value" : "two lines"));
    if (words.size() - 1 > kPcdMaxFields)
      return bad_header("expected at most 1024 fields, found " + std::to_string(words.size() - 1));
    line->assign(words.begin() + 1, words.end());
  }
  lines.length = at;
  return lines;
}

inline Result<std::vector<PcdField>> pcd_fields(const PcdLines& lines) {
  const std::size_t n = lines.fields.size();
  if (n == 0) return bad_header("expected a FIELDS line, found none");
  // A file without SIZE and TYPE holds float32, one without COUNT single values: as PCL reads the old
  // versions.
  for (const auto* line : {&lines.size, &lines.type, &lines.count})
    if (!line->empty() && line->size() != n)
      return bad_header("expected " + std::to_string(n) + " values of SIZE, TYPE and COUNT, found " +
                        std::to_string(line->size()));
  std::vector<PcdField> fields(n);
  std::size_t offset = 0, token = 0;
  for (std::size_t k = 0; k < n; k++) {
    PcdField& field = fields[k];
    field.name = lines.fields[k];
    std::size_t size = 4;
    const std::string_view type = lines.type.empty() ? "F" : lines.type[k];
    if ((!lines.size.empty() && !parse_whole(lines.size[k], 8, size)) || type.size() != 1 ||
        !parse_scalar(type[0], size, field.type))
      return Error{"unsupported-field", "expected F 4/8, I 1/2/4/8 or U 1/2/4/8 for field " +
                                            quoted(field.name) + ", found " + quoted(type) + " of " +
                                            (lines.size.empty() ? "4" : quoted(lines.size[k])) + " bytes"};
    if (!lines.count.empty() && !parse_whole(lines.count[k], kPcdMaxCount, field.count))
      return bad_header("expected a COUNT of at most 65536 for field " + quoted(field.name) + ", found " +
                        quoted(lines.count[k]));
    field.offset = offset;
    field.token = token;
    offset += size * field.count;
    token += field.count;
  }
  return fields;
}

inline Result<std::size_t> pcd_points(const PcdLines& lines) {
  std::size_t width = 0, height = 1, points = 0;
  for (const auto& [line, value] : {std::pair{&lines.width, &width}, std::pair{&lines.height, &height},
                                    std::pair{&lines.points, &points}})
    if (!line->empty() && !parse_whole((*line)[0], kPcdMaxPoints, *value))
      return bad_header("expected WIDTH, HEIGHT and POINTS of at most 4294967296, found " +
                        quoted((*line)[0]));
  if (lines.width.empty() && lines.points.empty())
    return bad_header("expected a WIDTH or a POINTS line, found neither");
  if (lines.width.empty()) return points;
  // Both are at most 2^32: only the one product of the two limits needs the guard.
  if (width != 0 && height > kPcdMaxPoints / width)
    return bad_header("expected at most 4294967296 points, found " + std::to_string(width) + " × " +
                      std::to_string(height));
  if (!lines.points.empty() && width * height != points)
    return Error{"count-mismatch", "expected WIDTH × HEIGHT = POINTS, found " + std::to_string(width) +
                                       " × " + std::to_string(height) + " and " + std::to_string(points)};
  return width * height;
}

inline bool known_pcd_version(std::string_view v) {
  if (!v.empty() && v[0] == '0') v.remove_prefix(1);
  return v == ".5" || v == ".6" || v == ".7";
}

}  // namespace detail

// Reads the header of a whole file. Refuses: bad-header, unsupported-version, unsupported-field,
// count-mismatch.
inline Result<PcdHeader> read_pcd_header(std::string_view file) {
  Result<detail::PcdLines> read = detail::read_pcd_lines(file);
  if (!read.ok()) return read.error();
  const detail::PcdLines& lines = read.value();
  PcdHeader header;
  header.length = lines.length;
  const std::string_view data = lines.data[0];
  if (data != "ascii" && data != "binary" && data != "binary_compressed")
    return detail::bad_header("expected DATA ascii, binary or binary_compressed, found " +
                              detail::quoted(data));
  header.data = data == "ascii"    ? PcdData::ascii
                : data == "binary" ? PcdData::binary
                                   : PcdData::binary_compressed;
  if (!lines.version.empty()) {
    const std::string_view version = lines.version[0];
    if (!detail::known_pcd_version(version))
      return Error{"unsupported-version", "expected PCD 0.5 to 0.7, found " + detail::quoted(version)};
    // Compression came with 0.7; files of older versions that claim it were written in layouts nobody
    // described.
    if (header.data == PcdData::binary_compressed && version.back() != '7')
      return Error{"unsupported-version",
                   "expected PCD 0.7 for binary_compressed, found " + detail::quoted(version)};
  }
  Result<std::vector<PcdField>> fields = detail::pcd_fields(lines);
  if (!fields.ok()) return fields.error();
  header.fields = std::move(fields.value());
  for (const PcdField& field : header.fields) {
    header.point_bytes += size_of(field.type) * field.count;
    header.point_tokens += field.count;
  }
  Result<std::size_t> points = detail::pcd_points(lines);
  if (!points.ok()) return points.error();
  header.points = points.value();
  return header;
}

}  // namespace dilly
