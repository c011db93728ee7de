// The map that JavaScript holds: it swaps immutable sets of tiles, so that a search under way keeps its own.
#pragma once

#include <charconv>

#include "convert_places.hpp"
#include "handles.hpp"

namespace dilly::binding {

class TileMapHandle : public Napi::ObjectWrap<TileMapHandle> {
 public:
  explicit TileMapHandle(const Napi::CallbackInfo& info) : ObjectWrap(info) {
    const Result<double> size = to_finite(info[0], "tileSize");
    if (!size.ok() || !(size.value() > 0)) {
      refusal(info.Env(), bad_argument("a positive tileSize in metres")).ThrowAsJavaScriptException();
      return;
    }
    set_ = std::make_shared<TileSet>(size.value());
  }

  static Napi::Function define(Napi::Env env) {
    return DefineClass(
        env, "TileMap",
        {InstanceAccessor<&TileMapHandle::tile_size>("tileSize"),
         InstanceAccessor<&TileMapHandle::tile_ids>("tileIds"),
         InstanceAccessor<&TileMapHandle::points>("points"), InstanceMethod<&TileMapHandle::add>("add"),
         InstanceMethod<&TileMapHandle::remove>("remove"), InstanceMethod<&TileMapHandle::nearest>("nearest"),
         InstanceMethod<&TileMapHandle::align>("align"), InstanceMethod<&TileMapHandle::places>("places")});
  }

 private:
  Napi::Value tile_size(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), set_->tile_size());
  }

  // In order of column, then row.
  Napi::Value tile_ids(const Napi::CallbackInfo& info) {
    std::vector<TileKey> keys;
    for (const auto& entry : *set_) keys.push_back(entry.first);
    std::sort(keys.begin(), keys.end());
    Napi::Array out = Napi::Array::New(info.Env(), keys.size());
    for (std::uint32_t i = 0; i < keys.size(); i++)
      out.Set(i, std::to_string(keys[i].first) + "_" + std::to_string(keys[i].second));
    return out;
  }

  Napi::Value points(const Napi::CallbackInfo& info) {
    double total = 0;
    for (const auto& entry : *set_) total += static_cast<double>(entry.second->size());
    return Napi::Number::New(info.Env(), total);
  }

  static std::optional<TileKey> parse_id(const Napi::Value& value) {
    if (!value.IsString()) return std::nullopt;
    const std::string text = value.As<Napi::String>().Utf8Value();
    TileKey key;
    const char* at = text.data();
    const char* const end = at + text.size();
    for (std::int32_t* const part : {&key.first, &key.second}) {
      if (part == &key.second && (at == end || *at++ != '_')) return std::nullopt;
      const auto [behind, problem] = std::from_chars(at, end, *part);
      // Up to nine digits: sums of neighbours' numbers stay within 32 bits.
      if (problem != std::errc{} || *part < -999999999 || *part > 999999999) return std::nullopt;
      at = behind;
    }
    if (at != end) return std::nullopt;
    return key;
  }

  Napi::Value add(const Napi::CallbackInfo& info) {
    const auto key = parse_id(info[0]);
    const auto tile = TileHandle::unwrap(info[1], state(info.Env()).tile);
    if (!key || !tile) {
      refusal(info.Env(), bad_argument("a tile id like \"12_-3\" and a Tile")).ThrowAsJavaScriptException();
      return info.Env().Undefined();
    }
    set_ = set_->with(*key, tile);
    return info.Env().Undefined();
  }

  Napi::Value remove(const Napi::CallbackInfo& info) {
    const auto key = parse_id(info[0]);
    const bool held = key && set_->find(*key);
    if (held) set_ = set_->without(*key);
    return Napi::Boolean::New(info.Env(), held);
  }

  Napi::Value nearest(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    const bool doubles =
        info[0].IsTypedArray() && info[0].As<Napi::TypedArray>().TypedArrayType() == napi_float64_array;
    const Result<double> reach = to_finite(info[1], "maxDistance");
    if (!doubles || !reach.ok() || !(reach.value() > 0) || reach.value() > set_->tile_size()) {
      refusal(env, bad_argument("a Float64Array of x y z per query and a maxDistance of at most one tile"))
          .ThrowAsJavaScriptException();
      return env.Undefined();
    }
    const Napi::Float64Array queries = info[0].As<Napi::Float64Array>();
    const std::size_t count = queries.ElementLength() / 3;
    Napi::Float64Array positions = Napi::Float64Array::New(env, 3 * count);
    Napi::Float64Array distances = Napi::Float64Array::New(env, count);
    for (std::size_t i = 0; i < count; i++)
      nearest_of(queries.Data() + 3 * i, reach.value(), state(env).simd, positions.Data() + 3 * i,
                 distances.Data()[i]);
    Napi::Object out = Napi::Object::New(env);
    out.Set("positions", positions);
    out.Set("distances", distances);
    return out;
  }

  void nearest_of(const double* query, double reach, Simd simd, double* position, double& distance) const {
    position[0] = position[1] = position[2] = distance = NAN;
    Surroundings around(*set_);
    around.move_to(query[0], query[1]);
    Nearest best{static_cast<float>(reach * reach), kNoSlot};
    for (int c = 0; c < around.count; c++) {
      const Level& tile = around.tiles[c]->points;
      float q[3];
      for (int a = 0; a < 3; a++) q[a] = static_cast<float>(query[a] - tile.origin[a]);
      if (!(tile.box_distance2(q) <= best.d2)) continue;
      Nearest near{best.d2, kNoSlot};
      kernels(simd).nearest(tile.tree, q, near);
      if (near.slot == kNoSlot) continue;
      best = near;
      const Leaf& leaf = tile.tree.leaves[near.slot / kLeaf];
      const float* axes[3] = {leaf.x, leaf.y, leaf.z};
      for (int a = 0; a < 3; a++) position[a] = axes[a][near.slot % kLeaf] + tile.origin[a];
      distance = std::sqrt(static_cast<double>(near.d2));
    }
  }

  // align(cloud, T_map_base, options), and a CancelToken or nothing
  Napi::Value align(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    AddonState& addon = state(env);
    const auto cloud = CloudHandle::unwrap(info[0], addon.cloud);
    if (!cloud) return rejected(env, bad_argument("a Cloud"));
    const Result<Pose> start = to_pose(info[1], "T_map_base");
    if (!start.ok()) return rejected(env, start.error());
    const Result<AlignOptions> options = to_align_options(info[2]);
    if (!options.ok()) return rejected(env, options.error());
    const auto cancel = CancelHandle::flag(info[3], env);
    const std::shared_ptr<const TileSet> set = set_;
    return Async<Alignment>::start(
        env, {}, cancel,
        [=, &addon]() -> Result<Alignment> {
          Alignment found = dilly::align(*set, *cloud, start.value(), options.value(), addon.pool, addon.simd,
                                         cancel.get());
          if (found.cancelled) return Error{"cancelled", "cancelled while aligning"};
          return found;
        },
        [](Napi::Env e, Alignment& found) { return from_alignment(e, found); });
  }

  // places(cloud, T_map_base, options), and a CancelToken or nothing
  Napi::Value places(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    AddonState& addon = state(env);
    const auto cloud = CloudHandle::unwrap(info[0], addon.cloud);
    if (!cloud) return rejected(env, bad_argument("a Cloud"));
    const Result<Pose> prior = to_pose(info[1], "T_map_base");
    if (!prior.ok()) return rejected(env, prior.error());
    const Result<PlaceOptions> options = to_place_options(info[2]);
    if (!options.ok()) return rejected(env, options.error());
    const auto cancel = CancelHandle::flag(info[3], env);
    const std::shared_ptr<const TileSet> set = set_;
    return Async<Places>::start(
        env, {}, cancel,
        [=, &addon]() -> Result<Places> {
          Places found =
              find_places(*set, *cloud, prior.value(), options.value(), addon.pool, addon.simd, cancel.get());
          if (found.cancelled) return Error{"cancelled", "cancelled while looking for places"};
          return found;
        },
        [](Napi::Env e, Places& found) { return from_places(e, found); });
  }

  std::shared_ptr<const TileSet> set_;
};

}  // namespace dilly::binding
