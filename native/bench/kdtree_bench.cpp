// Our tree against nanoflann: nearest neighbour, ten nearest, and building, on maps of a street that a LiDAR
// saw.
#include <cstdlib>

#include "bench.hpp"
#include "dilly/dispatch.hpp"
#include "peer_nanoflann.hpp"
#include "scene.hpp"

namespace {

using dilly::Cloud;
using dilly::KdTree;
using dilly::Simd;

constexpr dilly::Nearest kNothing{std::numeric_limits<float>::max(), dilly::kNoSlot};

void nearest_one_by_one(const KdTree& tree, const Cloud& queries, std::vector<float>& d2) {
  const dilly::Kernels& kernel = dilly::kernels(dilly::detect_simd());
  d2.resize(queries.size());
  for (std::size_t i = 0; i < queries.size(); i++) {
    const float q[3] = {queries.x[i], queries.y[i], queries.z[i]};
    dilly::Nearest best = kNothing;
    kernel.nearest(tree, q, best);
    d2[i] = best.d2;
  }
}

// As a caller with many queries asks: a block at a time. `search(xyz, first, count)`.
template <class Search>
void by_blocks(const Cloud& queries, Search search) {
  float xyz[3 * dilly::kBlock];
  for (std::size_t first = 0; first < queries.size(); first += dilly::kBlock) {
    const std::size_t count = std::min(dilly::kBlock, queries.size() - first);
    for (std::size_t k = 0; k < count; k++) {
      xyz[3 * k] = queries.x[first + k];
      xyz[3 * k + 1] = queries.y[first + k];
      xyz[3 * k + 2] = queries.z[first + k];
    }
    search(xyz, first, count);
  }
}

void nearest_all(const KdTree& tree, const Cloud& queries, Simd simd, std::vector<float>& d2) {
  const dilly::Kernels& kernel = dilly::kernels(simd);
  d2.resize(queries.size());
  by_blocks(queries, [&](const float* xyz, std::size_t first, std::size_t count) {
    dilly::Nearest best[dilly::kBlock];
    std::fill(best, best + count, kNothing);
    kernel.nearest_each(tree, xyz, count, best);
    for (std::size_t k = 0; k < count; k++) d2[first + k] = best[k].d2;
  });
}

void knn_all(const KdTree& tree, const Cloud& queries, std::size_t k, std::vector<float>& d2) {
  const dilly::Kernels& kernel = dilly::kernels(dilly::detect_simd());
  d2.resize(queries.size() * k);
  std::vector<dilly::Neighbour> found(dilly::kBlock * k);
  by_blocks(queries, [&](const float* xyz, std::size_t first, std::size_t count) {
    kernel.knn_each(tree, xyz, count, static_cast<int>(k), found.data());
    for (std::size_t j = 0; j < count * k; j++) d2[first * k + j] = found[j].d2;
  });
}

// Queries a second, in thousands. A benchmark of wrong answers is worth nothing: they are compared as well.
void throughput(const std::string& id, std::size_t queries, const std::vector<double>& seconds,
                const std::vector<float>& ours, const std::vector<float>& theirs) {
  const double mine = 1e-3 * static_cast<double>(queries) / seconds[0];
  if (seconds.size() == 1) return bench::row(id, mine, "kq/s");
  for (std::size_t i = 0; i < ours.size(); i++)
    if (!(std::fabs(ours[i] - theirs[i]) <= 1e-5f * theirs[i] + 1e-6f)) {
      std::fprintf(stderr, "%s: answer %zu differs: %g and %g\n", id.c_str(), i, ours[i], theirs[i]);
      std::exit(1);
    }
  const double peer = 1e-3 * static_cast<double>(queries) / seconds[1];
  bench::row(id, mine, "kq/s", "nanoflann", peer, mine / peer);
}

void compare(const std::string& name, const Cloud& map, const Cloud& queries, int rounds) {
  const KdTree tree = std::move(dilly::build_kdtree(map).value());
  const bool peer = bench::PeerTree::installed();
  const bench::PeerTree other(map);
  std::vector<float> ours, theirs;
  std::vector<std::uint32_t> index;
  std::vector<std::function<void()>> works{[&] { nearest_all(tree, queries, dilly::detect_simd(), ours); }};
  if (peer) works.push_back([&] { other.nearest(queries, index, theirs); });
  throughput("kdtree.nn1." + name, queries.size(), bench::race(rounds, works), ours, theirs);
  works[0] = [&] { nearest_one_by_one(tree, queries, ours); };
  throughput("kdtree.nn1.single." + name, queries.size(), bench::race(rounds, works), ours, theirs);
  works[0] = [&] { nearest_all(tree, queries, Simd::scalar, ours); };
  throughput("kdtree.nn1.scalar." + name, queries.size(), bench::race(rounds, works), ours, theirs);
  works.assign(1, [&] { knn_all(tree, queries, 10, ours); });
  if (peer) works.push_back([&] { other.knn(queries, 10, theirs); });
  throughput("kdtree.nn10." + name, queries.size(), bench::race(rounds, works), ours, theirs);
  works.assign(1, [&] { dilly::build_kdtree(map); });
  if (peer) works.push_back([&] { const bench::PeerTree built(map); });
  const std::vector<double> seconds = bench::race(rounds, works);
  const std::string id = "kdtree.build." + name;
  peer ? bench::row(id, 1e3 * seconds[0], "ms", "nanoflann", 1e3 * seconds[1], seconds[1] / seconds[0])
       : bench::row(id, 1e3 * seconds[0], "ms");
}

// The order of firing is the best that a cache and a branch predictor can get; this is the worst.
Cloud shuffled(const Cloud& cloud) {
  std::vector<std::size_t> order(cloud.size());
  for (std::size_t i = 0; i < order.size(); i++) order[i] = i;
  std::shuffle(order.begin(), order.end(), std::mt19937(5));
  Cloud out;
  for (const std::size_t i : order) {
    out.x.push_back(cloud.x[i]);
    out.y.push_back(cloud.y[i]);
    out.z.push_back(cloud.z[i]);
  }
  return out;
}

}  // namespace

int main() {
  const std::vector<bench::Box> world = bench::street();
  // A scan that stands where a prediction would put it: 0.2 m and 1° beside the truth.
  Cloud queries;
  bench::append_moved(queries, bench::scan(world, bench::pose_at(1.3, 0.02), 1800, 99),
                      bench::pose_at(1.5, 0.037));
  compare("10k", bench::street_map(world, 10000), queries, 9);
  compare("100k", bench::street_map(world, 100000), queries, 9);
  compare("100k.shuffled", bench::street_map(world, 100000), shuffled(queries), 9);
  compare("1m", bench::street_map(world, 1000000), queries, 5);
  const char* data = std::getenv("DILLY_DATA");
  const std::string pair = std::string(data ? data : "") + "/registration-pairs/koide/";
  const Cloud target = bench::read_ply(pair + "target.ply"), source = bench::read_ply(pair + "source.ply");
  if (target.size() && source.size()) compare("koide", target, source, 9);
}
