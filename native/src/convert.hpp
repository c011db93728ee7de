// Between JavaScript values and the core's types. Each reader checks what it takes and says what it expected.
#pragma once

#include <napi.h>

#include <cmath>
#include <optional>
#include <string>

#include "dilly/cloud.hpp"
#include "dilly/deskew.hpp"
#include "dilly/icp.hpp"
#include "dilly/point_fault.hpp"
#include "dilly/pointcloud2.hpp"
#include "dilly/result.hpp"

namespace dilly::binding {

// An Error that src/types.ts knows as a Refusal: name and reason are set.
inline Napi::Error refusal(Napi::Env env, const Error& error) {
  Napi::Error made = Napi::Error::New(env, error.message);
  made.Set("name", Napi::String::New(env, "Refusal"));
  made.Set("reason", Napi::String::New(env, error.reason));
  return made;
}

inline Error bad_argument(const std::string& expected) {
  return {"bad-argument", "expected " + expected};
}

inline Result<double> to_finite(const Napi::Value& value, const std::string& name) {
  if (!value.IsNumber() || !std::isfinite(value.As<Napi::Number>().DoubleValue()))
    return bad_argument(name + " to be a finite number");
  return value.As<Napi::Number>().DoubleValue();
}

template <std::size_t N>
Result<std::array<double, N>> to_numbers(const Napi::Value& value, const std::string& name) {
  std::array<double, N> out{};
  if (!value.IsArray() || value.As<Napi::Array>().Length() != N)
    return bad_argument(name + " to be an array of " + std::to_string(N) + " numbers");
  for (std::size_t i = 0; i < N; i++) {
    const Result<double> item = to_finite(value.As<Napi::Array>().Get(static_cast<std::uint32_t>(i)), name);
    if (!item.ok()) return item.error();
    out[i] = item.value();
  }
  return out;
}

inline Result<Pose> to_pose(const Napi::Value& value, const std::string& name) {
  if (!value.IsObject()) return bad_argument(name + " to be a pose {position, orientation}");
  const Napi::Object object = value.As<Napi::Object>();
  const auto t = to_numbers<3>(object.Get("position"), name + ".position");
  if (!t.ok()) return t.error();
  const auto q = to_numbers<4>(object.Get("orientation"), name + ".orientation");
  if (!q.ok()) return q.error();
  const auto& v = q.value();
  const double norm = v[0] * v[0] + v[1] * v[1] + v[2] * v[2] + v[3] * v[3];
  if (std::fabs(norm - 1) > 1e-3) return bad_argument(name + ".orientation to be a unit quaternion x y z w");
  return Pose{t.value(), normalized({v[0], v[1], v[2], v[3]})};
}

inline Napi::Value from_pose(Napi::Env env, const Pose& pose) {
  Napi::Array position = Napi::Array::New(env, 3), orientation = Napi::Array::New(env, 4);
  for (std::uint32_t i = 0; i < 3; i++) position.Set(i, pose.t[i]);
  orientation.Set(0u, pose.q.x);
  orientation.Set(1u, pose.q.y);
  orientation.Set(2u, pose.q.z);
  orientation.Set(3u, pose.q.w);
  Napi::Object out = Napi::Object::New(env);
  out.Set("position", position);
  out.Set("orientation", orientation);
  return out;
}

// The motion of a sweep; a twist is sampled over the cloud's own times.
inline Result<SampledMotion> to_motion(const Napi::Value& value, const Cloud& cloud) {
  const Error expected = bad_argument("a motion of kind still, twist or sampled");
  if (!value.IsObject()) return expected;
  const Napi::Object object = value.As<Napi::Object>();
  const Napi::Value kind_value = object.Get("kind");
  const std::string kind = kind_value.IsString() ? kind_value.As<Napi::String>().Utf8Value() : "";
  if (kind == "still") return SampledMotion{};
  if (kind == "twist") {
    const auto linear = to_numbers<3>(object.Get("linear"), "motion.linear");
    if (!linear.ok()) return linear.error();
    const auto angular = to_numbers<3>(object.Get("angular"), "motion.angular");
    if (!angular.ok()) return angular.error();
    if (!cloud.has_times() || cloud.size() == 0) return SampledMotion{};
    const auto [first, last] = std::minmax_element(cloud.time.begin(), cloud.time.end());
    return sample_twist(linear.value(), angular.value(), *first, *last);
  }
  if (kind != "sampled" || !object.Get("times").IsArray() || !object.Get("poses").IsArray()) return expected;
  const Napi::Array times = object.Get("times").As<Napi::Array>(),
                    poses = object.Get("poses").As<Napi::Array>();
  SampledMotion motion;
  for (std::uint32_t i = 0; i < times.Length(); i++) {
    const Result<double> time = to_finite(times.Get(i), "motion.times");
    if (!time.ok()) return time.error();
    motion.times.push_back(time.value());
  }
  for (std::uint32_t i = 0; i < poses.Length(); i++) {
    const Result<Pose> pose = to_pose(poses.Get(i), "motion.poses");
    if (!pose.ok()) return pose.error();
    motion.poses.push_back(pose.value());
  }
  return motion;
}

inline Result<AlignOptions> to_align_options(const Napi::Value& value) {
  if (!value.IsObject()) return bad_argument("alignment options");
  const Napi::Object object = value.As<Napi::Object>();
  double read[5];
  const char* names[5] = {"kernelStart", "kernelEnd", "maxIterations", "translationEpsilon",
                          "rotationEpsilon"};
  for (int i = 0; i < 5; i++) {
    const Result<double> number = to_finite(object.Get(names[i]), names[i]);
    if (!number.ok()) return number.error();
    if (!(number.value() > 0)) return bad_argument(std::string(names[i]) + " to be positive");
    read[i] = number.value();
  }
  if (read[0] < read[1]) return bad_argument("kernelStart to be at least kernelEnd");
  AlignOptions options{read[0], read[1], static_cast<int>(std::min(read[2], 1000.0)), read[3], read[4]};
  double finish_points = kFinishPoints;
  const std::pair<const char*, double*> optional[3] = {
      {"reach", &options.reach}, {"turn", &options.turn}, {"finishPoints", &finish_points}};
  for (const auto& [name, to] : optional) {
    if (object.Get(name).IsUndefined()) continue;
    const Result<double> number = to_finite(object.Get(name), name);
    if (!number.ok()) return number.error();
    *to = number.value();
  }
  if (!(options.reach >= 0 && options.reach <= 10)) return bad_argument("reach to be within 0 … 10 m");
  if (!(options.turn >= 0 && options.turn <= 3.2)) return bad_argument("turn to be within 0 … 3.2 rad");
  if (!(finish_points >= 10 && finish_points <= 1e9))
    return bad_argument("finishPoints to be within 10 … 1e9");
  options.finish_points = static_cast<std::size_t>(finish_points);
  const Napi::Value finish = object.Get("finish");
  if (finish.IsUndefined()) return options;
  const std::string name = finish.IsString() ? finish.As<Napi::String>().Utf8Value() : "";
  if (name == "surfels")
    options.finish = Finish::surfels;
  else if (name == "points")
    options.finish = Finish::points;
  else if (name != "layers")
    return bad_argument("finish to be surfels, points or layers");
  return options;
}

inline Result<PointLimits> to_point_limits(const Napi::Value& value) {
  if (!value.IsObject()) return bad_argument("point limits");
  const Napi::Object object = value.As<Napi::Object>();
  const auto origin = to_numbers<3>(object.Get("origin"), "origin");
  if (!origin.ok()) return origin.error();
  const auto box = to_numbers<6>(object.Get("box"), "box");
  if (!box.ok()) return box.error();
  const Result<double> outside = to_finite(object.Get("boxTolerance"), "boxTolerance");
  if (!outside.ok()) return outside.error();
  const Result<double> normal = to_finite(object.Get("normalTolerance"), "normalTolerance");
  if (!normal.ok()) return normal.error();
  const auto& [x, y, z] = origin.value();
  const auto& b = box.value();
  return PointLimits{{x, y, z}, {b[0], b[1], b[2]}, {b[3], b[4], b[5]}, outside.value(), normal.value()};
}

inline Napi::Float32Array from_floats(Napi::Env env, const FloatBuffer& values) {
  Napi::Float32Array out = Napi::Float32Array::New(env, values.size());
  std::copy(values.begin(), values.end(), out.Data());
  return out;
}

inline Napi::Float32Array interleave(Napi::Env env, const FloatBuffer& x, const FloatBuffer& y,
                                     const FloatBuffer& z) {
  Napi::Float32Array out = Napi::Float32Array::New(env, 3 * x.size());
  float* to = out.Data();
  for (std::size_t i = 0; i < x.size(); i++) {
    to[3 * i] = x[i];
    to[3 * i + 1] = y[i];
    to[3 * i + 2] = z[i];
  }
  return out;
}

template <std::size_t N>
Napi::Float64Array from_numbers(Napi::Env env, const std::array<double, N>& values) {
  Napi::Float64Array out = Napi::Float64Array::New(env, N);
  std::copy(values.begin(), values.end(), out.Data());
  return out;
}

inline Napi::Value from_alignment(Napi::Env env, const Alignment& found) {
  Napi::Object out = Napi::Object::New(env);
  const auto number = [env](double v) { return Napi::Number::New(env, v); };
  out.Set("T_map_base", from_pose(env, found.pose));
  out.Set("converged", Napi::Boolean::New(env, found.converged));
  out.Set("points", number(static_cast<double>(found.points)));
  out.Set("inliers", number(static_cast<double>(found.inliers)));
  out.Set("matched", number(static_cast<double>(found.matched)));
  out.Set("score", number(found.score));
  out.Set("second", number(found.second));
  out.Set("thickness", number(found.thickness));
  out.Set("covered", number(static_cast<double>(found.covered)));
  out.Set("clusters", number(static_cast<double>(found.clusters)));
  out.Set("scatter", from_numbers(env, found.scatter));
  out.Set("residual", number(found.residual));
  out.Set("iterations", number(found.iterations));
  out.Set("hessian", from_numbers(env, found.hessian));
  out.Set("range", number(found.range));
  out.Set("eigenvalues", from_numbers(env, found.eigen.values));
  out.Set("eigenvectors", from_numbers(env, found.eigen.vectors));
  return out;
}

// What is known of a sensor's turns; undefined: nothing.
inline Result<Turn> to_turn(const Napi::Value& value) {
  if (value.IsUndefined()) return Turn{};
  if (!value.IsObject()) return bad_argument("turn to be an object");
  const Napi::Object object = value.As<Napi::Object>();
  const auto word = [&](const char* name) {
    const Napi::Value v = object.Get(name);
    return v.IsString() ? v.As<Napi::String>().Utf8Value() : std::string();
  };
  const std::string told = word("told"), direction = word("direction");
  Turn turn;
  if (told == "order")
    turn.told = Turn::Told::order;
  else if (told == "azimuth")
    turn.told = Turn::Told::azimuth;
  else if (told != "none")
    return bad_argument("turn.told to be none, order or azimuth");
  if (direction != "clockwise" && direction != "counter-clockwise")
    return bad_argument("turn.direction to be clockwise or counter-clockwise");
  turn.clockwise = direction == "clockwise";
  const std::pair<const char*, double*> numbers[3] = {
      {"period", &turn.period}, {"stampAt", &turn.stamp_at}, {"start", &turn.start}};
  for (const auto& [name, to] : numbers) {
    const Result<double> number = to_finite(object.Get(name), std::string("turn.") + name);
    if (!number.ok()) return number.error();
    *to = number.value();
  }
  if (!(turn.period > 0 && turn.period <= kLongestSweep))
    return bad_argument("turn.period to be above 0 s and at most 1.5 s");
  if (!(std::fabs(turn.stamp_at) <= 1) || !(std::fabs(turn.start) <= 2 * M_PI))
    return bad_argument("turn.stampAt within ±1 and turn.start within ±2π");
  return turn;
}

// A view of a PointCloud2 message; valid as long as the message's Uint8Array is kept.
inline Result<PointCloud2View> to_pointcloud2(const Napi::Value& value) {
  if (!value.IsObject()) return bad_argument("a PointCloud2");
  const Napi::Object object = value.As<Napi::Object>();
  PointCloud2View view;
  const auto count = [&](const char* name, std::uint32_t& into) -> std::optional<Error> {
    const Result<double> number = to_finite(object.Get(name), name);
    if (!number.ok()) return number.error();
    if (number.value() < 0 || number.value() > 4294967295.0)
      return bad_argument(std::string(name) + " to be a uint32");
    into = static_cast<std::uint32_t>(number.value());
    return std::nullopt;
  };
  if (auto e = count("height", view.height)) return *e;
  if (auto e = count("width", view.width)) return *e;
  if (auto e = count("pointStep", view.point_step)) return *e;
  if (auto e = count("rowStep", view.row_step)) return *e;
  view.is_bigendian = object.Get("isBigEndian").ToBoolean();
  const Napi::Value stamp = object.Get("stamp"), data = object.Get("data"), fields = object.Get("fields");
  if (!stamp.IsBigInt()) return bad_argument("stamp to be a bigint of nanoseconds");
  bool lossless = false;
  view.stamp_ns = stamp.As<Napi::BigInt>().Int64Value(&lossless);
  if (!data.IsTypedArray() || data.As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array)
    return bad_argument("data to be a Uint8Array");
  const Napi::Uint8Array bytes = data.As<Napi::Uint8Array>();
  view.data = bytes.Data();
  view.size = bytes.ByteLength();
  if (!fields.IsArray()) return bad_argument("fields to be an array");
  for (std::uint32_t i = 0; i < fields.As<Napi::Array>().Length(); i++) {
    const Napi::Value item = fields.As<Napi::Array>().Get(i);
    if (!item.IsObject() || !item.As<Napi::Object>().Get("name").IsString())
      return bad_argument("each field to have a name");
    const Napi::Object field = item.As<Napi::Object>();
    double read[3];
    const char* names[3] = {"offset", "datatype", "count"};
    for (int k = 0; k < 3; k++) {
      const Result<double> number = to_finite(field.Get(names[k]), names[k]);
      if (!number.ok()) return number.error();
      if (number.value() < 0 || number.value() > 4294967295.0) return bad_argument("a uint32 in each field");
      read[k] = number.value();
    }
    view.fields.push_back(
        {field.Get("name").As<Napi::String>().Utf8Value(), static_cast<std::uint32_t>(read[0]),
         static_cast<std::uint8_t>(std::min(read[1], 255.0)), static_cast<std::uint32_t>(read[2])});
  }
  return view;
}

}  // namespace dilly::binding
