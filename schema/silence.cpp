#include "schema/silence.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace strop::schema {
namespace {

using nlohmann::json;

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

double finite(const json& object, const char* field) {
  const auto found = object.find(field);
  if (found == object.end() || !found->is_number() || !std::isfinite(found->get<double>()))
    throw std::runtime_error(std::string("'") + field + "' must be a number");
  return found->get<double>();
}

SilenceHead::Features numbers(const json& object, const char* field) {
  const auto found = object.find(field);
  if (found == object.end() || !found->is_array() || found->size() != SilenceHead::kFeatures)
    throw std::runtime_error(std::string("'") + field + "' must be a list of " +
                             std::to_string(SilenceHead::kFeatures) + " numbers");
  SilenceHead::Features out{};
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (!(*found)[i].is_number() || !std::isfinite((*found)[i].get<double>()))
      throw std::runtime_error(std::string("'") + field + "' must be a list of numbers");
    out.at(i) = (*found)[i].get<double>();
  }
  return out;
}

SilenceHead read_head(const json& in) {
  if (!in.is_object()) throw std::runtime_error("'head' must be an object");
  if (!in.contains("features") || in.at("features") != json(SilenceHead::kNames))
    throw std::runtime_error("'features' are others than this build knows: calibrate anew");
  SilenceHead head;
  head.bias = finite(in, "bias");
  head.weights = numbers(in, "weights");
  head.means = numbers(in, "means");
  head.scales = numbers(in, "scales");
  if (std::any_of(head.scales.begin(), head.scales.end(), [](double s) { return s <= 0; }))
    throw std::runtime_error("'scales' must be above 0");
  const json languages = in.value("languages", json::object());
  if (!languages.is_object()) throw std::runtime_error("'languages' must be an object");
  for (const auto& [name, value] : languages.items())
    head.languages[name] = finite(languages, name.c_str());
  return head;
}

}  // namespace

Prospect prospect_of(double logprob, std::string_view text, std::string_view prefix,
                     std::string_view language) {
  Prospect out;
  out.logprob = logprob;
  out.chars = characters(text);
  out.lines = 1 + static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  out.column = characters(prefix.substr(prefix.rfind('\n') + 1));  // npos + 1 is 0
  out.language = std::string(language);
  return out;
}

double silence_score(double logprob, std::size_t chars) {
  return logprob + 2 * std::log1p(static_cast<double>(chars));
}

SilenceHead::Features SilenceHead::features(const Prospect& prospect) const {
  const auto chars = static_cast<double>(prospect.chars);
  const auto language = languages.find(prospect.language);
  return {prospect.logprob,
          prospect.logprob / std::max(1.0, chars),
          std::log1p(chars),
          std::log(static_cast<double>(std::max<std::size_t>(prospect.lines, 1))),
          std::log1p(static_cast<double>(prospect.column)),
          language == languages.end() ? 0 : language->second};
}

double SilenceHead::probability(const Prospect& prospect) const {
  const Features known = features(prospect);
  double sum = bias;
  for (std::size_t i = 0; i < kFeatures; ++i)
    sum += weights.at(i) * (known.at(i) - means.at(i)) / scales.at(i);
  return 1 / (1 + std::exp(-sum));
}

json silence_to_json(const SilenceRule& rule) {
  json out{{"v", kSilenceVersion}, {"kind", "silence"}, {"threshold", rule.threshold}};
  if (rule.head)
    out["head"] = {{"features", SilenceHead::kNames}, {"bias", rule.head->bias},
                   {"weights", rule.head->weights},   {"means", rule.head->means},
                   {"scales", rule.head->scales},     {"languages", rule.head->languages}};
  return out;
}

tl::expected<SilenceRule, std::string> silence_from_json(const json& in) {
  try {
    if (!in.is_object() || in.value("kind", json()) != "silence")
      return tl::unexpected(std::string("is not what `strop-collector calibrate` writes"));
    if (in.value("v", json()) != kSilenceVersion)
      return tl::unexpected("has version " + in.value("v", json()).dump() +
                            ", not the 1 that this build reads");
    SilenceRule rule;
    rule.threshold = finite(in, "threshold");
    if (in.contains("head")) rule.head = read_head(in.at("head"));
    return rule;
  } catch (const std::exception& error) {
    return tl::unexpected(std::string(error.what()));
  }
}

}  // namespace strop::schema
