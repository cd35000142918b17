#include "agent/past_suggestions.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace strop::agent {

PastSuggestions::Name PastSuggestions::name_of(std::string_view text) {
  return std::hash<std::string_view>{}(text);
}

void PastSuggestions::keep(const schema::Event& header, std::vector<Name> names) {
  if (names.size() > kMaxNames)
    names.erase(names.begin(), names.end() - static_cast<std::ptrdiff_t>(kMaxNames));
  std::erase_if(
      past_, [&header](const Past& past) { return past.header.suggestion == header.suggestion; });
  past_.push_back({header, std::move(names)});
  if (past_.size() > most_) past_.pop_front();
}

const schema::Event* PastSuggestions::by_name(Name name) const {
  for (auto past = past_.rbegin(); past != past_.rend(); ++past)
    if (std::find(past->names.begin(), past->names.end(), name) != past->names.end())
      return &past->header;
  return nullptr;
}

const schema::Event* PastSuggestions::by_id(std::string_view suggestion) const {
  for (auto past = past_.rbegin(); past != past_.rend(); ++past)
    if (past->header.suggestion == suggestion) return &past->header;
  return nullptr;
}

}  // namespace strop::agent
