// `strop-agent replay`: the events of a recorded session, one JSON object a line.
//
// Opens and reads the file, writes to the streams given; keeps nothing. One thread. Times are those
// of the recording. Returns the program's exit code: 0, 1 when the file cannot be read or a line is
// no record (the message names the line), 2 for an unknown mode.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <string>

namespace strop::agent {

// `mode`: full, metrics-only or off.
int replay_main(const std::filesystem::path& session, const std::string& mode, std::ostream& out,
                std::ostream& err);

}  // namespace strop::agent
