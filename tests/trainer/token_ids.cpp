// strop_token_ids: token ids of texts, for compare_tokenizers.py.
//
//   strop_token_ids TOKENIZER_JSON TEXTS IDS
// TEXTS: of each text its bytes, behind their number (u32, little-endian). IDS, for each: the
// number of ids (u32) and the ids (i32), special tokens recognised; then what they decode to, as
// above. Exit codes: 0 done, 1 failed, 2 wrong usage.
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <stdexcept>

#include "trainer/tokenizer/tokenizer.h"

namespace {

void put(std::ostream& out, std::uint32_t size, const void* data, std::size_t bytes) {
  out.write(reinterpret_cast<const char*>(&size), sizeof size);
  out.write(static_cast<const char*>(data), static_cast<std::streamsize>(bytes));
}

void write_ids(const char* tokenizer_json, const char* texts, const char* ids_file) {
  const auto tokenizer = strop::trainer::Tokenizer::load(tokenizer_json);
  if (!tokenizer) throw std::runtime_error(tokenizer.error());
  std::ifstream in(texts, std::ios::binary);
  const std::string all((std::istreambuf_iterator<char>(in)), {});
  std::ofstream out(ids_file, std::ios::binary);
  for (std::string_view rest = all; rest.size() >= 4;) {
    std::uint32_t size = 0;
    std::memcpy(&size, rest.data(), 4);
    const auto ids = tokenizer->encode_with_added(rest.substr(4, size));
    const std::string text = tokenizer->decode(ids, true);
    put(out, static_cast<std::uint32_t>(ids.size()), ids.data(), ids.size() * sizeof ids[0]);
    put(out, static_cast<std::uint32_t>(text.size()), text.data(), text.size());
    rest.remove_prefix(4 + std::size_t{size});
  }
  if (!in || !out.flush()) throw std::runtime_error("cannot read or write the files");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "strop_token_ids TOKENIZER_JSON TEXTS IDS\n";
    return 2;
  }
  try {
    write_ids(argv[1], argv[2], argv[3]);
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "strop_token_ids: " << error.what() << '\n';
    return 1;
  }
}
