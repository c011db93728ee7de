// The tree against brute force, on the distributions on which trees go wrong, in every instruction set.
#include <algorithm>

#include "check.hpp"
#include "clouds.hpp"
#include "dilly/dispatch.hpp"

namespace {

using clouds::Cloud;
using dilly::KdTree;
using dilly::Neighbour;
using dilly::Simd;

std::vector<Simd> instruction_sets() {
  const Simd best = dilly::detect_simd();
  return best == Simd::scalar ? std::vector<Simd>{best} : std::vector<Simd>{best, Simd::scalar};
}

std::vector<Neighbour> brute_force(const Cloud& cloud, const float q[3]) {
  std::vector<Neighbour> all;
  for (std::uint32_t i = 0; i < cloud.size(); i++) {
    const float dx = cloud.x[i] - q[0], dy = cloud.y[i] - q[1], dz = cloud.z[i] - q[2];
    all.push_back({dx * dx + dy * dy + dz * dz, i});
  }
  std::sort(all.begin(), all.end());
  return all;
}

// A fused multiply-add rounds once where brute force rounds twice.
bool same_distance(float a, float b) {
  return std::fabs(a - b) <= 4e-7f * (a + b);
}

// Of equal distances in order of index: lists may differ only where rounding swaps neighbours.
bool same(const std::vector<Neighbour>& found, const std::vector<Neighbour>& all) {
  for (std::size_t k = 0; k < found.size(); k++) {
    if (!same_distance(found[k].d2, all[k].d2)) return false;
    if (k > 0 && !(found[k - 1] < found[k])) return false;
  }
  return true;
}

KdTree built(const Cloud& cloud) {
  auto tree = dilly::build_kdtree(cloud);
  CHECK(tree.ok());
  return std::move(tree.value());
}

// Every point lies in one slot, and each slot's place is its point's.
bool holds_each_point_once(const KdTree& tree, const Cloud& cloud) {
  std::vector<int> seen(cloud.size());
  std::size_t padding = 0;
  for (std::size_t slot = 0; slot < tree.ids.size(); slot++) {
    const std::uint32_t id = tree.ids[slot];
    if (id >= cloud.size()) {
      padding++;
      continue;
    }
    const dilly::Leaf& leaf = tree.leaves[slot / dilly::kLeaf];
    const std::size_t lane = slot % dilly::kLeaf;
    if (leaf.x[lane] != cloud.x[id] || leaf.y[lane] != cloud.y[id] || leaf.z[lane] != cloud.z[id])
      return false;
    seen[id]++;
  }
  return padding < dilly::kLeaf &&
         std::all_of(seen.begin(), seen.end(), [](int times) { return times == 1; });
}

void agrees_with_brute_force(const Cloud& cloud, const Cloud& queries, Simd simd) {
  const KdTree tree = built(cloud);
  const dilly::Kernels& kernel = dilly::kernels(simd);
  CHECK(holds_each_point_once(tree, cloud));
  bool one = true, many = true, around = true, none = true;
  for (std::size_t i = 0; i < queries.size(); i++) {
    const float q[3] = {queries.x[i], queries.y[i], queries.z[i]};
    const std::vector<Neighbour> all = brute_force(cloud, q);
    dilly::Nearest best{std::numeric_limits<float>::max(), dilly::kNoSlot};
    kernel.nearest(tree, q, best);
    one = one && (best.slot == dilly::kNoSlot ? all.empty() : same_distance(best.d2, all[0].d2));
    for (const int k : {1, 5, 12, 13, 20, 21, 40}) {
      std::vector<Neighbour> found(k);
      found.resize(kernel.knn(tree, q, k, found.data()));
      many = many && found.size() == std::min<std::size_t>(k, all.size()) && same(found, all);
      // Nearest neighbour and first of k are one answer, tie or not.
      if (!found.empty()) one = one && tree.ids[best.slot] == found[0].id && best.d2 == found[0].d2;
    }
    for (const float radius2 : {0.f, 0.25f, 9.f, 1e4f}) {
      std::vector<Neighbour> found;
      kernel.within(tree, q, radius2, found);
      std::sort(found.begin(), found.end());
      const auto up_to = [&](float limit) {
        return std::count_if(all.begin(), all.end(), [&](const Neighbour& n) { return n.d2 <= limit; });
      };
      const auto count = static_cast<std::ptrdiff_t>(found.size());
      around = around && same(found, all) && count >= up_to(radius2 * (1 - 1e-6f)) &&
               count <= up_to(radius2 * (1 + 1e-6f));
    }
    if (all.empty()) continue;
    // Nothing nearer than the nearest; at exactly its distance it is found.
    dilly::Nearest bounded{std::nextafter(best.d2, 0.f), dilly::kNoSlot};
    kernel.nearest(tree, q, bounded);
    none = none && (best.d2 == 0 || bounded.slot == dilly::kNoSlot);
    bounded = {best.d2, dilly::kNoSlot};
    kernel.nearest(tree, q, bounded);
    none = none && bounded.slot == best.slot;
  }
  CHECK(one);
  CHECK(many);
  CHECK(around);
  CHECK(none);
}

void every_distribution_and_size() {
  for (const Simd simd : instruction_sets())
    for (int which = 0; which < 5; which++)
      // Leaves of 16, nodes of 8 leaves, one and two nodes at the top, one more level.
      for (const std::size_t n : {0, 1, 15, 16, 17, 128, 129, 257, 1000, 1025, 2049, 9000}) {
        const Cloud cloud = clouds::distribution(which, n, 11);
        Cloud queries = clouds::distribution(0, 12, 12);
        const Cloud near = clouds::distribution(which, 12, 13);
        for (std::size_t i = 0; i < near.size(); i++) clouds::add(queries, near.x[i], near.y[i], near.z[i]);
        for (std::size_t i = 0; i < cloud.size(); i += 97)
          clouds::add(queries, cloud.x[i], cloud.y[i], cloud.z[i]);
        agrees_with_brute_force(cloud, queries, simd);
      }
}

// Many queries at once get what each gets alone, and so whatever is searched for beside it: also one that is
// no number, one that is far away, one that has a bound.
void together_as_alone() {
  for (const Simd simd : instruction_sets())
    for (int which = 0; which < 5; which++)
      for (const std::size_t n : {0, 1, 16, 17, 129, 1025, 9000}) {
        const KdTree tree = built(clouds::distribution(which, n, 61));
        const Cloud queries = clouds::distribution(which, 301, 62);
        std::vector<float> xyz;
        std::vector<dilly::Nearest> alone, together;
        for (std::size_t i = 0; i < queries.size(); i++) {
          const float x = i % 50 == 3 ? NAN : i % 50 == 17 ? INFINITY : i % 50 == 31 ? 1e30f : queries.x[i];
          xyz.insert(xyz.end(), {x, queries.y[i], queries.z[i]});
          together.push_back({i % 7 == 0 ? 0.5f : std::numeric_limits<float>::max(), dilly::kNoSlot});
        }
        alone = together;
        for (std::size_t i = 0; i < alone.size(); i++)
          dilly::kernels(simd).nearest(tree, &xyz[3 * i], alone[i]);
        dilly::kernels(simd).nearest_each(tree, xyz.data(), together.size(), together.data());
        bool equal = true;
        for (std::size_t i = 0; i < alone.size(); i++)
          equal = equal && alone[i].slot == together[i].slot && alone[i].d2 == together[i].d2;
        for (const int k : {1, 10, 20, 30}) {
          std::vector<Neighbour> one(k), each(queries.size() * k, Neighbour{-1, 7});
          dilly::kernels(simd).knn_each(tree, xyz.data(), queries.size(), k, each.data());
          for (std::size_t i = 0; i < queries.size(); i++) {
            const int count = dilly::kernels(simd).knn(tree, &xyz[3 * i], k, one.data());
            for (int j = 0; j < k; j++) {
              const Neighbour expected = j < count ? one[j] : Neighbour{-1, 7}, found = each[i * k + j];
              equal = equal && found.d2 == expected.d2 && found.id == expected.id;
            }
          }
        }
        CHECK(equal);
      }
}

// Wherever a search starts it ends at the same point.
void a_guess_changes_nothing() {
  for (const Simd simd : instruction_sets())
    for (int which = 0; which < 5; which++)
      for (const std::size_t n : {1, 16, 17, 129, 257, 1025, 9000}) {
        const Cloud cloud = clouds::distribution(which, n, 71);
        const KdTree tree = built(cloud);
        const Cloud queries = clouds::distribution(which, 200, 72);
        bool equal = true;
        for (std::size_t i = 0; i < queries.size(); i++) {
          const float q[3] = {queries.x[i], queries.y[i], queries.z[i]};
          dilly::Nearest best{std::numeric_limits<float>::max(), dilly::kNoSlot};
          dilly::kernels(simd).nearest(tree, q, best);
          for (const std::size_t slot : {static_cast<std::size_t>(best.slot), i * 7919 % tree.ids.size()}) {
            const std::uint32_t id = tree.ids[slot];
            if (id >= cloud.size()) continue;  // padding
            const float dx = cloud.x[id] - q[0], dy = cloud.y[id] - q[1], dz = cloud.z[id] - q[2];
            dilly::Nearest guessed{dx * dx + dy * dy + dz * dz, static_cast<std::uint32_t>(slot)};
            dilly::kernels(simd).nearest(tree, q, guessed);
            equal = equal && same_distance(guessed.d2, best.d2) &&
                    (which != 4 || tree.ids[guessed.slot] == tree.ids[best.slot]);
          }
        }
        CHECK(equal);
      }
}

// Whole numbers: distances are exact, so that ties are, and the order is told to the last place.
void ties_go_by_index() {
  for (const Simd simd : instruction_sets()) {
    const Cloud cloud = clouds::distribution(4, 3000, 21);
    const KdTree tree = built(cloud);
    bool in_order = true;
    for (const float x : {0.f, 1.f, -3.f}) {
      const float q[3] = {x, 0, 1};
      const std::vector<Neighbour> all = brute_force(cloud, q);
      for (const int k : {1, 7, 12, 20, 64}) {
        std::vector<Neighbour> found(k);
        dilly::kernels(simd).knn(tree, q, k, found.data());
        for (std::size_t i = 0; i < found.size(); i++) in_order = in_order && found[i].id == all[i].id;
      }
      dilly::Nearest best{std::numeric_limits<float>::max(), dilly::kNoSlot};
      dilly::kernels(simd).nearest(tree, q, best);
      in_order = in_order && tree.ids[best.slot] == all[0].id;
    }
    CHECK(in_order);
  }
}

void same_points_only() {
  Cloud cloud;
  for (int i = 0; i < 5000; i++) clouds::add(cloud, 1, 2, 3);
  for (const Simd simd : instruction_sets())
    agrees_with_brute_force(cloud, clouds::distribution(0, 3, 1), simd);
}

void what_is_not_finite_is_refused() {
  for (const float bad : {NAN, INFINITY, -INFINITY})
    for (int axis = 0; axis < 3; axis++) {
      Cloud cloud = clouds::distribution(0, 20, 31);
      (axis == 0 ? cloud.x : axis == 1 ? cloud.y : cloud.z)[17] = bad;
      const auto tree = dilly::build_kdtree(cloud);
      CHECK(!tree.ok() && tree.error().reason == "not-finite" &&
            tree.error().message.find("17") != std::string::npos);
    }
}

// Whoever aligns from a pose that is no number must get no answer, not a wrong one.
void a_query_that_is_no_number_finds_nothing() {
  const KdTree tree = built(clouds::distribution(0, 1000, 41));
  for (const Simd simd : instruction_sets())
    for (const float bad : {NAN, -NAN, INFINITY}) {
      const float q[3] = {0, bad, 0};
      dilly::Nearest best{std::numeric_limits<float>::max(), dilly::kNoSlot};
      dilly::kernels(simd).nearest(tree, q, best);
      CHECK(best.slot == dilly::kNoSlot);
      Neighbour found[4];
      CHECK(dilly::kernels(simd).knn(tree, q, 4, found) == 0);
    }
}

// Points at the ends of float32: squares overflow, and nothing crashes.
void far_points_do_no_harm() {
  Cloud cloud = clouds::distribution(0, 500, 51);
  for (int i = 0; i < 40; i++) clouds::add(cloud, 3e38f, -3e38f, 3e38f);
  const KdTree tree = built(cloud);
  CHECK(holds_each_point_once(tree, cloud));
  for (const Simd simd : instruction_sets()) {
    const float q[3] = {0, 0, 0};
    dilly::Nearest best{std::numeric_limits<float>::max(), dilly::kNoSlot};
    dilly::kernels(simd).nearest(tree, q, best);
    CHECK(best.slot != dilly::kNoSlot && tree.ids[best.slot] == brute_force(cloud, q)[0].id);
  }
}

}  // namespace

int main() {
  every_distribution_and_size();
  together_as_alone();
  a_guess_changes_nothing();
  ties_go_by_index();
  same_points_only();
  what_is_not_finite_is_refused();
  a_query_that_is_no_number_finds_nothing();
  far_points_do_no_harm();
  return check::summary();
}
