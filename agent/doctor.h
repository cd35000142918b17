// `strop-agent doctor`: what is wired to what, and what to do where it is not.
//
// Says also what set the mode and what capped it. Reads configuration and state as a relaying agent
// would, shakes hands with the collector it names and asks the model server for one token, about a
// text of nobody's; it changes nothing. Returns the program's exit code:
// 0 all is well, 1 something needs a person, 2 the configuration cannot be read.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <iosfwd>

#include "agent/config.h"

namespace strop::agent {

// What a disk has left for this user.
struct DiskRoom {
  std::uint64_t bytes = 0;
  std::uint64_t files = 0;
};

// Of the disk that holds the folder; where that cannot be told there is room.
DiskRoom room_at(const std::filesystem::path& folder);

// `room`: injected, so that tests need no full disk.
int doctor(const Places& places, const Flags& flags, std::ostream& out, std::ostream& err,
           const std::function<DiskRoom(const std::filesystem::path&)>& room = room_at);

}  // namespace strop::agent
