// The tables of the PostgreSQL store and how older ones become newer ones.
//
// Thread: the caller's. Errors: StoreError, and libpqxx's own. Migrations are only ever added at
// the end; strop.version holds how many a database has had.
#pragma once

#include <pqxx/pqxx>

namespace strop::collector {

// Brings the database to this build's version, in one transaction under an advisory lock, so that
// collectors that start together do it once. `create`: also where nothing is there yet.
void migrate(pqxx::connection& database, bool create);

// For a reader, which changes nothing: the database must be of this build's version.
void require_current(pqxx::connection& database);

}  // namespace strop::collector
