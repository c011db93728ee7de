// The N-API border: checks arguments, converts, and queues work on threads. The methods are in include/dilly.
#ifdef __linux__
#include <malloc.h>
#endif

#include "dilly/pcd.hpp"
#include "dilly/thin.hpp"
#include "dilly/tile_index.hpp"
#include "ray_scene_handle.hpp"
#include "tile_map_handle.hpp"
#include "voxel_rays_js.hpp"

namespace dilly::binding {
namespace {

Napi::Value cloud_value(Napi::Env env, Cloud& cloud) {
  return CloudHandle::wrap(state(env).cloud, std::make_shared<const Cloud>(std::move(cloud)));
}

Napi::Value decoded_value(Napi::Env env, DecodedCloud& decoded) {
  Napi::Object out = Napi::Object::New(env);
  out.Set("cloud", cloud_value(env, decoded.cloud));
  out.Set("notFinite", Napi::Number::New(env, static_cast<double>(decoded.not_finite)));
  out.Set("outOfRange", Napi::Number::New(env, static_cast<double>(decoded.out_of_range)));
  return out;
}

Napi::Value scan_value(Napi::Env env, DecodedCloud& decoded) {
  const char* const times[3] = {"none", "driver", "turn"};
  const Napi::Value out = decoded_value(env, decoded);
  out.As<Napi::Object>().Set("times", Napi::String::New(env, times[static_cast<int>(decoded.times)]));
  return out;
}

std::shared_ptr<const Cloud> cloud_argument(const Napi::CallbackInfo& info) {
  return CloudHandle::unwrap(info[0], state(info.Env()).cloud);
}

// Each function that works on a thread takes a CancelToken, or nothing, after the arguments that its comment
// names.

// decodePointCloud2(message, {minRange, maxRange, turn?})
Napi::Value decode_pointcloud2_js(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Result<PointCloud2View> view = to_pointcloud2(info[0]);
  if (!view.ok()) return rejected(env, view.error());
  if (!info[1].IsObject()) return rejected(env, bad_argument("range limits"));
  const Result<double> low = to_finite(info[1].As<Napi::Object>().Get("minRange"), "minRange");
  const Result<double> high = to_finite(info[1].As<Napi::Object>().Get("maxRange"), "maxRange");
  if (!low.ok()) return rejected(env, low.error());
  if (!high.ok()) return rejected(env, high.error());
  const Result<Turn> turn = to_turn(info[1].As<Napi::Object>().Get("turn"));
  if (!turn.ok()) return rejected(env, turn.error());
  const auto from = static_cast<float>(low.value()), to = static_cast<float>(high.value());
  return Async<DecodedCloud>::start(
      env, {info[0].As<Napi::Object>().Get("data").As<Napi::Object>()}, CancelHandle::flag(info[2], env),
      [view = view.value(), turn = turn.value(), from, to] {
        return decode_pointcloud2(view, from, to, turn);
      },
      scan_value);
}

bool is_bytes(const Napi::Value& value) {
  return value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == napi_uint8_array;
}

// decodePcd(bytes)
Napi::Value decode_pcd_js(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!is_bytes(info[0])) return rejected(env, bad_argument("a Uint8Array"));
  const Napi::Uint8Array bytes = info[0].As<Napi::Uint8Array>();
  const std::uint8_t* data = bytes.Data();
  const std::size_t size = bytes.ByteLength();
  return Async<DecodedCloud>::start(
      env, {bytes}, CancelHandle::flag(info[1], env), [=] { return decode_pcd(data, size); }, decoded_value);
}

std::optional<Error> read_floats(const Napi::Object& arrays, const char* name, std::size_t stride,
                                 std::size_t points, std::initializer_list<FloatBuffer*> into) {
  const Napi::Value value = arrays.Get(name);
  if (value.IsUndefined()) return std::nullopt;
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_float32_array ||
      value.As<Napi::Float32Array>().ElementLength() != stride * points)
    return bad_argument(std::string(name) + " to be a Float32Array of " + std::to_string(stride * points) +
                        " values");
  const float* from = value.As<Napi::Float32Array>().Data();
  std::size_t lane = 0;
  for (FloatBuffer* buffer : into) {
    buffer->resize(points);
    for (std::size_t i = 0; i < points; i++) {
      const float v = from[stride * i + lane];
      if (!std::isfinite(v))
        return Error{"not-finite", std::string("expected finite ") + name +
                                       ", found NaN or infinity at point " + std::to_string(i)};
      (*buffer)[i] = v;
    }
    lane++;
  }
  return std::nullopt;
}

// cloud({positions, intensity?, times?, normals?, curvature?})
Napi::Value cloud_js(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Cloud cloud;
  std::optional<Error> error;
  const bool given = info[0].IsObject() && info[0].As<Napi::Object>().Get("positions").IsTypedArray();
  const std::size_t length =
      given ? info[0].As<Napi::Object>().Get("positions").As<Napi::TypedArray>().ElementLength() : 0;
  if (!given || length % 3 != 0) {
    error = bad_argument("positions to be a Float32Array of x y z per point");
  } else {
    const Napi::Object arrays = info[0].As<Napi::Object>();
    const std::size_t n = length / 3;
    error = read_floats(arrays, "positions", 3, n, {&cloud.x, &cloud.y, &cloud.z});
    if (!error) error = read_floats(arrays, "intensity", 1, n, {&cloud.intensity});
    if (!error) error = read_floats(arrays, "times", 1, n, {&cloud.time});
    if (!error) error = read_floats(arrays, "normals", 3, n, {&cloud.nx, &cloud.ny, &cloud.nz});
    if (!error) error = read_floats(arrays, "curvature", 1, n, {&cloud.curvature});
  }
  if (error) {
    refusal(env, *error).ThrowAsJavaScriptException();
    return env.Undefined();
  }
  return cloud_value(env, cloud);
}

// deskew(cloud, T_base_sensor, motion)
Napi::Value deskew_js(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto cloud = cloud_argument(info);
  if (!cloud) return rejected(env, bad_argument("a Cloud"));
  const Result<Pose> mount = to_pose(info[1], "T_base_sensor");
  if (!mount.ok()) return rejected(env, mount.error());
  const Result<SampledMotion> motion = to_motion(info[2], *cloud);
  if (!motion.ok()) return rejected(env, motion.error());
  return Async<Cloud>::start(
      env, {}, CancelHandle::flag(info[3], env),
      [cloud, mount = mount.value(), motion = motion.value()] { return deskew(*cloud, mount, motion); },
      cloud_value);
}

// thin([{cloud, T_base_sensor, motion}], voxelSize)
Napi::Value thin_js(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  AddonState& addon = state(env);
  if (!info[0].IsArray()) return rejected(env, bad_argument("an array of sweeps"));
  const Napi::Array given = info[0].As<Napi::Array>();
  std::vector<Sweep> sweeps;
  for (std::uint32_t i = 0; i < given.Length(); i++) {
    const Napi::Value one = given.Get(i);
    const Napi::Object object = one.IsObject() ? one.As<Napi::Object>() : Napi::Object::New(env);
    const auto cloud = CloudHandle::unwrap(object.Get("cloud"), addon.cloud);
    if (!cloud) return rejected(env, bad_argument("a Cloud in each sweep"));
    const Result<Pose> mount = to_pose(object.Get("T_base_sensor"), "T_base_sensor");
    if (!mount.ok()) return rejected(env, mount.error());
    const Result<SampledMotion> motion = to_motion(object.Get("motion"), *cloud);
    if (!motion.ok()) return rejected(env, motion.error());
    sweeps.push_back({cloud, mount.value(), motion.value()});
  }
  const Result<double> size = to_finite(info[1], "voxelSize");
  if (!size.ok()) return rejected(env, size.error());
  return Async<Cloud>::start(
      env, {}, CancelHandle::flag(info[2], env),
      [sweeps = std::move(sweeps), size = size.value(), &pool = addon.pool] {
        return thin(sweeps, size, pool);
      },
      cloud_value);
}

// downsample(cloud, voxelSize)
Napi::Value downsample_js(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto cloud = cloud_argument(info);
  const Result<double> size = to_finite(info[1], "voxelSize");
  if (!cloud) return rejected(env, bad_argument("a Cloud"));
  if (!size.ok()) return rejected(env, size.error());
  return Async<Cloud>::start(
      env, {}, CancelHandle::flag(info[2], env),
      [cloud, size = size.value()] { return downsample(*cloud, size); }, cloud_value);
}

// estimateNormals(cloud, k)
Napi::Value estimate_normals_js(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  AddonState& addon = state(env);
  const auto cloud = cloud_argument(info);
  const Result<double> k = to_finite(info[1], "k");
  if (!cloud) return rejected(env, bad_argument("a Cloud"));
  if (!k.ok()) return rejected(env, k.error());
  const int count = static_cast<int>(std::max(std::min(k.value(), 1e6), 0.0));
  const auto cancel = CancelHandle::flag(info[2], env);
  return Async<Cloud>::start(
      env, {}, cancel,
      [=, &addon] { return estimate_normals(*cloud, count, addon.pool, addon.simd, cancel.get()); },
      cloud_value);
}

Napi::Value fault_value(Napi::Env env, const std::optional<PointFault>& fault) {
  if (!fault) return env.Undefined();
  Napi::Object out = Napi::Object::New(env);
  out.Set("kind", Napi::String::New(env, fault->axis < 0 ? "bad-normal" : "outside-box"));
  out.Set("point", Napi::Number::New(env, static_cast<double>(fault->point)));
  if (fault->axis >= 0) out.Set("axis", Napi::Number::New(env, fault->axis));
  out.Set(fault->axis < 0 ? "length" : "value", Napi::Number::New(env, fault->value));
  return out;
}

// firstFault(cloud, {origin, box, boxTolerance, normalTolerance})
Napi::Value first_fault_js(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto cloud = cloud_argument(info);
  if (!cloud) return rejected(env, bad_argument("a Cloud"));
  const Result<PointLimits> limits = to_point_limits(info[1]);
  if (!limits.ok()) return rejected(env, limits.error());
  return Async<std::optional<PointFault>>::start(
      env, {}, CancelHandle::flag(info[2], env),
      [cloud, limits = limits.value()] { return first_fault(*cloud, limits); }, fault_value);
}

// kdTree(cloud)
Napi::Value kd_tree_js(const Napi::CallbackInfo& info) {
  const auto cloud = cloud_argument(info);
  if (!cloud) return rejected(info.Env(), bad_argument("a Cloud"));
  return Async<KdTree>::start(
      info.Env(), {}, CancelHandle::flag(info[1], info.Env()), [cloud] { return build_kdtree(*cloud); },
      [](Napi::Env env, KdTree& tree) {
        return TreeHandle::wrap(state(env).tree, std::make_shared<const KdTree>(std::move(tree)));
      });
}

// tile(cloud, origin)
Napi::Value tile_js(const Napi::CallbackInfo& info) {
  const auto cloud = cloud_argument(info);
  const auto origin = to_numbers<3>(info[1], "origin");
  if (!cloud) return rejected(info.Env(), bad_argument("a Cloud"));
  if (!origin.ok()) return rejected(info.Env(), origin.error());
  return Async<std::shared_ptr<const Tile>>::start(
      info.Env(), {}, CancelHandle::flag(info[2], info.Env()),
      [cloud, origin = origin.value()] { return build_tile(*cloud, origin); },
      [](Napi::Env env, std::shared_ptr<const Tile>& tile) {
        return TileHandle::wrap(state(env).tile, tile);
      });
}

// tileFromIndex(cloud, origin, index)
Napi::Value tile_from_index_js(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto cloud = cloud_argument(info);
  const auto origin = to_numbers<3>(info[1], "origin");
  if (!cloud) return rejected(env, bad_argument("a Cloud"));
  if (!origin.ok()) return rejected(env, origin.error());
  if (!is_bytes(info[2])) return rejected(env, bad_argument("an index, a Uint8Array"));
  const Napi::Uint8Array bytes = info[2].As<Napi::Uint8Array>();
  const std::uint8_t* data = bytes.Data();
  const std::size_t size = bytes.ByteLength();
  return Async<std::shared_ptr<const Tile>>::start(
      env, {bytes}, CancelHandle::flag(info[3], env),
      [cloud, origin = origin.value(), data, size] { return read_tile_index(*cloud, origin, data, size); },
      [](Napi::Env e, std::shared_ptr<const Tile>& tile) { return TileHandle::wrap(state(e).tile, tile); });
}

// tileIndex(tile)
Napi::Value tile_index_js(const Napi::CallbackInfo& info) {
  const auto tile = TileHandle::unwrap(info[0], state(info.Env()).tile);
  if (!tile) return rejected(info.Env(), bad_argument("a Tile"));
  return Async<std::vector<std::uint8_t>>::start(
      info.Env(), {}, CancelHandle::flag(info[1], info.Env()),
      [tile]() -> Result<std::vector<std::uint8_t>> { return write_tile_index(*tile); },
      [](Napi::Env env, std::vector<std::uint8_t>& bytes) {
        Napi::Uint8Array out = Napi::Uint8Array::New(env, bytes.size());
        std::copy(bytes.begin(), bytes.end(), out.Data());
        return out;
      });
}

// setThreads(count): 1 to 64
Napi::Value set_threads_js(const Napi::CallbackInfo& info) {
  const double count = info[0].IsNumber() ? info[0].As<Napi::Number>().DoubleValue() : 0;
  if (!(count >= 1 && count <= 64)) {
    refusal(info.Env(), bad_argument("1 to 64 threads")).ThrowAsJavaScriptException();
    return info.Env().Undefined();
  }
  state(info.Env()).pool.resize(static_cast<int>(count));
  return info.Env().Undefined();
}

// setSimd("scalar" | "best"): for tests and benchmarks; says what is in use
Napi::Value set_simd_js(const Napi::CallbackInfo& info) {
  const Simd best = detect_simd();
  const bool scalar = info[0].IsString() && info[0].As<Napi::String>().Utf8Value() == "scalar";
  Simd& simd = state(info.Env()).simd;
  if (info.Length() > 0) simd = scalar ? Simd::scalar : best;
  return Napi::String::New(info.Env(), simd == Simd::avx2 ? "avx2" : simd == Simd::neon ? "neon" : "scalar");
}

// keepMemory(): what malloc was given once it keeps, also large blocks. It would give each cloud of 2 MB back
// to the system and fetch it again page by page, for longer than a scan is worked on. For a process that runs
// a robot.
Napi::Value keep_memory_js(const Napi::CallbackInfo& info) {
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, 32 << 20);  // the largest that glibc takes
  mallopt(M_TRIM_THRESHOLD, 256 << 20);
  mallopt(M_TOP_PAD, 64 << 20);
#endif
  return info.Env().Undefined();
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  auto* addon = new AddonState;  // owned by the environment from here on
  env.SetInstanceData(addon);
  addon->cloud = Napi::Persistent(CloudHandle::define(env));
  addon->tree = Napi::Persistent(TreeHandle::define(env));
  addon->tile = Napi::Persistent(TileHandle::define(env));
  addon->tile_map = Napi::Persistent(TileMapHandle::define(env));
  addon->cancel = Napi::Persistent(CancelHandle::define(env));
  exports.Set("TileMap", addon->tile_map.Value());
  exports.Set("RayScene", RaySceneHandle::define(env));
  exports.Set("CancelToken", addon->cancel.Value());
  const auto add = [&](const char* name, Napi::Value (*function)(const Napi::CallbackInfo&)) {
    exports.Set(name, Napi::Function::New(env, function, name));
  };
  add("decodePointCloud2", decode_pointcloud2_js);
  add("decodePcd", decode_pcd_js);
  add("cloud", cloud_js);
  add("deskew", deskew_js);
  add("thin", thin_js);
  add("downsample", downsample_js);
  add("estimateNormals", estimate_normals_js);
  add("firstFault", first_fault_js);
  add("kdTree", kd_tree_js);
  add("tile", tile_js);
  add("tileFromIndex", tile_from_index_js);
  add("tileIndex", tile_index_js);
  add("traceVoxels", trace_voxels_js);
  add("setThreads", set_threads_js);
  add("setSimd", set_simd_js);
  add("keepMemory", keep_memory_js);
  return exports;
}

}  // namespace

NODE_API_MODULE(dilly, init)

}  // namespace dilly::binding
