// The objects that JavaScript holds: immutable clouds, trees and tiles, and the map of tiles.
#pragma once

#include <memory>

#include "async.hpp"
#include "dilly/normals.hpp"
#include "dilly/spread.hpp"

namespace dilly::binding {

struct AddonState {
  ThreadPool pool;
  Simd simd = detect_simd();
  Napi::FunctionReference cloud, tree, tile, tile_map, cancel;
};

inline AddonState& state(Napi::Env env) {
  return *env.GetInstanceData<AddonState>();
}

// A JavaScript object that owns a shared native value and tells the collector how large it is.
template <class Self, class T>
class Handle : public Napi::ObjectWrap<Self> {
 public:
  // Only the addon makes handles: it passes the value by pointer in an External.
  explicit Handle(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Self>(info) {
    if (info.Length() == 1 && info[0].IsExternal()) {
      value_ = *info[0].As<Napi::External<std::shared_ptr<const T>>>().Data();
      bytes_ = Self::bytes(*value_);
      Napi::MemoryManagement::AdjustExternalMemory(info.Env(), bytes_);
    } else {
      Napi::TypeError::New(info.Env(), "handles are made by the core's functions")
          .ThrowAsJavaScriptException();
    }
  }

  void Finalize(Napi::Env env) override { Napi::MemoryManagement::AdjustExternalMemory(env, -bytes_); }

  static Napi::Value wrap(const Napi::FunctionReference& maker, std::shared_ptr<const T> value) {
    return maker.New({Napi::External<std::shared_ptr<const T>>::New(maker.Env(), &value)});
  }

  // The value behind a handle, or null when `value` is none of this kind.
  static std::shared_ptr<const T> unwrap(const Napi::Value& value, const Napi::FunctionReference& maker) {
    if (!value.IsObject() || !value.As<Napi::Object>().InstanceOf(maker.Value())) return nullptr;
    return Self::Unwrap(value.As<Napi::Object>())->value_;
  }

 protected:
  std::shared_ptr<const T> value_;
  std::int64_t bytes_ = 0;
};

class CloudHandle : public Handle<CloudHandle, Cloud> {
 public:
  using Handle::Handle;

  static Napi::Function define(Napi::Env env) {
    return DefineClass(
        env, "Cloud",
        {InstanceAccessor<&CloudHandle::size>("size"), InstanceAccessor<&CloudHandle::has_times>("hasTimes"),
         InstanceAccessor<&CloudHandle::time_range>("timeRange"),
         InstanceAccessor<&CloudHandle::has_normals>("hasNormals"),
         InstanceAccessor<&CloudHandle::spread>("spread"), InstanceMethod<&CloudHandle::arrays>("arrays"),
         InstanceMethod<&CloudHandle::release>("release")});
  }

  static std::int64_t bytes(const Cloud& cloud) {
    const std::size_t arrays = 3 + (cloud.intensity.empty() ? 0 : 1) + (cloud.has_times() ? 1 : 0) +
                               (cloud.has_normals() ? 3 : 0) + (cloud.curvature.empty() ? 0 : 1);
    return static_cast<std::int64_t>(arrays * sizeof(float) * cloud.size());
  }

 private:
  Napi::Value size(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), static_cast<double>(value_->size()));
  }
  Napi::Value has_times(const Napi::CallbackInfo& info) {
    return Napi::Boolean::New(info.Env(), value_->has_times());
  }
  Napi::Value time_range(const Napi::CallbackInfo& info) {
    if (!value_->has_times()) return info.Env().Undefined();
    const auto [first, last] = std::minmax_element(value_->time.begin(), value_->time.end());
    Napi::Array out = Napi::Array::New(info.Env(), 2);
    out.Set(0u, *first);
    out.Set(1u, *last);
    return out;
  }
  Napi::Value has_normals(const Napi::CallbackInfo& info) {
    return Napi::Boolean::New(info.Env(), value_->has_normals());
  }

  Napi::Value spread(const Napi::CallbackInfo& info) {
    const Vec3 sigmas = dilly::spread(*value_);
    Napi::Array out = Napi::Array::New(info.Env(), 3);
    for (std::uint32_t a = 0; a < 3; a++) out.Set(a, sigmas[a]);
    return out;
  }

  Napi::Value arrays(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    Napi::Object out = Napi::Object::New(env);
    out.Set("positions", interleave(env, value_->x, value_->y, value_->z));
    if (!value_->intensity.empty()) out.Set("intensity", from_floats(env, value_->intensity));
    if (value_->has_times()) out.Set("times", from_floats(env, value_->time));
    if (value_->has_normals()) out.Set("normals", interleave(env, value_->nx, value_->ny, value_->nz));
    if (!value_->curvature.empty()) out.Set("curvature", from_floats(env, value_->curvature));
    return out;
  }

  // Work under way holds the value itself.
  void release(const Napi::CallbackInfo& info) {
    static const auto nothing = std::make_shared<const Cloud>();
    value_ = nothing;
    Napi::MemoryManagement::AdjustExternalMemory(info.Env(), -bytes_);
    bytes_ = 0;
  }
};

class TreeHandle : public Handle<TreeHandle, KdTree> {
 public:
  using Handle::Handle;

  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "KdTree",
                       {InstanceAccessor<&TreeHandle::size>("size"), InstanceMethod<&TreeHandle::knn>("knn"),
                        InstanceMethod<&TreeHandle::radius>("radius")});
  }

  static std::int64_t bytes(const KdTree& tree) {
    return static_cast<std::int64_t>(tree.leaves.size() * sizeof(Leaf) + tree.ids.size() * 4 +
                                     tree.nodes.size() * sizeof(Node));
  }

 private:
  Napi::Value size(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), static_cast<double>(value_->size()));
  }

  Napi::Value knn(const Napi::CallbackInfo& info);
  Napi::Value radius(const Napi::CallbackInfo& info);

  static Napi::Value neighbours(Napi::Env env, const std::vector<Neighbour>& found) {
    Napi::Int32Array indices = Napi::Int32Array::New(env, found.size());
    Napi::Float32Array distances = Napi::Float32Array::New(env, found.size());
    for (std::size_t i = 0; i < found.size(); i++) {
      indices[i] = static_cast<std::int32_t>(found[i].id);
      distances[i] = found[i].d2;
    }
    Napi::Object out = Napi::Object::New(env);
    out.Set("indices", indices);
    out.Set("squaredDistances", distances);
    return out;
  }
};

inline Napi::Value TreeHandle::knn(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const bool floats =
      info[0].IsTypedArray() && info[0].As<Napi::TypedArray>().TypedArrayType() == napi_float32_array;
  const double wanted = info[1].IsNumber() ? info[1].As<Napi::Number>().DoubleValue() : 0;
  if (!floats || info[0].As<Napi::Float32Array>().ElementLength() % 3 != 0 || !(wanted >= 1)) {
    refusal(env, bad_argument("a Float32Array of x y z per query and k ≥ 1")).ThrowAsJavaScriptException();
    return env.Undefined();
  }
  const Napi::Float32Array queries = info[0].As<Napi::Float32Array>();
  const std::size_t count = queries.ElementLength() / 3;
  const int k =
      static_cast<int>(std::min(wanted, static_cast<double>(std::max<std::size_t>(value_->size(), 1))));
  const float* const xyz = queries.Data();
  for (std::size_t i = 0; i < count; i++)
    if (!std::isfinite(xyz[3 * i]) || !std::isfinite(xyz[3 * i + 1]) || !std::isfinite(xyz[3 * i + 2])) {
      refusal(env,
              {"not-finite", "expected finite queries, found NaN or infinity at query " + std::to_string(i)})
          .ThrowAsJavaScriptException();
      return env.Undefined();
    }
  std::vector<Neighbour> found(count * static_cast<std::size_t>(k), Neighbour{NAN, kNoSlot});
  const Kernels& kernel = kernels(state(env).simd);
  for (std::size_t first = 0; first < count; first += kBlock) {
    const std::size_t block = std::min(kBlock, count - first);
    Neighbour* const rows = &found[first * static_cast<std::size_t>(k)];
    if (k == 1) {  // the fast path
      Nearest best[kBlock];
      std::fill(best, best + block, Nearest{std::numeric_limits<float>::max(), kNoSlot});
      kernel.nearest_each(*value_, xyz + 3 * first, block, best);
      for (std::size_t i = 0; i < block; i++)
        if (best[i].slot != kNoSlot) rows[i] = {best[i].d2, value_->ids[best[i].slot]};
    } else {
      kernel.knn_each(*value_, xyz + 3 * first, block, k, rows);
    }
  }
  return neighbours(env, found);
}

inline Napi::Value TreeHandle::radius(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto query = to_numbers<3>(info[0], "query");
  const Result<double> radius = to_finite(info[1], "radius");
  if (!query.ok() || !radius.ok() || radius.value() < 0) {
    refusal(env, bad_argument("a query [x, y, z] and a radius ≥ 0")).ThrowAsJavaScriptException();
    return env.Undefined();
  }
  const float q[3] = {static_cast<float>(query.value()[0]), static_cast<float>(query.value()[1]),
                      static_cast<float>(query.value()[2])};
  const float r = static_cast<float>(radius.value());
  std::vector<Neighbour> found;
  kernels(state(env).simd).within(*value_, q, std::min(r * r, std::numeric_limits<float>::max()), found);
  std::sort(found.begin(), found.end());
  return neighbours(env, found);
}

class TileHandle : public Handle<TileHandle, Tile> {
 public:
  using Handle::Handle;

  static Napi::Function define(Napi::Env env) {
    return DefineClass(
        env, "Tile",
        {InstanceAccessor<&TileHandle::size>("size"), InstanceAccessor<&TileHandle::origin>("origin")});
  }

  static std::int64_t bytes(const Tile& tile) {
    std::size_t surfels = 0;
    for (const SurfelGrid& grid : tile.surfels) surfels += grid.bytes();
    return 2 * TreeHandle::bytes(tile.points.tree) + static_cast<std::int64_t>(surfels);
  }

 private:
  Napi::Value size(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), static_cast<double>(value_->size()));
  }
  Napi::Value origin(const Napi::CallbackInfo& info) {
    Napi::Array out = Napi::Array::New(info.Env(), 3);
    for (std::uint32_t i = 0; i < 3; i++) out.Set(i, value_->points.origin[i]);
    return out;
  }
};

// Set from JavaScript, read by the worker.
class CancelHandle : public Napi::ObjectWrap<CancelHandle> {
 public:
  explicit CancelHandle(const Napi::CallbackInfo& info) : ObjectWrap(info) {}

  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "CancelToken", {InstanceMethod<&CancelHandle::cancel>("cancel")});
  }

  // The flag of a token, or null when none was given.
  static std::shared_ptr<CancelFlag> flag(const Napi::Value& value, Napi::Env env) {
    if (!value.IsObject() || !value.As<Napi::Object>().InstanceOf(state(env).cancel.Value())) return {};
    return Unwrap(value.As<Napi::Object>())->flag_;
  }

 private:
  void cancel(const Napi::CallbackInfo&) { flag_->store(true); }

  std::shared_ptr<CancelFlag> flag_ = std::make_shared<CancelFlag>(false);
};

}  // namespace dilly::binding
