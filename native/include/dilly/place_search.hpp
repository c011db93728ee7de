// Where on the map could this scan have been taken? Branch and bound over the plane for each heading: a node
// stands for a square of places, and no place in it can find more of the scan on the map than the node does
// (Olson 2009, "Real-time correlative scan matching"; Hess et al. 2016, "Real-time loop closure in 2D LIDAR
// SLAM").
#pragma once

#include <queue>

#include "parallel.hpp"
#include "place_scan.hpp"

namespace dilly {

// A node of the first level is 2^(kPlaceLevels − 1) cells wide: 16 m.
constexpr int kPlaceLevels = 6;
// Radians: a point 40 m away moves by a cell and less.
constexpr double kPlaceTurn = M_PI / 120;
// So many places are handed on, each at least so far from any better one: metres, or radians.
constexpr std::size_t kPlaceCount = 24;
constexpr double kPlaceApart = 2, kPlaceApartTurn = 0.18;
// Places with less than this share of the best one's score are not.
constexpr double kPlaceShare = 0.6;
// Nodes that are opened at once, so that threads have something to do: no result depends on it but their
// number.
constexpr std::size_t kPlaceBatch = 128;
// A search that opens more nodes than this is given up: nothing stands out.
constexpr std::size_t kPlaceNodes = 1500000;

// A place of the plane with a heading, about the prior.
struct PlaceFound {
  double x, y, turn;  // metres of the map frame; rad from the prior's heading
  double score;       // share of the scan's cells that the map has
};

struct PlaceSearch {
  std::vector<PlaceFound> places;  // best first
  std::size_t nodes = 0;
  bool complete = true;  // else the search was given up
  bool cancelled = false;
};

namespace detail {

struct PlaceNode {
  std::int32_t score;
  std::int16_t level, turn;
  std::int32_t i, j;  // first cell, from the first place of the area
  // The best first; of equals the smaller squares, then in a fixed order.
  bool operator<(const PlaceNode& other) const {
    if (score != other.score) return score < other.score;
    if (level != other.level) return level > other.level;
    if (turn != other.turn) return turn > other.turn;
    return j != other.j ? j > other.j : i > other.i;
  }
};

class PlaceSearcher {
 public:
  // The area: the square of ±reach around (x, y), headings within ±turn of the prior's.
  PlaceSearcher(const PlacePyramid& pyramid, const PlaceScan& scan, double x, double y, double reach,
                double turn, ThreadPool& pool)
      : pyramid_(pyramid), scan_(scan), pool_(pool) {
    const int half = static_cast<int>(std::ceil(reach / kPlaceCell));
    side_ = 2 * half + 1;
    first_[0] = x - half * kPlaceCell;
    first_[1] = y - half * kPlaceCell;
    const bool round = turn >= M_PI - kPlaceTurn / 2;
    const int turns = static_cast<int>(std::ceil((round ? M_PI : turn) / kPlaceTurn - 1e-9));
    for (int k = -turns; k <= turns - (round ? 1 : 0); k++) turns_.push_back(k * kPlaceTurn);
    turn_cells();
  }

  PlaceSearch run(const CancelFlag* cancel) {
    PlaceSearch result;
    open_roots();
    while (!queue_.empty()) {
      if ((result.cancelled = is_cancelled(cancel))) return result;
      const PlaceNode best = queue_.top();
      if (best.score == 0) break;
      if (!result.places.empty() && best.score < kPlaceShare * result.places[0].score * count()) break;
      if (best.level == 0) {
        queue_.pop();
        keep(best, result.places);
        if (result.places.size() >= kPlaceCount) break;
      } else if (result.nodes > kPlaceNodes) {
        result.complete = false;
        break;
      } else {
        result.nodes += open_best(result.places);
      }
    }
    return result;
  }

 private:
  double count() const { return static_cast<double>(scan_.places.size()); }

  // Where each cell of the scan lies in the pyramid for each heading, for the first place of the area.
  void turn_cells() {
    cells_.resize(turns_.size());
    pool_.run(turns_.size(), [&](std::size_t k) {
      const double c = std::cos(turns_[k]), s = std::sin(turns_[k]);
      for (const auto& [x, y] : scan_.places)
        cells_[k].push_back(static_cast<std::int32_t>(
            pyramid_.frame.at(pyramid_.frame.cell_of(first_[0] + c * x - s * y, 0),
                              pyramid_.frame.cell_of(first_[1] + s * x + c * y, 1))));
    });
  }

  std::int32_t score(const PlaceNode& node) const {
    const StoreyBits* const grid = &pyramid_.levels[node.level][pyramid_.frame.at(node.i, node.j)];
    const std::vector<std::int32_t>& cells = cells_[node.turn];
    std::int32_t sum = 0;
    for (std::size_t k = 0; k < cells.size(); k++) sum += (grid[cells[k]] & scan_.bits[k]) != 0;
    return sum;
  }

  void score_all(std::vector<PlaceNode>& nodes) {
    const std::size_t block = 32;
    pool_.run((nodes.size() + block - 1) / block, [&](std::size_t b) {
      for (std::size_t k = b * block; k < std::min(nodes.size(), (b + 1) * block); k++)
        nodes[k].score = score(nodes[k]);
    });
    for (const PlaceNode& node : nodes) queue_.push(node);
  }

  void open_roots() {
    const int step = 1 << (kPlaceLevels - 1);
    std::vector<PlaceNode> roots;
    for (std::size_t k = 0; k < turns_.size(); k++)
      for (int j = 0; j < side_; j += step)
        for (int i = 0; i < side_; i += step)
          roots.push_back({0, kPlaceLevels - 1, static_cast<std::int16_t>(k), i, j});
    score_all(roots);
  }

  // Opens nodes from the top of the queue until a single place is there.
  std::size_t open_best(const std::vector<PlaceFound>& found) {
    std::vector<PlaceNode> children;
    std::size_t opened = 0;
    for (; opened < kPlaceBatch && !queue_.empty() && queue_.top().level > 0; opened++) {
      const PlaceNode node = queue_.top();
      queue_.pop();
      const int step = 1 << (node.level - 1);
      for (const int dj : {0, step})
        for (const int di : {0, step}) {
          const PlaceNode child{0, static_cast<std::int16_t>(node.level - 1), node.turn, node.i + di,
                                node.j + dj};
          if (child.i < side_ && child.j < side_ && !is_known(child, found)) children.push_back(child);
        }
    }
    score_all(children);
    return opened;
  }

  // Whether all of a node lies beside a place that was found.
  bool is_known(const PlaceNode& node, const std::vector<PlaceFound>& found) const {
    const double x = first_[0] + node.i * kPlaceCell, y = first_[1] + node.j * kPlaceCell;
    const double wide = ((1 << node.level) - 1) * kPlaceCell;
    for (const PlaceFound& place : found) {
      const double dx = std::max(std::fabs(x - place.x), std::fabs(x + wide - place.x));
      const double dy = std::max(std::fabs(y - place.y), std::fabs(y + wide - place.y));
      const double turn = std::fabs(std::remainder(turns_[node.turn] - place.turn, 2 * M_PI));
      if (dx < kPlaceApart && dy < kPlaceApart && turn < kPlaceApartTurn) return true;
    }
    return false;
  }

  void keep(const PlaceNode& node, std::vector<PlaceFound>& found) const {
    if (is_known(node, found)) return;
    found.push_back({first_[0] + node.i * kPlaceCell, first_[1] + node.j * kPlaceCell, turns_[node.turn],
                     node.score / count()});
  }

  const PlacePyramid& pyramid_;
  const PlaceScan& scan_;
  ThreadPool& pool_;
  int side_ = 0;
  double first_[2];
  std::vector<double> turns_;
  std::vector<std::vector<std::int32_t>> cells_;
  std::priority_queue<PlaceNode> queue_;
};

}  // namespace detail
}  // namespace dilly
