#include "trainer/tokenizer/added_tokens.h"

#include <algorithm>
#include <stdexcept>

#include "trainer/tokenizer/utf8.h"

namespace strop::trainer {

AddedToken added_token_from_json(const nlohmann::json& json) {
  AddedToken out;
  out.text = json.at("content");
  out.id = json.at("id");
  out.special = json.value("special", false);
  out.normalized = json.value("normalized", !out.special);
  out.lstrip = json.value("lstrip", false);
  out.rstrip = json.value("rstrip", false);
  if (out.text.empty()) throw std::runtime_error("an added token is empty");
  if (out.id < 0) throw std::runtime_error("added token '" + out.text + "' has a negative id");
  if (json.value("single_word", false))
    throw std::runtime_error("added token '" + out.text +
                             "' is a single_word one, which is not supported");
  return out;
}

void AddedTokens::add(AddedToken token) {
  tokens_.push_back(std::move(token));
  std::stable_sort(tokens_.begin(), tokens_.end(), [](const AddedToken& a, const AddedToken& b) {
    return a.text.size() > b.text.size();
  });
  for (auto& list : by_first_) list.clear();
  for (std::size_t i = 0; i < tokens_.size(); ++i)
    by_first_[static_cast<unsigned char>(tokens_[i].text.front())].push_back(i);
}

const AddedToken* AddedTokens::at(std::string_view text) const {
  for (const std::size_t i : by_first_[static_cast<unsigned char>(text.front())])
    if (text.starts_with(tokens_[i].text)) return &tokens_[i];
  return nullptr;
}

void AddedTokens::cut(std::string_view text, bool special,
                      const std::function<void(std::string_view)>& plain,
                      const std::function<void(const AddedToken&)>& found) const {
  std::size_t done = 0;
  for (std::size_t i = 0; i < text.size();) {
    const AddedToken* token = at(text.substr(i));
    if (token == nullptr) {
      ++i;
      continue;
    }
    std::size_t end = i + token->text.size();
    if (token->special && !special) {
      i = end;
      continue;
    }
    std::string_view before = text.substr(done, i - done);
    if (token->lstrip) before.remove_suffix(trailing_space(before));
    if (!before.empty()) plain(before);
    found(*token);
    if (token->rstrip) end += leading_space(text.substr(end));
    done = end;
    i = end;
  }
  if (done < text.size()) plain(text.substr(done));
}

}  // namespace strop::trainer
