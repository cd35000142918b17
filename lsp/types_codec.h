// How each type of the protocol is read from JSON and written to it; for types_generated.cpp alone.
//
// Pure functions, any thread. `fit` tells how well a value's shape agrees: -1 not at all, else how
// many demanded fields it has, by which one alternative of several is chosen before it is read.
// Errors: `read` gives false and puts what is wrong into `error`, each level its name before it.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "lsp/types.h"

namespace strop::lsp {

template <class T>
struct Codec;

inline bool wrong_type(const char* wanted, const nlohmann::json& in, std::string& error) {
  error = std::string(": expected ") + wanted + ", found " + in.type_name();
  return false;
}

// A JSON number as an integer type, saturating: some clients write 1.0, or 1e308 for "to the end".
template <class Integer>
bool read_integer(const nlohmann::json& in, Integer& value, std::string& error) {
  constexpr auto kMin = std::numeric_limits<Integer>::min();
  constexpr auto kMax = std::numeric_limits<Integer>::max();
  if (in.is_number_unsigned()) {
    const auto number = in.get<std::uint64_t>();
    value = number > static_cast<std::uint64_t>(kMax) ? kMax : static_cast<Integer>(number);
    return true;
  }
  if (!in.is_number()) return wrong_type("an integer", in, error);
  const auto number = in.get<double>();
  if (std::trunc(number) != number || number < static_cast<double>(kMin)) {
    error = ": expected an integer of the protocol's range, found " + in.dump();
    return false;
  }
  value = number > static_cast<double>(kMax) ? kMax : static_cast<Integer>(number);
  return true;
}

template <class Integer>
struct IntegerCodec {
  static int fit(const nlohmann::json& in) { return in.is_number() ? 0 : -1; }
  static bool read(const nlohmann::json& in, Integer& value, std::string& error) {
    return read_integer(in, value, error);
  }
  static void write(nlohmann::json& out, Integer value) { out = value; }
};

template <>
struct Codec<std::int32_t> : IntegerCodec<std::int32_t> {};
template <>
struct Codec<std::uint32_t> : IntegerCodec<std::uint32_t> {};

template <class Enum>
requires std::is_enum_v<Enum>
struct Codec<Enum> {
  using Number = std::underlying_type_t<Enum>;
  static int fit(const nlohmann::json& in) { return Codec<Number>::fit(in); }
  static bool read(const nlohmann::json& in, Enum& value, std::string& error) {
    Number number{};
    if (!Codec<Number>::read(in, number, error)) return false;
    value = static_cast<Enum>(number);
    return true;
  }
  static void write(nlohmann::json& out, Enum value) { out = static_cast<Number>(value); }
};

template <>
struct Codec<bool> {
  static int fit(const nlohmann::json& in) { return in.is_boolean() ? 0 : -1; }
  static bool read(const nlohmann::json& in, bool& value, std::string& error) {
    if (!in.is_boolean()) return wrong_type("a boolean", in, error);
    value = in.get<bool>();
    return true;
  }
  static void write(nlohmann::json& out, bool value) { out = value; }
};

template <>
struct Codec<std::string> {
  static int fit(const nlohmann::json& in) { return in.is_string() ? 0 : -1; }
  static bool read(const nlohmann::json& in, std::string& value, std::string& error) {
    if (!in.is_string()) return wrong_type("a string", in, error);
    value = in.get_ref<const std::string&>();
    return true;
  }
  static void write(nlohmann::json& out, const std::string& value) { out = value; }
};

template <>
struct Codec<nlohmann::json> {
  static int fit(const nlohmann::json&) { return 0; }
  static bool read(const nlohmann::json& in, nlohmann::json& value, std::string&) {
    value = in;
    return true;
  }
  static void write(nlohmann::json& out, const nlohmann::json& value) { out = value; }
};

template <class T>
struct Codec<std::optional<T>> {
  static int fit(const nlohmann::json& in) { return in.is_null() ? 0 : Codec<T>::fit(in); }
  static bool read(const nlohmann::json& in, std::optional<T>& value, std::string& error) {
    if (in.is_null()) return true;
    return Codec<T>::read(in, value.emplace(), error);
  }
  static void write(nlohmann::json& out, const std::optional<T>& value) {
    if (value) Codec<T>::write(out, *value);
  }
};

template <class T>
struct Codec<std::vector<T>> {
  static int fit(const nlohmann::json& in) { return in.is_array() ? 0 : -1; }
  static bool read(const nlohmann::json& in, std::vector<T>& value, std::string& error) {
    if (!in.is_array()) return wrong_type("an array", in, error);
    value.reserve(in.size());
    for (const nlohmann::json& element : in) {
      if (Codec<T>::read(element, value.emplace_back(), error)) continue;
      error.insert(0, '[' + std::to_string(value.size() - 1) + ']');
      return false;
    }
    return true;
  }
  static void write(nlohmann::json& out, const std::vector<T>& value) {
    out = nlohmann::json::array();
    for (const T& element : value) Codec<T>::write(out.emplace_back(), element);
  }
};

template <class T>
struct Codec<std::map<std::string, T>> {
  static int fit(const nlohmann::json& in) { return in.is_object() ? 0 : -1; }
  static bool read(const nlohmann::json& in, std::map<std::string, T>& value, std::string& error) {
    if (!in.is_object()) return wrong_type("an object", in, error);
    for (const auto& [key, element] : in.items()) {
      if (Codec<T>::read(element, value[key], error)) continue;
      error.insert(0, '.' + key);
      return false;
    }
    return true;
  }
  static void write(nlohmann::json& out, const std::map<std::string, T>& value) {
    out = nlohmann::json::object();
    for (const auto& [key, element] : value) Codec<T>::write(out[key], element);
  }
};

// The alternative that fits best is read, and an error in it is final: {"range": 5, "text": ""} is
// a broken edit and must not pass for a whole document.
template <class... Ts>
struct Codec<std::variant<Ts...>> {
  static int fit(const nlohmann::json& in) { return best(in).first; }
  static bool read(const nlohmann::json& in, std::variant<Ts...>& value, std::string& error) {
    const auto [score, chosen] = best(in);
    if (score < 0) {
      error = std::string(": none of the protocol's alternatives, found ") + in.type_name();
      return false;
    }
    std::size_t index = 0;
    bool good = false;
    ((index++ == chosen ? void(good = Codec<Ts>::read(in, value.template emplace<Ts>(), error))
                        : void()),
     ...);
    return good;
  }
  static void write(nlohmann::json& out, const std::variant<Ts...>& value) {
    std::visit([&out]<class T>(const T& held) { Codec<T>::write(out, held); }, value);
  }

 private:
  static std::pair<int, std::size_t> best(const nlohmann::json& in) {
    std::pair<int, std::size_t> found{-1, 0};
    std::size_t index = 0;
    const auto consider = [&](int score) {
      if (score > found.first) found = {score, index};
      ++index;
    };
    (consider(Codec<Ts>::fit(in)), ...);
    return found;
  }
};

inline bool has(const nlohmann::json& in, const char* field) {
  const auto found = in.find(field);
  return found != in.end() && !found->is_null();
}

inline bool is_literal(const nlohmann::json& in, const char* field, std::string_view text) {
  const auto found = in.find(field);
  return found != in.end() && found->is_string() && found->get_ref<const std::string&>() == text;
}

inline bool expect_object(const nlohmann::json& in, std::string& error) {
  return in.is_object() || wrong_type("an object", in, error);
}

inline bool read_literal(const nlohmann::json& in, const char* field, std::string_view text,
                         std::string& error) {
  if (is_literal(in, field, text)) return true;
  error = '.' + std::string(field) + ": expected \"" + std::string(text) + '"';
  return false;
}

template <class T>
bool read_optional(const nlohmann::json& in, const char* field, std::optional<T>& value,
                   std::string& error) {
  const auto found = in.find(field);
  if (found == in.end() || found->is_null()) return true;
  if (Codec<T>::read(*found, value.emplace(), error)) return true;
  error.insert(0, '.' + std::string(field));
  return false;
}

template <class T>
bool read_required(const nlohmann::json& in, const char* field, T& value, std::string& error) {
  const auto found = in.find(field);
  if (found == in.end()) {
    error = '.' + std::string(field) + ": missing";
    return false;
  }
  if (Codec<T>::read(*found, value, error)) return true;
  error.insert(0, '.' + std::string(field));
  return false;
}

template <class T>
void write_required(nlohmann::json& out, const char* field, const T& value) {
  Codec<T>::write(out[field], value);
}

template <class T>
void write_optional(nlohmann::json& out, const char* field, const std::optional<T>& value) {
  if (value) Codec<T>::write(out[field], *value);
}

// A field that the protocol demands but lets be null.
template <class T>
void write_nullable(nlohmann::json& out, const char* field, const std::optional<T>& value) {
  Codec<std::optional<T>>::write(out[field], value);
}

template <class T>
tl::expected<T, std::string> parse(const nlohmann::json& value) {
  T result{};
  std::string error;
  if (Codec<T>::read(value, result, error)) return result;
  return tl::make_unexpected(error.starts_with('.') ? error.substr(1) : "value" + error);
}

}  // namespace strop::lsp
