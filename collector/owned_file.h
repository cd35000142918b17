// Files in a folder of another user's: whoever makes them, they are the folder's owner's.
//
// The collector runs as a user of its own, people run its commands as root; what root makes beside
// the store or the keys must be open to the collector. Functions over files, any thread. Errors: -1
// or false with errno set. A user other than root can give nothing away: there they change nothing.
#pragma once

#include <filesystem>

namespace strop::collector {

// open(2) with O_CREAT and mode 0600; a file that this makes is given to the folder's owner and
// group.
int open_owned(const std::filesystem::path& file, int flags);

// Gives a file or folder that exists to the owner and group of the folder it lies in. Only what is
// the caller's own and has no other name: a link laid there by somebody else is left alone.
bool give_to_folder_owner(const std::filesystem::path& file);

}  // namespace strop::collector
