#include "bench/source_code.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <vector>

namespace strop::bench {

namespace fs = std::filesystem;

std::string source_code(std::size_t bytes) {
  static const std::string kAll = [] {
    std::string all;
    std::vector<fs::path> files;
    for (const char* folder : {"schema", "lsp", "agent", "collector"})
      for (const auto& entry : fs::directory_iterator(fs::path(STROP_SOURCE_DIR) / folder))
        if (entry.path().extension() == ".cpp") files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    for (const fs::path& file : files) {
      std::ifstream in(file);
      all += std::string(std::istreambuf_iterator<char>(in), {});
    }
    // One byte a character, so that any cut is a good one.
    std::erase_if(all, [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
    if (all.empty()) throw std::runtime_error("no sources in " STROP_SOURCE_DIR);
    return all;
  }();
  std::string code;
  while (code.size() < bytes) code += kAll.substr(0, bytes - code.size());
  return code;
}

}  // namespace strop::bench
