// Each source point's nearest map point, kept from one iteration to the next (kernels.inl.hpp includes this
// file once for each instruction set).
namespace dilly {
namespace DILLY_ISA {

// R p of point i: where it lies from in.t.
inline __attribute__((always_inline)) void rotated(const LineariseInput& in, std::size_t i, float p[3]) {
  const float x = in.cloud->x[i], y = in.cloud->y[i], z = in.cloud->z[i];
  for (int a = 0; a < 3; a++) p[a] = in.R[3 * a] * x + in.R[3 * a + 1] * y + in.R[3 * a + 2] * z;
}

// Points with what they are matched to: where they lie from in.t, its normal, and the way from it to them.
struct Pairs {
  float px[kBlock], py[kBlock], pz[kBlock], nx[kBlock], ny[kBlock], nz[kBlock], dx[kBlock], dy[kBlock],
      dz[kBlock];
  std::size_t n = 0;

  void add(const float p[3], float normal_x, float normal_y, float normal_z, float d_x, float d_y,
           float d_z) {
    px[n] = p[0];
    py[n] = p[1];
    pz[n] = p[2];
    nx[n] = normal_x;
    ny[n] = normal_y;
    nz[n] = normal_z;
    dx[n] = d_x;
    dy[n] = d_y;
    dz[n] = d_z;
    n++;
  }
};

// Asks for what the search of a point reads first if its neighbour is still the last one: a large map is not
// in the caches, and the search would mostly wait for it.
inline __attribute__((always_inline)) void prefetch_match(const Match& match) {
  if (!match.level) return;
  const KdTree& tree = match.level->tree;
  const std::uint32_t leaf = match.slot / kLeaf;
  const void* const at = &tree.leaves[leaf];
  const void* const above = tree.levels > 0 ? &tree.nodes[tree.level_start[1] + leaf / kFan] : at;
  for (const void* place : {at, static_cast<const void*>(&match.level->normals[leaf]), above})
    for (int line = 0; line < 3; line++) __builtin_prefetch(static_cast<const char*>(place) + 64 * line);
}

// Points that are asked for ahead of the one that is searched for.
constexpr std::size_t kAhead = 6;

// From the origin of a level to a place that is given from `t`.
inline __attribute__((always_inline)) void relative_to(const Level& level, const double t[3],
                                                       const float p[3], float q[3]) {
  for (int a = 0; a < 3; a++) q[a] = p[a] + static_cast<float>(t[a] - level.origin[a]);
}

// The map point nearest to the place `p` (from in.t), within sqrt(in.max_d2). `last` is a guess that bounds
// the search from the start: the match of the last iteration, or of a place nearby.
inline __attribute__((always_inline)) Match find_match(const LineariseInput& in, const float p[3],
                                                       Surroundings& around, const Match& last) {
  around.move_to(in.t[0] + p[0], in.t[1] + p[1]);
  float q[3];
  Match best;
  best.d2 = in.max_d2;
  if (last.level) {
    relative_to(*last.level, in.t, p, q);
    const Leaf& leaf = last.level->tree.leaves[last.slot / kLeaf];
    const int lane = last.slot % kLeaf;
    const float dx = leaf.x[lane] - q[0], dy = leaf.y[lane] - q[1], dz = leaf.z[lane] - q[2];
    const float d2 = dx * dx + dy * dy + dz * dz;
    if (d2 <= best.d2) best = {last.level, last.slot, d2};
  }
  for (int c = 0; c < around.count; c++) {
    const Level& level = around.tiles[c]->points;
    relative_to(level, in.t, p, q);
    if (level.box_distance2(q) > best.d2) continue;
    Nearest near{best.d2, best.level == &level ? best.slot : kNoSlot};
    nearest(level.tree, q, near);
    if (near.slot != kNoSlot && (near.d2 < best.d2 || !best.level)) best = {&level, near.slot, near.d2};
  }
  return best;
}

// Rounding of places within a scan's reach, metres.
constexpr float kPlaceRounding = 1e-4f;
// Without a match within reach, that none is within so much more (metres) is worth knowing.
constexpr float kBeyondReach = 0.05f;

// Whether `match` is still the nearest point to the place `p` (from in.t), or there is still none within
// reach, and stays so up to `spare` metres from there: no other is nearer than match.clear less the way
// since.
inline __attribute__((always_inline)) bool still_nearest(const LineariseInput& in, const float p[3],
                                                         Match& match, float spare = 0) {
  if (!(match.clear > 0)) return false;
  float way2 = 0, q[3];
  for (int a = 0; a < 3; a++) {
    const float way = p[a] + static_cast<float>(in.t[a] - in.home[a]) - match.place[a];
    way2 += way * way;
  }
  const float clear = match.clear - std::sqrt(way2) - kPlaceRounding - spare;
  if (!(clear > spare)) return false;
  if (!match.level) return clear * clear > in.max_d2;
  relative_to(*match.level, in.t, p, q);
  const Leaf& leaf = match.level->tree.leaves[match.slot / kLeaf];
  const int lane = match.slot % kLeaf;
  const float dx = leaf.x[lane] - q[0], dy = leaf.y[lane] - q[1], dz = leaf.z[lane] - q[2];
  match.d2 = dx * dx + dy * dy + dz * dz;
  if (spare == 0) return match.d2 < clear * clear && match.d2 <= in.max_d2;
  const float farthest = std::sqrt(match.d2) + spare;
  return farthest < clear && farthest * farthest <= in.max_d2;
}

}  // namespace DILLY_ISA
}  // namespace dilly
