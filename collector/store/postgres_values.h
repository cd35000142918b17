// How bytes go into PostgreSQL and come out.
//
// Functions, any thread. Errors: libpqxx's.
#pragma once

#include <algorithm>
#include <cstdint>
#include <pqxx/pqxx>
#include <string>

#include "schema/wire.h"

namespace strop::collector {

// As a parameter; refers to nothing.
inline pqxx::binarystring bytes(const std::string& value) { return {value.data(), value.size()}; }
inline pqxx::binarystring bytes(const schema::WireId& id) { return {id.data(), id.size()}; }

inline std::string bytes_of(const pqxx::field& field) { return pqxx::binarystring(field).str(); }

inline schema::WireId id_of(const pqxx::field& field) {
  const pqxx::binarystring value(field);
  schema::WireId id{};
  std::copy_n(value.data(), std::min(value.size(), id.size()), id.begin());
  return id;
}

inline std::uint64_t unsigned_of(const pqxx::field& field) {
  return static_cast<std::uint64_t>(field.as<std::int64_t>());
}

}  // namespace strop::collector
