// A tile by its index is the tile that is built, bit by bit; whatever else the bytes are is refused, or at
// least stays within the tile.
#include "dilly/tile_index.hpp"

#include "check.hpp"
#include "clouds.hpp"
#include "dilly/dispatch.hpp"

namespace {

using clouds::Cloud;
using Bytes = std::vector<std::uint8_t>;
using dilly::Tile;

constexpr std::array<double, 3> kOrigin{40, -20, 0};

template <class T>
bool same(const T& a, const T& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof a[0]) == 0);
}

std::string refusal_of(const Cloud& cloud, const Bytes& bytes) {
  const auto tile = dilly::read_tile_index(cloud, kOrigin, bytes.data(), bytes.size());
  return tile.ok() ? "" : tile.error().reason;
}

void check_same(const Tile& a, const Tile& b) {
  const dilly::Level &p = a.points, &q = b.points;
  CHECK(p.origin == q.origin && p.tree.levels == q.tree.levels && p.tree.roots == q.tree.roots);
  CHECK(same(p.tree.ids, q.tree.ids) && same(p.tree.leaves, q.tree.leaves));
  CHECK(same(p.tree.nodes, q.tree.nodes) && same(p.normals, q.normals));
  CHECK(std::memcmp(p.low, q.low, sizeof p.low) == 0 && std::memcmp(p.high, q.high, sizeof p.high) == 0);
  for (int l = 0; l < dilly::kSurfelLevels; l++) {
    const dilly::SurfelGrid &s = a.surfels[l], &t = b.surfels[l];
    CHECK(s.size == t.size && std::memcmp(s.low, t.low, sizeof s.low) == 0);
    CHECK(s.columns[0] == t.columns[0] && s.columns[1] == t.columns[1]);
    CHECK(same(s.first, t.first) && same(s.surfels, t.surfels));
  }
}

void an_index_gives_the_same_tile() {
  for (const float step : {5.f, 1.f, 0.3f, 0.07f}) {
    const Cloud cloud = clouds::room(step, 0.01f, 1);
    const auto built = dilly::build_tile(cloud, kOrigin).value();
    const Bytes index = dilly::write_tile_index(*built);
    const auto read = dilly::read_tile_index(cloud, kOrigin, index.data(), index.size());
    CHECK(read.ok());
    if (read.ok()) check_same(*built, *read.value());
  }
}

void another_cloud_is_refused() {
  const Cloud cloud = clouds::room(0.3f, 0.01f, 1), more = clouds::room(0.2f, 0.01f, 1);
  const Bytes index = dilly::write_tile_index(*dilly::build_tile(cloud, kOrigin).value());
  CHECK(refusal_of(more, index) == "index-order");
  Cloud bare = cloud;
  bare.nx.clear();
  CHECK(refusal_of(bare, index) == "no-normals");
  CHECK(refusal_of(Cloud{}, index) == "no-normals");
}

void broken_bytes_are_refused() {
  const Cloud cloud = clouds::room(0.5f, 0.01f, 1);
  const Bytes good = dilly::write_tile_index(*dilly::build_tile(cloud, kOrigin).value());
  for (std::size_t length = 0; length < good.size(); length += 1 + length / 40)
    CHECK(refusal_of(cloud, Bytes(good.begin(), good.begin() + length)).rfind("index-", 0) == 0);
  Bytes longer = good;
  longer.push_back(0);
  CHECK(refusal_of(cloud, longer) == "index-length");
  Bytes other = good;
  other[0]++;
  CHECK(refusal_of(cloud, other) == "index-layout");
  Bytes twice = good;  // the second point is the first once more
  std::copy(good.begin() + 24, good.begin() + 28, twice.begin() + 28);
  CHECK(refusal_of(cloud, twice) == "index-order");
}

// The file around the index has a hash; this is the second line: nothing may be read beyond the tile.
void spoiled_bytes_stay_within_the_tile() {
  const Cloud cloud = clouds::room(0.5f, 0.01f, 1);
  const Bytes good = dilly::write_tile_index(*dilly::build_tile(cloud, kOrigin).value());
  clouds::Random random(3);
  const dilly::Kernels& kernel = dilly::kernels(dilly::detect_simd());
  int refused = 0;
  for (int k = 0; k < 2000; k++) {
    Bytes bytes = good;
    for (int spoils = 0; spoils <= k % 3; spoils++)
      bytes[static_cast<std::size_t>(random.uniform(0, 0.9999f) * static_cast<float>(bytes.size()))] ^=
          static_cast<std::uint8_t>(1 << (k % 8));
    const auto tile = dilly::read_tile_index(cloud, kOrigin, bytes.data(), bytes.size());
    if (!tile.ok()) {
      refused++;
      continue;
    }
    for (const dilly::SurfelGrid& grid : tile.value()->surfels)
      for (const std::uint32_t first : grid.first) CHECK(first <= grid.surfels.size());
    // Its order is one of the points, so that the nearest is the nearest.
    const float q[3] = {random.uniform(0, 16), random.uniform(0, 12), random.uniform(0, 4)};
    dilly::Nearest best{std::numeric_limits<float>::max(), dilly::kNoSlot};
    kernel.nearest(tile.value()->points.tree, q, best);
    float least = std::numeric_limits<float>::max();
    for (std::size_t i = 0; i < cloud.size(); i++)
      least = std::min(least, (cloud.x[i] - q[0]) * (cloud.x[i] - q[0]) +
                                  (cloud.y[i] - q[1]) * (cloud.y[i] - q[1]) +
                                  (cloud.z[i] - q[2]) * (cloud.z[i] - q[2]));
    CHECK_NEAR(best.d2, least, 1e-5);
  }
  CHECK(refused > 500);
}

}  // namespace

int main() {
  an_index_gives_the_same_tile();
  another_cloud_is_refused();
  broken_bytes_are_refused();
  spoiled_bytes_stay_within_the_tile();
  return check::summary();
}
