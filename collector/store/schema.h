// The tables of the SQLite store and how older files become newer ones.
//
// Thread: the caller's. Errors: StoreError. Migrations are only ever added at the end; a file's
// `user_version` is how many it has had.
#pragma once

#include "collector/store/sqlite.h"

namespace strop::collector {

// Brings an open file to this build's version, in one transaction a step. Refuses a file that is
// not Strop's, or newer than this build.
void migrate(Database& database);

// The same refusals, for a reader, which changes nothing: the file must be of this build's version.
void require_current(Database& database);

}  // namespace strop::collector
