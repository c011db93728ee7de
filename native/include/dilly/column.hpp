// One field of many points that lie in somebody else's bytes: at a stride, of any number type, in either byte
// order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace dilly {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the decoders take the host to be little-endian");

enum class Scalar : std::uint8_t { i8, u8, i16, u16, i32, u32, i64, u64, f32, f64 };

inline std::size_t size_of(Scalar type) {
  switch (type) {
    case Scalar::i8:
    case Scalar::u8:
      return 1;
    case Scalar::i16:
    case Scalar::u16:
      return 2;
    case Scalar::i32:
    case Scalar::u32:
    case Scalar::f32:
      return 4;
    default:
      return 8;
  }
}

struct Column {
  const std::uint8_t* first = nullptr;  // value of point 0; null when the cloud has no such field
  std::size_t stride = 0;               // bytes from one point to the next
  Scalar type = Scalar::f32;
  bool swapped = false;  // bytes are in the order that is not the host's

  bool present() const { return first != nullptr; }
  bool plain_float() const { return type == Scalar::f32 && !swapped; }
};

namespace detail {

template <class T, bool Swapped>
inline T load_scalar(const std::uint8_t* at) {
  T value;
  if (!Swapped || sizeof(T) == 1) {
    std::memcpy(&value, at, sizeof(T));
    return value;
  }
  using Bits = std::conditional_t<sizeof(T) == 2, std::uint16_t,
                                  std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>>;
  Bits bits;
  std::memcpy(&bits, at, sizeof bits);
  if constexpr (sizeof(T) == 2) bits = __builtin_bswap16(bits);
  if constexpr (sizeof(T) == 4) bits = __builtin_bswap32(bits);
  if constexpr (sizeof(T) == 8) bits = __builtin_bswap64(bits);
  std::memcpy(&value, &bits, sizeof(T));
  return value;
}

template <class T, bool Swapped, class Out>
inline void read_as(const std::uint8_t* at, std::size_t stride, std::size_t count, Out* to) {
  for (std::size_t i = 0; i < count; i++) to[i] = static_cast<Out>(load_scalar<T, Swapped>(at + i * stride));
}

template <bool Swapped, class Out>
inline void read_typed(const Column& c, const std::uint8_t* at, std::size_t count, Out* to) {
  switch (c.type) {
    case Scalar::i8:
      return read_as<std::int8_t, Swapped>(at, c.stride, count, to);
    case Scalar::u8:
      return read_as<std::uint8_t, Swapped>(at, c.stride, count, to);
    case Scalar::i16:
      return read_as<std::int16_t, Swapped>(at, c.stride, count, to);
    case Scalar::u16:
      return read_as<std::uint16_t, Swapped>(at, c.stride, count, to);
    case Scalar::i32:
      return read_as<std::int32_t, Swapped>(at, c.stride, count, to);
    case Scalar::u32:
      return read_as<std::uint32_t, Swapped>(at, c.stride, count, to);
    case Scalar::i64:
      return read_as<std::int64_t, Swapped>(at, c.stride, count, to);
    case Scalar::u64:
      return read_as<std::uint64_t, Swapped>(at, c.stride, count, to);
    case Scalar::f32:
      return read_as<float, Swapped>(at, c.stride, count, to);
    case Scalar::f64:
      return read_as<double, Swapped>(at, c.stride, count, to);
  }
}

}  // namespace detail

// Reads `count` values from `offset` bytes past the column's first, as Out (float or double; a double beyond
// float's range becomes infinite).
template <class Out>
inline void read_column(const Column& c, std::size_t offset, std::size_t count, Out* to) {
  const std::uint8_t* at = c.first + offset;
  c.swapped ? detail::read_typed<true>(c, at, count, to) : detail::read_typed<false>(c, at, count, to);
}

}  // namespace dilly
