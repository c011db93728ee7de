// The scene that JavaScript holds: solids at rest, to be cast at.
#pragma once

#include "dilly/sweep.hpp"
#include "handles.hpp"

namespace dilly::binding {

inline Result<std::vector<Solid>> to_solids(const Napi::Value& value) {
  const char* const wanted = "a Float64Array of 10 finite numbers per solid, the kind from 0 to 3";
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_float64_array ||
      value.As<Napi::TypedArray>().ElementLength() % kSolidNumbers != 0)
    return bad_argument(wanted);
  const Napi::Float64Array numbers = value.As<Napi::Float64Array>();
  std::vector<Solid> solids;
  for (std::size_t i = 0; i < numbers.ElementLength(); i += kSolidNumbers) {
    const double* n = numbers.Data() + i;
    for (std::size_t k = 0; k < kSolidNumbers; k++)
      if (!std::isfinite(n[k])) return bad_argument(wanted);
    if (!(n[0] >= 0 && n[0] <= 3)) return bad_argument(wanted);
    solids.push_back(Solid::from(n));
  }
  return solids;
}

class RaySceneHandle : public Napi::ObjectWrap<RaySceneHandle> {
 public:
  explicit RaySceneHandle(const Napi::CallbackInfo& info) : ObjectWrap(info) {
    Result<std::vector<Solid>> solids = to_solids(info[0]);
    if (solids.ok())
      scene_ = std::make_shared<const RayScene>(std::move(solids.value()));
    else
      refusal(info.Env(), solids.error()).ThrowAsJavaScriptException();
  }

  static Napi::Function define(Napi::Env env) {
    return DefineClass(
        env, "RayScene",
        {InstanceAccessor<&RaySceneHandle::size>("size"), InstanceMethod<&RaySceneHandle::cast>("cast")});
  }

 private:
  Napi::Value size(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), static_cast<double>(scene_->size()));
  }

  // cast({directions, poses, times, moving, maxRange})
  Napi::Value cast(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    AddonState& addon = state(env);
    if (!info[0].IsObject()) return rejected(env, bad_argument("a sweep"));
    const Napi::Object sweep = info[0].As<Napi::Object>();
    std::vector<Napi::Object> keep;
    const double* data[3];
    std::size_t length[3];
    const char* const names[3] = {"directions", "poses", "times"};
    for (int i = 0; i < 3; i++) {
      const Napi::Value value = sweep.Get(names[i]);
      if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_float64_array)
        return rejected(env, bad_argument(std::string(names[i]) + " to be a Float64Array"));
      data[i] = value.As<Napi::Float64Array>().Data();
      length[i] = value.As<Napi::Float64Array>().ElementLength();
      keep.push_back(value.As<Napi::Object>());
    }
    const std::size_t shots = length[2], rays = length[0] / 3;
    if (shots == 0 || length[1] != 7 * shots || length[0] % (3 * shots) != 0)
      return rejected(env,
                      bad_argument("7 numbers of a pose per time, and as many directions for each of them"));
    Result<std::vector<Solid>> moving = to_solids(sweep.Get("moving"));
    if (!moving.ok()) return rejected(env, moving.error());
    const Result<double> range = to_finite(sweep.Get("maxRange"), "maxRange");
    if (!range.ok()) return rejected(env, range.error());
    const SweepView view{data[0], rays, data[1], data[2], shots, range.value()};
    return Async<SweepHits>::start(
        env, keep, nullptr,
        [scene = scene_, moving = std::move(moving.value()), view, &addon]() -> Result<SweepHits> {
          return cast_sweep(*scene, moving, view, addon.pool);
        },
        [](Napi::Env e, SweepHits& hits) -> Napi::Value {
          Napi::Object out = Napi::Object::New(e);
          Napi::Float32Array ranges = Napi::Float32Array::New(e, hits.ranges.size());
          Napi::Float32Array cosines = Napi::Float32Array::New(e, hits.cosines.size());
          Napi::Int32Array solids = Napi::Int32Array::New(e, hits.solids.size());
          std::copy(hits.ranges.begin(), hits.ranges.end(), ranges.Data());
          std::copy(hits.cosines.begin(), hits.cosines.end(), cosines.Data());
          std::copy(hits.solids.begin(), hits.solids.end(), solids.Data());
          out.Set("ranges", ranges);
          out.Set("cosines", cosines);
          out.Set("solids", solids);
          return out;
        });
  }

  std::shared_ptr<const RayScene> scene_;
};

}  // namespace dilly::binding
