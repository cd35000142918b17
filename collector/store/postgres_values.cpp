#include "collector/store/postgres_values.h"

namespace strop::collector {
namespace {

bool is_plain(char c) { return c >= ' ' && c <= '~' && c != '\\'; }

std::string as_hex(const std::string& value) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out(2 + 2 * value.size(), '\\');
  out[1] = 'x';
  char* next = out.data() + 2;
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    *next++ = kDigits[byte >> 4];
    *next++ = kDigits[byte & 15];
  }
  return out;
}

// bytea's "escape" form: a backslash twice, what is no printable ASCII as three octal digits.
std::string as_text(const std::string& value, std::size_t plain) {
  std::string out;
  out.reserve(plain + 4 * (value.size() - plain));
  for (std::size_t at = 0; at < value.size();) {
    std::size_t end = at;
    while (end < value.size() && is_plain(value[end])) ++end;
    out.append(value, at, end - at);
    for (at = end; at < value.size() && !is_plain(value[at]); ++at) {
      const auto byte = static_cast<unsigned char>(value[at]);
      out += '\\';
      if (byte == '\\')
        out += '\\';
      else
        for (const int shift : {6, 3, 0}) out += static_cast<char>('0' + (byte >> shift & 7));
    }
  }
  return out;
}

}  // namespace

std::string copied(const std::string& value) {
  const auto plain = static_cast<std::size_t>(std::count_if(value.begin(), value.end(), is_plain));
  // COPY doubles each backslash again, so what is not plain takes four or five bytes.
  return 4 * (value.size() - plain) > value.size() ? as_hex(value) : as_text(value, plain);
}

}  // namespace strop::collector
