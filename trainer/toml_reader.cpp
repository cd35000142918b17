#include "trainer/toml_reader.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

namespace strop::trainer {

toml::table read_toml(const std::string& file) {
  if (std::filesystem::is_directory(file))
    throw std::invalid_argument(file + " is a folder; name the TOML file in it");
  std::ifstream in(file);
  if (!in)
    throw std::invalid_argument("cannot read " + file + ": " + strerror(errno) +
                                "; name a TOML file that you may read");
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  try {
    return toml::parse(text, file);
  } catch (const toml::parse_error& error) {
    std::ostringstream what;
    what << file << ":" << error.source().begin.line << ": " << error.description();
    throw std::invalid_argument(what.str());
  }
}

std::string path_beside(const std::string& file, const std::string& path) {
  namespace fs = std::filesystem;
  return path.empty() ? path
                      : (fs::absolute(file).parent_path() / path).lexically_normal().string();
}

}  // namespace strop::trainer
