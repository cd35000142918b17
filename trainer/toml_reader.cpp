#include "trainer/toml_reader.h"

#include <filesystem>
#include <sstream>

namespace strop::trainer {

toml::table read_toml(const std::string& file) {
  if (!std::filesystem::is_regular_file(file))
    throw std::invalid_argument("cannot read " + file + ": no such file");
  try {
    return toml::parse_file(file);
  } catch (const toml::parse_error& error) {
    std::ostringstream text;
    text << file << ":" << error.source().begin.line << ": " << error.description();
    throw std::invalid_argument(text.str());
  }
}

}  // namespace strop::trainer
