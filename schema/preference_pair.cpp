#include "schema/preference_pair.h"

#include <stdexcept>

namespace strop::schema {

using nlohmann::json;

namespace {

// What pairs and unpaired examples have in common.
json common_to_json(const PreferencePair& pair) {
  json dimensions = json::object();
  for (const auto& [name, vote] : pair.dimensions)
    dimensions[name] = {
        {"winner", vote.winner}, {"source", vote.source}, {"confidence", vote.confidence}};
  json out{{"v", kPairVersion},
           {"id", pair.id},
           {"language", pair.language},
           {"repo", pair.repo},
           {"path_ext", pair.path_ext},
           {"prefix", pair.prefix},
           {"suffix", pair.suffix},
           {"kind", pair.kind},
           {"epsilon", pair.epsilon},
           {"weight", pair.weight},
           {"dimensions", std::move(dimensions)},
           {"contributor", pair.contributor},
           {"model", pair.model},
           {"prompt", pair.prompt},
           {"split", pair.split},
           {"t", pair.t},
           {"events", pair.events}};
  if (pair.arm) out["arm"] = *pair.arm;
  return out;
}

// Reading throws inside this file alone; the functions below turn it into the returned message.
PreferencePair common_from_json(const json& in) {
  if (in.at("v").get<int>() != kPairVersion)
    throw std::runtime_error("version " + in.at("v").dump() + " is not one this build reads (1)");
  PreferencePair out;
  out.id = in.value("id", "");
  out.language = in.value("language", "");
  out.repo = in.value("repo", "");
  out.path_ext = in.value("path_ext", "");
  out.prefix = in.at("prefix").get<std::string>();
  out.suffix = in.value("suffix", "");
  out.kind = in.value("kind", "");
  out.epsilon = in.value("epsilon", 0.0);
  out.weight = in.value("weight", 1.0);
  if (auto found = in.find("dimensions"); found != in.end())
    for (const auto& [name, vote] : found->items())
      out.dimensions[name] = {vote.value("winner", ""), vote.value("source", ""),
                              vote.value("confidence", 0.0)};
  out.contributor = in.value("contributor", "");
  out.model = in.value("model", "");
  if (auto found = in.find("arm"); found != in.end() && found->is_string())
    out.arm = found->get<std::string>();
  out.prompt = in.value("prompt", "rebuilt");
  out.split = in.value("split", "train");
  out.t = in.value("t", 0.0);
  out.events = in.value("events", std::vector<std::string>{});
  if (!(out.epsilon >= 0 && out.epsilon < 0.5))
    throw std::runtime_error("field 'epsilon' must lie in [0, 0.5)");
  if (!(out.weight >= 0)) throw std::runtime_error("field 'weight' must not be negative");
  return out;
}

}  // namespace

nlohmann::json pair_to_json(const PreferencePair& pair) {
  json out = common_to_json(pair);
  out["chosen"] = pair.chosen;
  out["rejected"] = pair.rejected;
  return out;
}

tl::expected<PreferencePair, std::string> pair_from_json(const nlohmann::json& in) {
  try {
    PreferencePair out = common_from_json(in);
    out.chosen = in.at("chosen").get<std::string>();
    out.rejected = in.at("rejected").get<std::string>();
    return out;
  } catch (const std::exception& error) {
    return tl::unexpected(std::string("not a preference pair: ") + error.what());
  }
}

nlohmann::json example_to_json(const UnpairedExample& example) {
  json out = common_to_json(example.about);
  out["completion"] = example.completion;
  out["label"] = example.label;
  return out;
}

tl::expected<UnpairedExample, std::string> example_from_json(const nlohmann::json& in) {
  try {
    UnpairedExample out;
    out.about = common_from_json(in);
    out.completion = in.at("completion").get<std::string>();
    out.label = in.at("label").get<bool>();
    return out;
  } catch (const std::exception& error) {
    return tl::unexpected(std::string("not an unpaired example: ") + error.what());
  }
}

}  // namespace strop::schema
