// Between JavaScript values and those of the search for places.
#pragma once

#include "convert.hpp"
#include "dilly/places.hpp"

namespace dilly::binding {

inline Result<PlaceOptions> to_place_options(const Napi::Value& value) {
  if (!value.IsObject()) return bad_argument("place options");
  const Napi::Object object = value.As<Napi::Object>();
  const char* names[3] = {"reach", "turn", "rise"};
  const double most[3] = {kPlaceMostReach, 3.2, 1000};
  double read[3];
  for (int i = 0; i < 3; i++) {
    const Result<double> number = to_finite(object.Get(names[i]), names[i]);
    if (!number.ok()) return number.error();
    if (!(number.value() >= 0 && number.value() <= most[i]))
      return bad_argument(std::string(names[i]) + " to be within 0 … " + std::to_string(most[i]));
    read[i] = number.value();
  }
  return PlaceOptions{read[0], read[1], read[2]};
}

inline Napi::Value from_places(Napi::Env env, const Places& places) {
  const auto number = [env](double v) { return Napi::Number::New(env, v); };
  Napi::Array found = Napi::Array::New(env, places.found.size());
  for (std::uint32_t i = 0; i < places.found.size(); i++) {
    const MapPlace& place = places.found[i];
    Napi::Object one = Napi::Object::New(env);
    one.Set("T_map_base", from_pose(env, place.pose));
    one.Set("coarse", number(place.coarse));
    one.Set("score", number(place.score));
    one.Set("surfaces", number(place.surfaces));
    found.Set(i, one);
  }
  Napi::Object out = Napi::Object::New(env);
  out.Set("found", found);
  out.Set("nodes", number(static_cast<double>(places.nodes)));
  out.Set("complete", Napi::Boolean::New(env, places.complete));
  return out;
}

}  // namespace dilly::binding
