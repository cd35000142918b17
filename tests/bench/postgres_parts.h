// What PostgreSQL takes by itself: rows of the store's shape from several clients at once, each
// transaction durable.
//
// Functions; several threads within, none outlives the call. Errors are exceptions.
#pragma once

#include <string>
#include <vector>

namespace strop::bench {

inline constexpr int kPostgresClients = 8;

// Rows a second by binary COPY, the quickest way in that there is, and by prepared multi-row INSERT
// … ON CONFLICT DO NOTHING. `url`: of a database that has the store's tables; the rows go into a
// copy of their shape, made anew.
double postgres_copy_per_second(const std::string& url, const std::vector<std::string>& events,
                                double seconds);
double postgres_insert_per_second(const std::string& url, const std::vector<std::string>& events,
                                  double seconds);

}  // namespace strop::bench
