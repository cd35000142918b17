// A language server that says what a recorded server said, and keeps what it read and wrote.
//
//   strop-scripted-server SESSION.jsonl FOLDER whole|bytes|random SEED
// Writes FOLDER/received and FOLDER/sent when its input has ended. Exit codes: 0, 1 with a message.
#include <fstream>
#include <iostream>

#include "support/session_player.h"

namespace {

using namespace strop::support;

Split split_of(const std::string& word) {
  if (word == "bytes") return Split::kBytes;
  return word == "random" ? Split::kRandom : Split::kWhole;
}

void keep(const std::filesystem::path& file, const std::string& bytes) {
  std::ofstream(file, std::ios::binary) << bytes;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 1;
  try {
    const std::filesystem::path folder = argv[2];
    SessionPlayer player(false, STDIN_FILENO, STDOUT_FILENO,
                         Splitter(split_of(argv[3]), static_cast<unsigned>(std::stoul(argv[4]))));
    player.play(in_causal_order(read_session(argv[1])));
    player.read_to_end();
    keep(folder / "received", player.received());
    keep(folder / "sent", player.sent());
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "scripted server: " << error.what() << '\n';
    return 1;
  }
}
