// How often clean code is taken for a secret: code of others that the packages of `./dev setup`
// bring.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "schema/secrets.h"

namespace strop::schema {
namespace {

namespace fs = std::filesystem;

constexpr std::array kCode{"/usr/lib/python3/dist-packages/mercurial", "/usr/include/boost/asio",
                           "/usr/include/boost/beast", "/usr/share/nvim/runtime"};

bool is_code(const fs::path& file) {
  static constexpr std::array kEndings{".py", ".hpp", ".ipp", ".h", ".lua", ".vim", ".txt"};
  return std::find(kEndings.begin(), kEndings.end(), file.extension()) != kEndings.end();
}

TEST(SecretsFalseAlarms, AreAtMostOneInTenThousandLines) {
  constexpr std::size_t kEnough = 100'000;
  std::size_t lines = 0;
  std::size_t alarms = 0;
  for (const char* folder : kCode) {
    if (!fs::exists(folder)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      if (!entry.is_regular_file() || !is_code(entry.path())) continue;
      std::ostringstream read;
      read << std::ifstream(entry.path(), std::ios::binary).rdbuf();
      const std::string text = std::move(read).str();
      lines += static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
      for (const SecretHit& hit : scan_secrets(text)) {
        ++alarms;
        std::cout << entry.path().string() << ": " << hit.rule << ": "
                  << text.substr(hit.begin, hit.end - hit.begin) << '\n';
      }
    }
  }
  ASSERT_GE(lines, kEnough) << "too little code is installed here; ./dev setup installs it";
  std::cout << alarms << " alarms in " << lines << " lines\n";
  EXPECT_LE(alarms * 10'000, lines);
}

}  // namespace
}  // namespace strop::schema
