// Checks for the plain test executables: count what holds, print what does not, answer with an exit code.
#pragma once

#include <cmath>
#include <cstdio>

namespace check {

struct Tally {
  int passed = 0, failed = 0;
};

inline Tally& tally() {
  static Tally counts;
  return counts;
}

inline bool record(bool held, const char* what, const char* file, int line) {
  held ? tally().passed++ : tally().failed++;
  if (!held) std::fprintf(stderr, "%s:%d: failed: %s\n", file, line, what);
  return held;
}

inline bool record_near(double a, double b, double eps, const char* what, const char* file, int line) {
  const bool held = std::fabs(a - b) <= eps;
  if (!held) std::fprintf(stderr, "%s:%d: found %.9g, expected %.9g ± %.3g\n", file, line, a, b, eps);
  return record(held, what, file, line);
}

// Prints `N passed, N failed`; the exit code of main.
inline int summary() {
  std::printf("%d passed, %d failed\n", tally().passed, tally().failed);
  return tally().failed == 0 ? 0 : 1;
}

}  // namespace check

#define CHECK(cond) ::check::record(static_cast<bool>(cond), #cond, __FILE__, __LINE__)
#define CHECK_NEAR(a, b, eps) ::check::record_near((a), (b), (eps), #a " near " #b, __FILE__, __LINE__)
