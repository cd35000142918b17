// The file that a store is kept in: its lock, its owner, and that it is on disk.
//
// Functions, any thread. Errors: StoreError, thrown, which says what to do.
#pragma once

#include <filesystem>

namespace strop::collector {

// Takes the lock that makes this process the store's one receiver; the kernel gives it back however
// the process ends. Gives the descriptor that holds it, which is the caller's to close.
int take_lock(const std::filesystem::path& file);

// Makes the file if there is none. SQLite makes its file readable for all that the umask allows; a
// store is its owner's alone. The log (-wal, -shm) SQLite itself makes as the file is: same mode,
// and same owner when root made it.
void create_private(const std::filesystem::path& file);

// A new file is there after a power cut only if its folder is on disk too.
void sync_folder(const std::filesystem::path& file);
void sync_file(const std::filesystem::path& file);

}  // namespace strop::collector
