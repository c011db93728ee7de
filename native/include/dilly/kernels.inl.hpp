// The hot loops. dispatch.hpp includes this file once for each instruction set, each time in a namespace of
// its own (DILLY_ISA), so that no function compiled for AVX2 can be taken by the linker for the baseline.
#include "lanes.inl.hpp"
// After the lanes:
#include "search.inl.hpp"
// After the searches:
#include "knn.inl.hpp"
#include "match.inl.hpp"
#include "surfel_match.inl.hpp"
#include "two_nearest.inl.hpp"
// After what finds matches:
#include "linearise.inl.hpp"
// Last:
#include "evidence.inl.hpp"
