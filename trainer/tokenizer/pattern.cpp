#include "trainer/tokenizer/pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <array>
#include <stdexcept>

#include "trainer/tokenizer/oniguruma.h"

namespace strop::trainer {
namespace {

// Beyond what any text of the size we accept needs; the defaults end a long run of one class early.
constexpr std::uint32_t kMatchLimit = 1'000'000'000;
constexpr std::uint32_t kHeapLimitKib = 1 << 20;
constexpr std::size_t kJitStackBytes = 1 << 20;

// What a match writes to; one set a thread, so that patterns themselves are shared freely.
struct Scratch {
  pcre2_match_data* data = pcre2_match_data_create(1, nullptr);
  pcre2_match_context* context = pcre2_match_context_create(nullptr);
  pcre2_jit_stack* stack = pcre2_jit_stack_create(32 << 10, kJitStackBytes, nullptr);
  Scratch() {
    pcre2_set_match_limit(context, kMatchLimit);
    pcre2_set_heap_limit(context, kHeapLimitKib);
    if (stack != nullptr) pcre2_jit_stack_assign(context, nullptr, stack);
  }
  ~Scratch() {
    pcre2_jit_stack_free(stack);
    pcre2_match_context_free(context);
    pcre2_match_data_free(data);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
};

Scratch& scratch() {
  thread_local Scratch one;
  return one;
}

std::string message_of(int error) {
  std::array<PCRE2_UCHAR, 256> text{};
  pcre2_get_error_message(error, text.data(), text.size());
  return reinterpret_cast<const char*>(text.data());
}

}  // namespace

struct Pattern::Code {
  pcre2_code* code = nullptr;
  bool jit = false;
  Code() = default;
  ~Code() { pcre2_code_free(code); }
  Code(const Code&) = delete;
  Code& operator=(const Code&) = delete;
};

Pattern::Pattern(const std::string& text) {
  const std::string source = to_pcre2(text);
  auto code = std::make_shared<Code>();
  int error = 0;
  PCRE2_SIZE offset = 0;
  code->code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(source.data()), source.size(),
                             PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE, &error, &offset, nullptr);
  if (code->code == nullptr)
    throw std::runtime_error("the pattern '" + text + "' does not compile: " + message_of(error));
  code->jit = pcre2_jit_compile(code->code, PCRE2_JIT_COMPLETE) == 0;
  code_ = std::move(code);
}

std::optional<Pattern::Match> Pattern::find(std::string_view subject, std::size_t from) const {
  const Scratch& use = scratch();
  const auto* text = reinterpret_cast<PCRE2_SPTR>(subject.data());
  int found = PCRE2_ERROR_JIT_STACKLIMIT;
  if (code_->jit)
    found = pcre2_jit_match(code_->code, text, subject.size(), from, PCRE2_NO_UTF_CHECK, use.data,
                            use.context);
  if (found == PCRE2_ERROR_JIT_STACKLIMIT)  // no JIT, or too deep for its stack
    found = pcre2_match(code_->code, text, subject.size(), from, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT,
                        use.data, use.context);
  if (found == PCRE2_ERROR_NOMATCH) return std::nullopt;
  if (found < 0)
    throw std::runtime_error("the tokenizer's pattern gave up on a text of " +
                             std::to_string(subject.size()) + " bytes: " + message_of(found));
  const PCRE2_SIZE* at = pcre2_get_ovector_pointer(use.data);
  return Match{at[0], at[1]};
}

std::string Pattern::quoted(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = byte >= 0x80 || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                       (c >= 'a' && c <= 'z') || byte < 0x20 || c == '_';
    if (!plain) out += '\\';
    out += c;
  }
  return out;
}

}  // namespace strop::trainer
