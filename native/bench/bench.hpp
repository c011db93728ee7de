// What the benchmarks share: medians of interleaved rounds, and rows as a table (stderr) and as JSON lines
// (stdout).
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

namespace bench {

inline double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

inline double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}

// Median seconds of each work, run in turns (A B A B …) so that whatever else the machine does meets all
// alike. The first round only warms up.
inline std::vector<double> race(int rounds, const std::vector<std::function<void()>>& works) {
  std::vector<std::vector<double>> taken(works.size());
  for (int round = 0; round <= rounds; round++)
    for (std::size_t w = 0; w < works.size(); w++) {
      const double seconds = seconds_of(works[w]);
      if (round > 0) taken[w].push_back(seconds);
    }
  std::vector<double> medians;
  for (const std::vector<double>& each : taken) medians.push_back(median(each));
  return medians;
}

// `ratio`: how many times better than the peer we are; without a peer only the value is told.
inline void row(const std::string& id, double value, const std::string& unit, const std::string& peer = "",
                double peer_value = 0, double ratio = 0) {
  std::fprintf(stderr, "%-34s %10.4g %-9s", id.c_str(), value, unit.c_str());
  if (!peer.empty()) std::fprintf(stderr, " %10.4g  %-18s %6.2f x", peer_value, peer.c_str(), ratio);
  std::fprintf(stderr, "\n");
  std::printf("{\"id\":\"%s\",\"value\":%.6g,\"unit\":\"%s\"", id.c_str(), value, unit.c_str());
  if (!peer.empty())
    std::printf(",\"peer\":\"%s\",\"peerValue\":%.6g,\"ratio\":%.4g", peer.c_str(), peer_value, ratio);
  std::printf("}\n");
  std::fflush(stdout);
}

}  // namespace bench
