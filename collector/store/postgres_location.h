// The URL of a PostgreSQL database: what is refused of it, and how a connection is made of it.
//
// Functions, any thread. Errors: UsageError that says what to do; it never repeats a password.
#pragma once

#include <string>

namespace strop::collector {

// Refuses what libpq cannot read, and a URL with a password in it.
void check_database_url(const std::string& url);

// The URL with what a collector needs of a connection, where the URL does not say otherwise: that a
// database which is gone is noticed within seconds, and one that only reads is passed over.
// REQUIRES: checked.
std::string connection_url(const std::string& url, bool to_write);

}  // namespace strop::collector
