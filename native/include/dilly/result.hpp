// A value or a reasoned refusal; the core throws nothing.
#pragma once

#include <string>
#include <utility>
#include <variant>

namespace dilly {

struct Error {
  std::string reason;   // stable kebab-case word to count by
  std::string message;  // what was expected, what was found, what to do
};

template <class T>
class Result {
 public:
  Result(T value) : held_(std::move(value)) {}
  Result(Error error) : held_(std::move(error)) {}
  bool ok() const { return held_.index() == 0; }
  T& value() { return std::get<0>(held_); }
  const T& value() const { return std::get<0>(held_); }
  const Error& error() const { return std::get<1>(held_); }

 private:
  std::variant<T, Error> held_;
};

}  // namespace dilly
