// A column of many rows as one parameter: PostgreSQL's binary form of a one-dimensional array,
// which neither side has to escape or to read as text (src/backend/utils/adt/arrayfuncs.c,
// array_recv).
//
// A value. One thread. Errors: what PostgreSQL says of what it cannot take.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <pqxx/pqxx>
#include <string>
#include <string_view>
#include <type_traits>

namespace strop::collector {

struct Text {};   // in the database's encoding
struct Bytes {};  // any

// Of std::int64_t (bigint), double (double precision), Text or Bytes (bytea); no nulls.
template <class T>
class PostgresArray {
 public:
  bool empty() const { return count_ == 0; }

  void add(T value) requires(!std::is_empty_v<T>) {
    append(std::uint32_t{sizeof value});
    append(std::bit_cast<std::uint64_t>(value));
    ++count_;
  }
  void add(std::string_view value) requires std::is_empty_v<T> {
    append(static_cast<std::uint32_t>(value.size()));
    elements_ += value;
    ++count_;
  }

  // Leaves it empty.
  pqxx::binarystring take() {
    std::string elements;
    elements.swap(elements_);
    for (const std::uint32_t head : {std::uint32_t{1}, std::uint32_t{0}, type(), count_, 1U})
      append(head);  // dimensions, nulls, type, size, first index
    elements_ += elements;
    const pqxx::binarystring out(elements_.data(), elements_.size());
    elements_.clear();
    count_ = 0;
    return out;
  }

 private:
  // Its number in pg_type.dat, the same in every PostgreSQL.
  static constexpr std::uint32_t type() {
    if (std::same_as<T, std::int64_t>) return 20;
    if (std::same_as<T, double>) return 701;
    return std::same_as<T, Text> ? 25 : 17;
  }

  template <class Unsigned>
  void append(Unsigned value) {
    for (int shift = 8 * (static_cast<int>(sizeof value) - 1); shift >= 0; shift -= 8)
      elements_ += static_cast<char>(value >> shift & 0xff);
  }

  std::string elements_;
  std::uint32_t count_ = 0;
};

}  // namespace strop::collector
