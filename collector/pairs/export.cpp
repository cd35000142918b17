#include "collector/pairs/export.h"

#include "collector/pairs/extent.h"
#include "schema/secrets.h"

namespace strop::collector {
namespace {

std::size_t scrub_text(std::string& text) {
  const std::size_t found = schema::scan_secrets(text).size();
  if (found > 0) text = schema::scrub_secrets(text);
  return found;
}

std::size_t scrub_context(schema::PreferencePair& pair) {
  return scrub_text(pair.prefix) + scrub_text(pair.suffix);
}

// An empty file's prompt is the token that ends a text before it, as strop-trainer has it: a
// trainer can do nothing with an empty one.
std::string prompt_of(const schema::PreferencePair& pair, schema::FimFamily family) {
  std::string prompt = schema::fim_prompt_text(family, pair.prefix, pair.suffix);
  return prompt.empty() ? std::string(schema::fim_end_token(family)) : prompt;
}

}  // namespace

std::optional<std::size_t> scrub(schema::PreferencePair& pair) {
  const Sides sides{pair.prefix, pair.suffix, pair.chosen, pair.rejected};
  if (holds_secret(sides, pair.chosen) || holds_secret(sides, pair.rejected)) return std::nullopt;
  return scrub_context(pair);
}

std::optional<std::size_t> scrub(schema::UnpairedExample& example) {
  const Sides sides{example.about.prefix, example.about.suffix, "", ""};
  if (holds_secret(sides, example.completion)) return std::nullopt;
  return scrub_context(example.about);
}

nlohmann::json to_trl(const schema::PreferencePair& pair, schema::FimFamily family) {
  return {
      {"prompt", prompt_of(pair, family)}, {"chosen", pair.chosen}, {"rejected", pair.rejected}};
}

nlohmann::json to_trl(const schema::UnpairedExample& example, schema::FimFamily family) {
  return {{"prompt", prompt_of(example.about, family)},
          {"completion", example.completion},
          {"label", example.label}};
}

}  // namespace strop::collector
