// The nearest map point of a place, and how far the next one is: as long as a scan moves less than that makes
// certain, no search is needed (kernels.inl.hpp includes this file once for each instruction set).
namespace dilly {
namespace DILLY_ISA {

// Looks in a leaf for the two nearest points: the first as in nearest_in_leaf, of the second only how near.
inline __attribute__((always_inline)) void two_in_leaf(const KdTree& tree, std::uint32_t number,
                                                       const float q[3], Nearest& best, float& second2) {
  float d2[kLeaf];
  unsigned hits = leaf_hits(tree.leaves[number], q, second2, d2);
  while (hits) {
    const unsigned lane = static_cast<unsigned>(__builtin_ctz(hits));
    hits &= hits - 1;
    const std::uint32_t slot = number * kLeaf + lane;
    const float d = d2[lane];
    if (d < best.d2 || (d == best.d2 && (best.slot == kNoSlot || tree.ids[slot] < tree.ids[best.slot]))) {
      if (best.slot != kNoSlot) second2 = best.d2;
      best = {d, slot};
    } else if (d < second2) {
      second2 = d;
    }
  }
}

// As `nearest`, and how near the second is: squared, second2 where none is nearer than that. `guess`: a slot
// whose leaf is looked at first, or kNoSlot.
inline void nearest_two(const KdTree& tree, const float q[3], std::uint32_t guess, Nearest& best,
                        float& second2) {
  const auto visit = [&](std::uint32_t number) { two_in_leaf(tree, number, q, best, second2); };
  if (guess == kNoSlot || tree.levels == 0) return visit_leaves(tree, q, second2, visit);
  visit(guess / kLeaf);
  Path open;
  if (open_above(tree, guess / kLeaf, q, second2, open)) visit_open(tree, q, second2, open, 1, visit);
}

// The two nearest map points of a place: the first with its tile, of the second how near it is (squared).
struct Two {
  Match best;
  float second2;
};

inline __attribute__((always_inline)) Two none_within_reach(const LineariseInput& in) {
  const float reach = std::sqrt(in.max_d2) + kBeyondReach;
  Two two;
  two.best.d2 = two.second2 = reach * reach;
  return two;
}

// Takes over what a search in one more tile has found; near.slot is kNoSlot where it found nothing nearer.
inline __attribute__((always_inline)) void merge(const Level& level, const Nearest& near, float second2,
                                                 Two& two) {
  if (near.slot == kNoSlot) {
    two.second2 = second2;
    return;
  }
  two.second2 = two.best.level ? std::min(second2, two.best.d2) : second2;
  two.best.level = &level;
  two.best.slot = near.slot;
  two.best.d2 = near.d2;
}

inline __attribute__((always_inline)) void search_level(const LineariseInput& in, const Level& level,
                                                        const float p[3], std::uint32_t guess, Two& two) {
  float q[3];
  relative_to(level, in.t, p, q);
  if (level.box_distance2(q) > two.second2) return;
  Nearest near{two.best.d2, kNoSlot};
  float second2 = two.second2;
  nearest_two(level.tree, q, guess, near, second2);
  merge(level, near, second2, two);
}

// What is kept of the two: see Match.
inline __attribute__((always_inline)) Match kept(const LineariseInput& in, const float p[3], const Two& two) {
  Match match = two.best;
  for (int a = 0; a < 3; a++) match.place[a] = p[a] + static_cast<float>(in.t[a] - in.home[a]);
  match.clear = std::sqrt(two.second2);
  if (match.d2 > in.max_d2) {  // none within reach
    match.clear = std::sqrt(match.d2);
    match.level = nullptr;
  }
  return match;
}

// As find_match, and says how far the next point is: for a scan that will hardly move until it is asked
// again.
inline __attribute__((always_inline)) Match find_match_and_next(const LineariseInput& in, const float p[3],
                                                                Surroundings& around, const Match& last) {
  around.move_to(in.t[0] + p[0], in.t[1] + p[1]);
  Two two = none_within_reach(in);
  if (last.level) search_level(in, *last.level, p, last.slot, two);
  for (int c = 0; c < around.count; c++)
    if (&around.tiles[c]->points != last.level) search_level(in, around.tiles[c]->points, p, kNoSlot, two);
  return kept(in, p, two);
}

// Places that have no guess, kAbreast of them over one tile, are searched for side by side there.
class Abreast {
 public:
  Abreast(const LineariseInput& in) : in_(in), around_(*in.map) {}

  // `match` is filled at the latest by `flush`.
  void add(const float p[3], Match& match) {
    if (count_ > 0 && !around_.covers(in_.t[0] + p[0], in_.t[1] + p[1])) flush();
    if (count_ == 0) around_.move_to(in_.t[0] + p[0], in_.t[1] + p[1]);
    for (int a = 0; a < 3; a++) p_[3 * count_ + a] = p[a];
    matches_[count_++] = &match;
    if (count_ == kAbreast) flush();
  }

  void flush() {
    Two two[kAbreast];
    for (std::size_t k = 0; k < count_; k++) two[k] = none_within_reach(in_);
    const bool together = around_.own && search_own(two);
    for (std::size_t k = 0; k < count_; k++) {
      for (int c = together ? 1 : 0; c < around_.count; c++)
        search_level(in_, around_.tiles[c]->points, p_ + 3 * k, kNoSlot, two[k]);
      *matches_[k] = kept(in_, p_ + 3 * k, two[k]);
    }
    count_ = 0;
  }

 private:
  bool search_own(Two* two) {
    const Level& level = around_.own->points;
    float q[3 * kAbreast], second2[kAbreast];
    Nearest near[kAbreast];
    for (std::size_t k = 0; k < count_; k++) {
      relative_to(level, in_.t, p_ + 3 * k, q + 3 * k);
      near[k] = {two[k].best.d2, kNoSlot};
      second2[k] = two[k].second2;
    }
    if (!can_go_abreast(level.tree, q, count_)) return false;
    visit_abreast(
        level.tree, q, [&](std::size_t k) -> const float& { return second2[k]; },
        [&](std::size_t k, std::uint32_t leaf) {
          two_in_leaf(level.tree, leaf, q + 3 * k, near[k], second2[k]);
        });
    for (std::size_t k = 0; k < count_; k++) merge(level, near[k], second2[k], two[k]);
    return true;
  }

  const LineariseInput& in_;
  Surroundings around_;
  float p_[3 * kAbreast];
  Match* matches_[kAbreast];
  std::size_t count_ = 0;
};

}  // namespace DILLY_ISA
}  // namespace dilly
