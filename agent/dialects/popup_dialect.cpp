#include "agent/dialects/popup_dialect.h"

#include <algorithm>
#include <utility>

#include "agent/dialects/json_text.h"
#include "agent/snippet.h"
#include "lsp/types.h"

namespace strop::agent {
namespace {

using lsp::CompletionItem;
using lsp::CompletionItemDefaults;
using nlohmann::json;

void take_default_range(OfferedPopup& offer, const CompletionItemDefaults& defaults) {
  if (!defaults.editRange) return;
  if (const auto* range = std::get_if<lsp::Range>(&*defaults.editRange)) {
    offer.insert = offer.replace = *range;
  } else {
    const auto& both = std::get<lsp::EditRangeWithInsertReplace>(*defaults.editRange);
    offer.insert = both.insert;
    offer.replace = both.replace;
  }
}

OfferedPopup offer_of(const CompletionItem& item, const CompletionItemDefaults& defaults) {
  OfferedPopup offer;
  std::string text;
  if (item.textEdit) {
    if (const auto* edit = std::get_if<lsp::TextEdit>(&*item.textEdit)) {
      text = edit->newText;
      offer.insert = offer.replace = edit->range;
    } else {
      const auto& both = std::get<lsp::InsertReplaceEdit>(*item.textEdit);
      text = both.newText;
      offer.insert = both.insert;
      offer.replace = both.replace;
    }
  } else {
    take_default_range(offer, defaults);
    text = defaults.editRange && item.textEditText ? *item.textEditText
                                                   : item.insertText.value_or(item.label);
  }
  const auto format = item.insertTextFormat ? item.insertTextFormat : defaults.insertTextFormat;
  offer.text = format == lsp::InsertTextFormat::kSnippet ? expand_snippet(text) : text;
  const auto mode = item.insertTextMode ? item.insertTextMode : defaults.insertTextMode;
  offer.adjusts_indentation = mode != lsp::InsertTextMode::kAsIs;
  offer.sort_key = item.sortText.value_or(item.label);
  offer.filter = item.filterText.value_or(item.label);
  if (item.data) {
    const json& data = *item.data;
    for (const char* name : {"eventId", "completionId"})
      if (const json& mark = field_of(data, name); !mark.is_null() && offer.mark.empty())
        offer.mark = mark.dump();
  }
  return offer;
}

}  // namespace

tl::expected<PopupAnswer, std::string> read_popup_answer(const json& result, std::size_t limit) {
  PopupAnswer out;
  if (result.is_null()) return out;
  const json& items = result.is_object() ? field_of(result, "items") : result;
  if (!items.is_array()) return tl::unexpected<std::string>("items: expected an array");
  CompletionItemDefaults defaults;
  if (const json& given = field_of(result, "itemDefaults"); !given.is_null()) {
    auto read = lsp::parse<CompletionItemDefaults>(given);
    if (!read) return tl::unexpected("itemDefaults." + read.error());
    defaults = std::move(*read);
  }
  for (std::size_t i = 0; i < items.size() && out.items.size() < limit; ++i) {
    auto item = lsp::parse<CompletionItem>(items[i]);
    if (!item) return tl::unexpected("items[" + std::to_string(i) + "]." + item.error());
    OfferedPopup offer = offer_of(*item, defaults);
    if (!offer.text.empty()) out.items.push_back(std::move(offer));
  }
  std::stable_sort(
      out.items.begin(), out.items.end(),
      [](const OfferedPopup& a, const OfferedPopup& b) { return a.sort_key < b.sort_key; });
  const bool tabby = !out.items.empty() && !out.items.front().mark.empty();
  out.dialect = tabby ? "tabby" : "lsp-completion";
  return out;
}

}  // namespace strop::agent
