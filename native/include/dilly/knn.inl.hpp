// The searches for several neighbours (kernels.inl.hpp includes this file once for each instruction set).
namespace dilly {
namespace DILLY_ISA {

// A neighbour as one number in the order of (distance, index): the bits of a squared distance rise with it.
// As a double, because these have a minimum in every instruction set; finite floats make finite ones. Nothing
// is computed with it: near 0 it is denormal.
inline __attribute__((always_inline)) double rank_of(float d2, std::uint32_t id) {
  std::uint32_t bits;
  std::memcpy(&bits, &d2, sizeof bits);
  const std::uint64_t both = static_cast<std::uint64_t>(bits) << 32 | id;
  double rank;
  std::memcpy(&rank, &both, sizeof rank);
  return rank;
}

inline __attribute__((always_inline)) Neighbour neighbour_of(double rank) {
  std::uint64_t both;
  std::memcpy(&both, &rank, sizeof both);
  const std::uint32_t bits = static_cast<std::uint32_t>(both >> 32);
  Neighbour neighbour{0, static_cast<std::uint32_t>(both)};
  std::memcpy(&neighbour.d2, &bits, sizeof bits);
  return neighbour;
}

// Registers of four ranks: for 10 neighbours, and for the 20 of a normal.
constexpr int kFew = 3, kMany = 5;
constexpr double kNoRank = std::numeric_limits<double>::infinity();

// The least ranks met, in order, in kRegisters · 4 places. A new one is put in without a branch: where it
// belongs is nothing that could be guessed.
template <int kRegisters>
struct Ranking {
  D4 places[kRegisters];
  float limit = std::numeric_limits<float>::max();  // squared distance of the k-th

  Ranking() {
    for (D4& each : places) each = all_lanes(kNoRank);
  }

  __attribute__((always_inline)) void add_leaf(const KdTree& tree, std::uint32_t leaf, const float q[3],
                                               int k) {
    float d2[kLeaf];
    unsigned hits = leaf_hits(tree.leaves[leaf], q, limit, d2);
    if (!hits) return;
    D4 now[kRegisters];
    for (int r = 0; r < kRegisters; r++) now[r] = places[r];
    for (; hits; hits &= hits - 1) {
      const unsigned lane = static_cast<unsigned>(__builtin_ctz(hits));
      const D4 added = all_lanes(rank_of(d2[lane], tree.ids[leaf * kLeaf + lane]));
      // Each place takes the greater of the added one and what its left neighbour had, unless its own is
      // less.
      D4 left = all_lanes(0.0);
      for (int r = 0; r < kRegisters; r++) {
        const D4 own = now[r];
        now[r] = min_d4(own, max_d4(shifted_in(left, own), added));
        left = own;
      }
    }
    for (int r = 0; r < kRegisters; r++) places[r] = now[r];
    double last;
    std::memcpy(&last, reinterpret_cast<const char*>(places) + sizeof last * (k - 1), sizeof last);
    if (last < kNoRank) limit = neighbour_of(last).d2;
  }

  int write(int k, Neighbour* found) const {
    double ranks[4 * kRegisters];
    std::memcpy(ranks, places, sizeof ranks);
    int count = 0;
    for (; count < k && ranks[count] < kNoRank; count++) found[count] = neighbour_of(ranks[count]);
    return count;
  }
};

template <int kRegisters>
inline __attribute__((always_inline)) int knn_ranked(const KdTree& tree, const float q[3], int k,
                                                     Neighbour* found) {
  Ranking<kRegisters> ranking;
  visit_leaves(tree, q, ranking.limit, [&](std::uint32_t leaf) { ranking.add_leaf(tree, leaf, q, k); });
  return ranking.write(k, found);
}

// `knn` for more neighbours than a ranking has places.
inline int knn_many(const KdTree& tree, const float q[3], int k, Neighbour* found) {
  int count = 0;
  float limit = std::numeric_limits<float>::max();
  visit_leaves(tree, q, limit, [&](std::uint32_t number) {
    float d2[kLeaf];
    unsigned hits = leaf_hits(tree.leaves[number], q, limit, d2);
    while (hits) {
      const unsigned lane = static_cast<unsigned>(__builtin_ctz(hits));
      hits &= hits - 1;
      const Neighbour candidate{d2[lane], tree.ids[number * kLeaf + lane]};
      if (count == k && !(candidate < found[k - 1])) continue;
      int place = count < k ? count++ : k - 1;
      for (; place > 0 && candidate < found[place - 1]; place--) found[place] = found[place - 1];
      found[place] = candidate;
      if (count == k) limit = found[k - 1].d2;
    }
  });
  return count;
}

// The k nearest, sorted by (distance, index), into `found` (room for k); returns how many there are.
inline int knn(const KdTree& tree, const float q[3], int k, Neighbour* found) {
  if (k <= 4 * kFew) return knn_ranked<kFew>(tree, q, k, found);
  if (k <= 4 * kMany) return knn_ranked<kMany>(tree, q, k, found);
  return knn_many(tree, q, k, found);
}

template <int kRegisters>
inline void knn_abreast(const KdTree& tree, const float* q, int k, Neighbour* found) {
  Ranking<kRegisters> rankings[kAbreast];
  visit_abreast(
      tree, q, [&](std::size_t i) -> const float& { return rankings[i].limit; },
      [&](std::size_t i, std::uint32_t leaf) { rankings[i].add_leaf(tree, leaf, q + 3 * i, k); });
  for (std::size_t i = 0; i < kAbreast; i++) rankings[i].write(k, found + i * static_cast<std::size_t>(k));
}

// What `knn` says, for each of `count` queries x y z: k places each, those left over are not touched.
inline void knn_each(const KdTree& tree, const float* xyz, std::size_t count, int k, Neighbour* found) {
  for (std::size_t i = 0; i < count;) {
    const float* const q = xyz + 3 * i;
    Neighbour* const rows = found + i * static_cast<std::size_t>(k);
    if (k > 4 * kMany || !can_go_abreast(tree, q, count - i)) {
      knn(tree, q, k, rows);
      i++;
      continue;
    }
    k <= 4 * kFew ? knn_abreast<kFew>(tree, q, k, rows) : knn_abreast<kMany>(tree, q, k, rows);
    i += kAbreast;
  }
}

}  // namespace DILLY_ISA
}  // namespace dilly
