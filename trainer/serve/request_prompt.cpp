#include "trainer/serve/request_prompt.h"

#include <algorithm>
#include <optional>

#include "trainer/tokenizer/prompt.h"

namespace strop::trainer {
namespace {

void append(std::vector<TokenId>& out, const std::vector<TokenId>& more) {
  out.insert(out.end(), more.begin(), more.end());
}

std::vector<TokenId> other_files(const Tokenizer& tokenizer, const CompletionRequest& request) {
  std::optional<TokenId> mark = tokenizer.special_id("<|file_sep|>");
  if (!mark) mark = tokenizer.special_id("<file_sep>");
  std::vector<TokenId> out;
  for (const auto& [name, text] : request.extra) {
    if (mark) out.push_back(*mark);
    append(out, tokenizer.encode(mark ? name + "\n" : "\n\n--- snippet ---\n\n"));
    append(out, tokenizer.encode(text));
  }
  if (!mark || out.empty()) return out;
  out.push_back(*mark);  // the file that is written follows; its name is not told
  append(out, tokenizer.encode("filename\n"));
  return out;
}

}  // namespace

std::vector<TokenId> request_prompt(const Tokenizer& tokenizer, schema::FimFamily family,
                                    const CompletionRequest& request, std::size_t budget) {
  std::vector<TokenId> out = fit_prompt(tokenizer, family, request.prompt, request.suffix, budget);
  if (request.extra.empty() || out.size() >= budget) return out;
  const std::vector<TokenId> files =
      fit_tokens(other_files(tokenizer, request), budget - out.size());
  const std::vector<TokenId>& start = tokenizer.start_ids();
  const bool started =
      out.size() >= start.size() && std::equal(start.begin(), start.end(), out.begin());
  out.insert(out.begin() + (started ? static_cast<std::ptrdiff_t>(start.size()) : 0), files.begin(),
             files.end());
  return out;
}

}  // namespace strop::trainer
