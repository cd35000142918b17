#include "trainer/model_card.h"

#include <cmath>
#include <cstdio>
#include <filesystem>

namespace strop::trainer {
namespace {

using nlohmann::json;

std::string number(const json& value) {
  if (!value.is_number() || std::isnan(value.get<double>())) return "not measured";
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value.get<double>());
  return text;
}

// Quoted as JSON, which YAML reads.
std::string front(const Recipe& recipe) {
  return "---\nbase_model: " + json(recipe.base).dump() +
         "\nlibrary_name: " + (recipe.train.full ? "transformers" : "peft") +
         "\npipeline_tag: text-generation\ntags: [code, " + method_name(recipe.method) +
         (recipe.train.full ? "" : ", lora") + "]\n---\n";
}

std::string lineage(const Recipe& recipe, const json& summary) {
  const json& left_out = summary.at("left_out");
  std::string reasons;
  for (const auto& [reason, count] : left_out.items())
    reasons += (reasons.empty() ? "" : ", ") + reason + " " + count.dump();
  return "## Lineage\n\n| | |\n|---|---|\n| base | `" + recipe.base +
         "`, SHA-256 of its weights `" + summary.at("base_sha256").get<std::string>() +
         "` |\n| learnt from | " + summary.at("pairs").dump() + " of `" +
         std::filesystem::path(recipe.pairs).filename().string() + "`, SHA-256 `" +
         summary.at("pairs_sha256").get<std::string>() + "` |\n| left out of it | " + reasons +
         " |\n| made by | strop-trainer " STROP_VERSION ", `" + method_name(recipe.method) + "`, " +
         summary.at("steps").dump() + " steps |\n\n";
}

std::string measures(const json& summary) {
  std::string out = "## Measures of the run\n\n| | first | last |\n|---|---|---|\n";
  const auto row = [&](const char* name, const json& from) {
    out += std::string("| ") + name + " | " + number(from.at("first")) + " | " +
           number(from.at("last")) + " |\n";
  };
  row("loss", summary.at("loss"));
  row("of what was wanted, nats a token", summary.at("likelihood_loss"));
  if (const auto rewards = summary.find("rewards"); rewards != summary.end())
    for (const char* name : {"chosen", "rejected", "accuracy"})
      row(("reward: " + std::string(name)).c_str(), rewards->at(name));
  out += "\n";
  const auto heldout = summary.find("heldout");
  if (heldout == summary.end()) return out;
  const json& kept = heldout->contains("best") ? heldout->at("best") : heldout->at("last");
  out +=
      "Of " + heldout->at("pairs").dump() + " held-out ones, after step " + kept.at("step").dump() +
      ", before [train] average took its share of what was learnt: loss " +
      number(kept.at("loss")) +
      (kept.contains("rewards/accuracies") ? ", accuracy " + number(kept.at("rewards/accuracies"))
                                           : "") +
      ".\n\n";
  return out;
}

}  // namespace

std::string model_card(const Recipe& recipe, const json& summary) {
  const std::string base = std::filesystem::path(recipe.base).filename().string();
  return front(recipe) + "# " + (recipe.train.full ? "Of " : "An adapter of ") + base + "\n\n" +
         "Completions as a team's developers want them. Measure it before it is served:\n"
         "`strop-trainer evaluate`. What may be done with it follows from the base's licence and "
         "from whose code it learnt.\n\n" +
         lineage(recipe, summary) + measures(summary) + "## Recipe\n\n```json\n" +
         summary.at("recipe").dump(1) + "\n```\n";
}

}  // namespace strop::trainer
