// One regular expression of a tokenizer.json, matched as Oniguruma (the reference's engine) would.
//
// Owns the compiled code (PCRE2, JIT where the machine has it); const functions from any thread.
// Subjects must be valid UTF-8. Errors: a pattern that does not compile, or that uses what the two
// engines read differently, throws std::runtime_error; a match that runs out of the engine's
// limits throws too, for a match that is silently missed would give other tokens.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace strop::trainer {

class Pattern {
 public:
  struct Match {
    std::size_t begin = 0;
    std::size_t end = 0;
  };

  explicit Pattern(const std::string& text);

  // The first match that begins at `from` or later.
  std::optional<Match> find(std::string_view subject, std::size_t from) const;

  // A pattern that matches exactly this text.
  static std::string quoted(std::string_view text);

 private:
  struct Code;
  std::shared_ptr<const Code> code_;
};

}  // namespace strop::trainer
