// Evidence of cubes for JavaScript: see dilly/voxel_rays.hpp.
#pragma once

#include "dilly/voxel_rays.hpp"
#include "handles.hpp"

namespace dilly::binding {

// As portable/voxel-rays.ts.
constexpr double kMostVoxels = 64e6;

inline Result<VoxelBlock> to_voxel_block(const Napi::Value& value) {
  if (!value.IsObject()) return bad_argument("a block {origin, size, counts}");
  const Napi::Object object = value.As<Napi::Object>();
  const auto origin = to_numbers<3>(object.Get("origin"), "origin");
  if (!origin.ok()) return origin.error();
  const auto counts = to_numbers<3>(object.Get("counts"), "counts");
  if (!counts.ok()) return counts.error();
  const Result<double> size = to_finite(object.Get("size"), "size");
  if (!size.ok()) return size.error();
  VoxelBlock block{};
  double all = 1;
  for (int a = 0; a < 3; a++) {
    const double n = counts.value()[a];
    if (!(n >= 1 && n <= 1e6 && n == std::floor(n))) return bad_argument("whole counts of at least 1");
    all *= n;
    block.origin[a] = origin.value()[a];
    block.counts[a] = static_cast<std::int32_t>(n);
  }
  if (!(size.value() > 0)) return bad_argument("a size above 0");
  if (all > kMostVoxels) return bad_argument("at most 64 million cubes");
  block.size = size.value();
  return block;
}

// traceVoxels(block, {origins, lengths, points}, gap)
inline Napi::Value trace_voxels_js(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Result<VoxelBlock> block = to_voxel_block(info[0]);
  if (!block.ok()) return rejected(env, block.error());
  const Result<double> gap = to_finite(info[2], "gap");
  if (!gap.ok()) return rejected(env, gap.error());
  const char* const wanted =
      "origins (Float64Array), lengths (Int32Array) and points (Float32Array) that fit";
  if (!info[1].IsObject()) return rejected(env, bad_argument(wanted));
  const Napi::Object scans = info[1].As<Napi::Object>();
  const Napi::Value origins = scans.Get("origins"), lengths = scans.Get("lengths"),
                    points = scans.Get("points");
  const auto is = [](const Napi::Value& v, napi_typedarray_type type) {
    return v.IsTypedArray() && v.As<Napi::TypedArray>().TypedArrayType() == type;
  };
  if (!is(origins, napi_float64_array) || !is(lengths, napi_int32_array) || !is(points, napi_float32_array))
    return rejected(env, bad_argument(wanted));
  const Napi::Float64Array o = origins.As<Napi::Float64Array>();
  const Napi::Int32Array l = lengths.As<Napi::Int32Array>();
  const Napi::Float32Array p = points.As<Napi::Float32Array>();
  double sum = 0;
  for (std::size_t i = 0; i < l.ElementLength(); i++) {
    if (l.Data()[i] < 0) return rejected(env, bad_argument(wanted));
    sum += l.Data()[i];
  }
  if (o.ElementLength() != 3 * l.ElementLength() || p.ElementLength() != 3 * sum)
    return rejected(env, bad_argument(wanted));
  const VoxelScans view{o.Data(), l.Data(), p.Data(), l.ElementLength()};
  return Async<VoxelEvidence>::start(
      env, {o, l, p}, nullptr,
      [block = block.value(), view, gap = gap.value()]() -> Result<VoxelEvidence> {
        return VoxelTracer(block).run(view, gap);
      },
      [](Napi::Env e, VoxelEvidence& found) -> Napi::Value {
        Napi::Object out = Napi::Object::New(e);
        Napi::Uint16Array hits = Napi::Uint16Array::New(e, found.hits.size());
        Napi::Uint16Array passes = Napi::Uint16Array::New(e, found.passes.size());
        std::copy(found.hits.begin(), found.hits.end(), hits.Data());
        std::copy(found.passes.begin(), found.passes.end(), passes.Data());
        out.Set("hits", hits);
        out.Set("passes", passes);
        return out;
      });
}

}  // namespace dilly::binding
