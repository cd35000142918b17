#include "schema/fim.h"

#include <array>
#include <utility>

#include "schema/blank.h"

namespace strop::schema {
namespace {

struct Template {
  std::string_view name;
  FimFamily family;
  std::string_view prefix;
  std::string_view suffix;
  std::string_view middle;
  std::string_view end;
};

constexpr std::array<Template, 6> kTemplates{{
    {"strop", FimFamily::kStrop, "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>",
     "<|endoftext|>"},
    {"qwen", FimFamily::kQwen, "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>",
     "<|endoftext|>"},
    {"starcoder2", FimFamily::kStarCoder2, "<fim_prefix>", "<fim_suffix>", "<fim_middle>",
     "<|endoftext|>"},
    {"deepseek", FimFamily::kDeepSeek, "<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>",
     "<｜end▁of▁sentence｜>"},
    {"codellama", FimFamily::kCodeLlama, "<PRE>", "<SUF>", "<MID>", "<EOT>"},
    {"codestral", FimFamily::kCodestral, "[PREFIX]", "[SUFFIX]", "", "</s>"},
}};

const Template& template_of(FimFamily family) {
  for (const Template& candidate : kTemplates)
    if (candidate.family == family) return candidate;
  return kTemplates.front();
}

}  // namespace

std::optional<FimFamily> fim_family(std::string_view name) {
  for (const Template& candidate : kTemplates)
    if (candidate.name == name) return candidate.family;
  return std::nullopt;
}

std::vector<PromptPiece> fim_prompt(FimFamily family, std::string_view prefix,
                                    std::string_view suffix) {
  if (is_blank(suffix)) return {{std::string(prefix), false}};
  const Template& t = template_of(family);
  const auto special = [](std::string_view name) { return PromptPiece{std::string(name), true}; };
  const PromptPiece before{std::string(prefix), false};
  const PromptPiece after{std::string(suffix), false};
  if (family == FimFamily::kCodestral) return {special(t.suffix), after, special(t.prefix), before};
  return {special(t.prefix), before, special(t.suffix), after, special(t.middle)};
}

std::string fim_prompt_text(FimFamily family, std::string_view prefix, std::string_view suffix) {
  std::string out;
  for (const PromptPiece& piece : fim_prompt(family, prefix, suffix)) {
    // CodeLlama's text form sets its markers off with spaces.
    if (family == FimFamily::kCodeLlama && piece.special)
      out += (out.empty() ? "" : " ") + piece.text + (piece.text == "<PRE>" ? " " : "");
    else
      out += piece.text;
  }
  return out;
}

std::string_view fim_end_token(FimFamily family) { return template_of(family).end; }

}  // namespace strop::schema
