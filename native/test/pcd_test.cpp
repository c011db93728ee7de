// Decoding PCD: the three encodings agree, layouts of any kind are read, lies are refused, and no bytes break
// it. Usage: pcd_test [fuzz inputs] [file.pcd …]; given files are decoded and their counts printed.
#include "dilly/pcd.hpp"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <limits>
#include <random>
#include <sstream>

#include "check.hpp"

namespace {

using dilly::DecodedCloud;
using dilly::Result;

Result<DecodedCloud> decode(const std::string& file) {
  return dilly::decode_pcd(reinterpret_cast<const std::uint8_t*>(file.data()), file.size());
}

bool refused(const std::string& file, const std::string& reason) {
  const Result<DecodedCloud> result = decode(file);
  const std::string found = result.ok() ? "a cloud" : result.error().reason + ": " + result.error().message;
  if (result.ok() || result.error().reason != reason)
    std::fprintf(stderr, "expected %s, found %s\n", reason.c_str(), found.c_str());
  return !result.ok() && result.error().reason == reason &&
         result.error().message.find("expected") != std::string::npos;
}

const char kNames[] = "x y z intensity normal_x normal_y normal_z curvature";

std::string header(std::size_t points, const std::string& data, const std::string& fields = kNames,
                   const std::string& size = "4 4 4 4 4 4 4 4", const std::string& type = "F F F F F F F F",
                   const std::string& count = "1 1 1 1 1 1 1 1") {
  return "# .PCD v0.7\nVERSION 0.7\nFIELDS " + fields + "\nSIZE " + size + "\nTYPE " + type + "\nCOUNT " +
         count + "\nWIDTH " + std::to_string(points) + "\nHEIGHT 1\nVIEWPOINT 0 0 0 1 0 0 0\nPOINTS " +
         std::to_string(points) + "\nDATA " + data + "\n";
}

template <class T>
void put(std::string& bytes, T value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

// A compressor that needs no cleverness: literal runs, and one repeated byte as an overlapping reference.
std::string lzf(const std::string& in) {
  std::string out;
  for (std::size_t at = 0; at < in.size();) {
    std::size_t run = 1;
    while (at + run < in.size() && run < 264 && in[at + run] == in[at]) run++;
    if (run > 4) {
      out += '\0';
      out += in[at];
      const std::size_t length = run - 1 - 2;
      if (length < 7) {
        out += static_cast<char>(length << 5);
      } else {
        out += static_cast<char>(7 << 5);
        out += static_cast<char>(length - 7);
      }
      out += '\0';
      at += run;
      continue;
    }
    const std::size_t literals = std::min<std::size_t>(32, in.size() - at);
    out += static_cast<char>(literals - 1);
    out.append(in, at, literals);
    at += literals;
  }
  return out;
}

struct Files {
  std::string ascii, binary, compressed;
};

// The same points three times; every seventh is NaN.
Files make_files(std::size_t points, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> uniform(-50, 50);
  std::vector<std::vector<float>> rows(points, std::vector<float>(8));
  for (std::size_t i = 0; i < points; i++)
    for (int k = 0; k < 8; k++)
      rows[i][k] = i % 7 == 3 && k == 1 ? std::numeric_limits<float>::quiet_NaN()
                   : k == 7             ? 0.f
                                        : uniform(random);
  std::ostringstream text;
  text.precision(9);
  std::string packed, columns, sizes;
  for (const auto& row : rows) {
    for (int k = 0; k < 8; k++) text << row[k] << (k < 7 ? " " : "\n");
    for (const float v : row) put(packed, v);
  }
  for (int k = 0; k < 8; k++)
    for (const auto& row : rows) put(columns, row[k]);
  const std::string squeezed = lzf(columns);
  put(sizes, static_cast<std::uint32_t>(squeezed.size()));
  put(sizes, static_cast<std::uint32_t>(columns.size()));
  return {header(points, "ascii") + text.str(), header(points, "binary") + packed,
          header(points, "binary_compressed") + sizes + squeezed};
}

bool same(const dilly::FloatBuffer& a, const dilly::FloatBuffer& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

bool same_cloud(const DecodedCloud& a, const DecodedCloud& b) {
  const dilly::Cloud &u = a.cloud, &v = b.cloud;
  return a.not_finite == b.not_finite && same(u.x, v.x) && same(u.y, v.y) && same(u.z, v.z) &&
         same(u.intensity, v.intensity) && same(u.nx, v.nx) && same(u.ny, v.ny) && same(u.nz, v.nz) &&
         same(u.curvature, v.curvature) && same(u.time, v.time);
}

void encodings_agree() {
  for (const std::size_t points : {0, 1, 3, 4, 7, 8, 9, 255, 256, 257, 1000}) {
    const Files files = make_files(points, 1);
    const auto a = decode(files.ascii), b = decode(files.binary), c = decode(files.compressed);
    if (!CHECK(a.ok() && b.ok() && c.ok())) continue;
    CHECK(same_cloud(a.value(), b.value()));
    CHECK(same_cloud(b.value(), c.value()));
    CHECK(b.value().not_finite == (points + 3) / 7);
    CHECK(b.value().cloud.size() + b.value().not_finite == points);
    CHECK(b.value().cloud.nx.size() == b.value().cloud.size());
    CHECK(b.value().cloud.time.empty());
  }
}

void any_layout() {
  // Fields in any order, of any type, of several values, with padding: y (int16), _ × 3 bytes, z (float64),
  // hist × 3, x (uint8), time (float64, since the epoch), i (uint32).
  std::string body =
      header(3, "binary", "y _ z hist x time i", "2 1 8 4 1 8 4", "I U F F U F U", "1 3 1 3 1 1 1");
  for (int i = 0; i < 3; i++) {
    put<std::int16_t>(body, static_cast<std::int16_t>(-300 * i));
    body += "abc";
    put<double>(body, i == 1 ? 1e300 : 0.5 * i);  // beyond float32: not finite
    for (int k = 0; k < 3; k++) put<float>(body, 9);
    put<std::uint8_t>(body, static_cast<std::uint8_t>(200 + i));
    put<double>(body, 1.7e9 + 0.25 * i);
    put<std::uint32_t>(body, 70000u * i);
  }
  const auto r = decode(body);
  if (!CHECK(r.ok())) return;
  const dilly::Cloud& c = r.value().cloud;
  CHECK(c.size() == 2 && r.value().not_finite == 1);
  CHECK(c.x[0] == 200 && c.x[1] == 202 && c.y[1] == -600 && c.z[1] == 1);
  CHECK(c.intensity[1] == 140000);
  CHECK_NEAR(c.time[0], 0, 0);
  CHECK_NEAR(c.time[1], 0.5, 1e-6);
  CHECK(c.nx.empty() && c.curvature.empty());

  const auto text = decode(
      "VERSION .5\r\nCOLUMNS z y x\r\nWIDTH 2\r\nHEIGHT 1\r\nDATA ascii\r\n 1 2\t+3\r\n\r\n4 nan 6\r\n");
  CHECK(text.ok() && text.value().cloud.size() == 1 && text.value().cloud.x[0] == 3 &&
        text.value().not_finite == 1);
  const auto last = decode("FIELDS x y z\nPOINTS 1\nDATA ascii\n1e1 -2.5 3");
  CHECK(last.ok() && last.value().cloud.x[0] == 10 && last.value().cloud.y[0] == -2.5f);
}

void lies_are_refused() {
  const Files files = make_files(20, 2);
  CHECK(refused("", "bad-header"));
  CHECK(refused("# .PCD v.7\nVERSION .7\nFIEL\n", "bad-header"));
  CHECK(refused("VERSION 0.7\nFIELDS x y z\nDATA ascii\n", "bad-header"));
  CHECK(refused("VERSION 0.7\nVERSION 0.7\nDATA ascii\n", "bad-header"));
  CHECK(refused("FIELDS x y z\nWIDTH -1\nDATA ascii\n", "bad-header"));
  CHECK(refused("FIELDS x y z\nWIDTH 4294967296\nHEIGHT 4294967296\nDATA binary\n", "bad-header"));
  CHECK(refused("FIELDS x y z\nPOINTS 99999999999999999999999\nDATA binary\n", "bad-header"));
  CHECK(refused("FIELDS x y z\nPOINTS 1\nDATA gzip\n", "bad-header"));
  CHECK(refused("FIELDS x y z\nSIZE 4 4\nPOINTS 1\nDATA ascii\n1 2 3\n", "bad-header"));
  CHECK(refused("FIELDS x y z\nWIDTH 2\nHEIGHT 2\nPOINTS 5\nDATA ascii\n", "count-mismatch"));
  CHECK(refused("VERSION 0.8\nFIELDS x y z\nPOINTS 0\nDATA ascii\n", "unsupported-version"));
  CHECK(refused("VERSION .6\nFIELDS x y z\nPOINTS 0\nDATA binary_compressed\n", "unsupported-version"));
  CHECK(refused("FIELDS x y\nPOINTS 0\nDATA ascii\n", "missing-field"));
  CHECK(refused("FIELDS x y z\nSIZE 4 4 2\nTYPE F F F\nPOINTS 0\nDATA ascii\n", "unsupported-field"));
  CHECK(refused("FIELDS x y z\nCOUNT 1 1 2\nPOINTS 0\nDATA ascii\n", "unsupported-field"));
  CHECK(refused("FIELDS x y z\nPOINTS 1\nDATA ascii\n1,5 2 3\n", "bad-number"));
  CHECK(refused("FIELDS x y z\nPOINTS 1\nDATA ascii\n1 2\n", "count-mismatch"));
  CHECK(refused("FIELDS x y z\nPOINTS 1\nDATA ascii\n1 2 3\n4 5 6\n", "count-mismatch"));
  CHECK(refused("FIELDS x y z\nPOINTS 2\nDATA ascii\n1 2 3\n", "truncated"));
  CHECK(refused("FIELDS x y z\nPOINTS 4000000000\nDATA binary\n", "truncated"));
  CHECK(refused(files.binary.substr(0, files.binary.size() - 1), "truncated"));
  CHECK(refused(files.binary + "more", "count-mismatch"));
  CHECK(decode(files.binary + std::string(4096, '\0')).ok());
  CHECK(decode(files.compressed + std::string(4096, '\0')).ok());
  CHECK(refused(files.compressed.substr(0, files.compressed.size() - 1), "truncated"));
  CHECK(refused(files.compressed + "more", "count-mismatch"));
  std::string wrong = files.compressed;
  const std::size_t sizes = wrong.find("compressed\n") + 11;
  wrong[sizes + 8] = '\xff';  // refers to what is before the beginning
  CHECK(refused(wrong, "bad-compression"));
  std::string bomb = header(134217727, "binary_compressed");  // 4 GB from ten bytes
  put<std::uint32_t>(bomb, 10);
  put<std::uint32_t>(bomb, 134217727u * 32u);
  bomb += std::string(10, '\xff');
  CHECK(refused(bomb, "bad-compression"));
}

// Random damage: whatever comes, an answer, and one that is consistent. Meant for a build with sanitizers.
void fuzz(int inputs) {
  const Files files = make_files(40, 3);
  const std::string* originals[3] = {&files.ascii, &files.binary, &files.compressed};
  std::mt19937 random(4);
  int clouds = 0;
  for (int n = 0; n < inputs; n++) {
    std::string file = *originals[n % 3];
    for (unsigned edits = 1 + random() % 4; edits > 0; edits--) {
      const std::size_t at = file.empty() ? 0 : random() % file.size();
      switch (random() % 5) {
        case 0:
          file.resize(at);
          break;
        case 1:
          file.insert(at, 1, static_cast<char>(random()));
          break;
        case 2:
          file.erase(at, random() % 9);
          break;
        case 3:
          if (!file.empty()) file[at] = static_cast<char>('0' + random() % 10);
          break;
        default:
          if (!file.empty()) file[at] = static_cast<char>(random());
      }
    }
    // Exactly as many bytes as the file has, so that the sanitizer sees every step beyond them.
    const std::vector<std::uint8_t> bytes(file.begin(), file.end());
    const auto result = dilly::decode_pcd(bytes.data(), bytes.size());
    if (!result.ok()) continue;
    clouds++;
    const dilly::Cloud& c = result.value().cloud;
    bool sound = c.y.size() == c.size() && c.z.size() == c.size();
    for (std::size_t i = 0; i < c.size(); i++)
      sound = sound && std::isfinite(c.x[i] + 0 * c.y[i] + 0 * c.z[i]);
    if (!sound) CHECK(sound);
  }
  std::printf("fuzz: %d inputs, %d gave a cloud\n", inputs, clouds);
}

void print_file(const char* path) {
  std::ifstream in(path, std::ios::binary);
  const std::string file((std::istreambuf_iterator<char>(in)), {});
  const auto r = decode(file);
  if (r.ok())
    std::printf("%s: %zu points, %zu not finite\n", path, r.value().cloud.size(), r.value().not_finite);
  else
    std::printf("%s: %s: %s\n", path, r.error().reason.c_str(), r.error().message.c_str());
}

}  // namespace

int main(int argc, char** argv) {
  encodings_agree();
  any_layout();
  lies_are_refused();
  fuzz(argc > 1 ? std::atoi(argv[1]) : 20000);
  for (int k = 2; k < argc; k++) print_file(argv[k]);
  return check::summary();
}
