#include "trainer/model/rope.h"

#include <cmath>
#include <numbers>
#include <stdexcept>
#include <string>

namespace strop::trainer {
namespace {

using nlohmann::json;
using torch::Tensor;

constexpr double kBetaFast = 32;  // of YaRN, where the file does not say
constexpr double kBetaSlow = 1;
constexpr double kRampWidth = 0.001;  // of a ramp that has none

bool given(const json& in, const char* key) { return in.contains(key) && !in.at(key).is_null(); }

double number(const json& in, const char* key, double otherwise) {
  return given(in, key) ? in.at(key).get<double>() : otherwise;
}

// YaRN, eq. 22: what attention is sharpened by.
double yarn_attention(double factor, double strength = 1) {
  return factor <= 1 ? 1 : 0.1 * strength * std::log(factor) + 1;
}

void read_yarn(const json& in, std::int64_t max_positions, Rope& out) {
  out.original_positions =
      number(in, "original_max_position_embeddings", static_cast<double>(max_positions));
  out.low = number(in, "beta_slow", kBetaSlow);
  out.high = number(in, "beta_fast", kBetaFast);
  out.whole = in.value("truncate", true);
  const double one = number(in, "mscale", 0);
  const double all = number(in, "mscale_all_dim", 0);
  const double usual = one != 0 && all != 0
                           ? yarn_attention(out.factor, one) / yarn_attention(out.factor, all)
                           : yarn_attention(out.factor);
  out.attention = number(in, "attention_factor", usual);
}

// The coordinate that turns so many times within the positions of the base.
double coordinate_of(double turns, const Rope& rope, double dimensions) {
  return dimensions * std::log(rope.original_positions / (turns * 2 * std::numbers::pi)) /
         (2 * std::log(rope.theta));
}

Tensor yarn(const Tensor& plain, const Rope& rope) {
  const double half = static_cast<double>(plain.size(0));
  double first = coordinate_of(rope.high, rope, 2 * half);
  double last = coordinate_of(rope.low, rope, 2 * half);
  if (rope.whole) {
    first = std::floor(first);
    last = std::ceil(last);
  }
  first = std::max(first, 0.0);
  last = std::min(last, 2 * half - 1);
  if (first == last) last += kRampWidth;
  const Tensor ramp =
      ((torch::arange(plain.size(0), torch::kFloat64) - first) / (last - first)).clamp(0, 1);
  return plain / rope.factor * ramp + plain * (1 - ramp);
}

// Slow coordinates are slowed down, fast ones stay, those between are in between.
Tensor llama3(const Tensor& plain, const Rope& rope) {
  const Tensor turns = rope.original_positions * plain / (2 * std::numbers::pi);
  const Tensor kept = ((turns - rope.low) / (rope.high - rope.low)).clamp(0, 1);
  return plain / rope.factor * (1 - kept) + plain * kept;
}

}  // namespace

Rope rope_from_json(const json& config, std::int64_t max_positions) {
  const json parameters = config.value("rope_parameters", json());
  const json in = parameters.is_object() ? parameters : config.value("rope_scaling", json());
  Rope out;
  out.theta = number(config, "rope_theta", out.theta);
  if (in.is_object()) {
    out.theta = number(in, "rope_theta", out.theta);
    const std::string type = in.value("rope_type", in.value("type", "default"));
    if (type == "linear")
      out.scaling = RopeScaling::kLinear;
    else if (type == "llama3")
      out.scaling = RopeScaling::kLlama3;
    else if (type == "yarn")
      out.scaling = RopeScaling::kYarn;
    // "dynamic" differs beyond the positions that the model was made for, and there we do not go.
    else if (type != "default" && type != "dynamic")
      throw std::runtime_error("rope scaling '" + type +
                               "' is not supported (linear, dynamic, llama3 and yarn are)");
    if (out.scaling != RopeScaling::kNone) out.factor = in.at("factor").get<double>();
    if (out.scaling == RopeScaling::kYarn) read_yarn(in, max_positions, out);
    if (out.scaling == RopeScaling::kLlama3) {
      out.low = in.at("low_freq_factor").get<double>();
      out.high = in.at("high_freq_factor").get<double>();
      out.original_positions = in.at("original_max_position_embeddings").get<double>();
    }
  }
  if (!(out.factor > 0) || !(out.theta > 0))
    throw std::runtime_error("rope_theta and the rope scaling's factor must be positive");
  const bool ramp = out.scaling == RopeScaling::kLlama3 || out.scaling == RopeScaling::kYarn;
  if (ramp && !(out.original_positions > 0 && out.low > 0 && out.high > out.low))
    throw std::runtime_error(
        "the rope scaling's original_max_position_embeddings and low bound must be positive, and "
        "its high bound above the low one");
  return out;
}

void rope_to_json(const Rope& rope, json& config) {
  config["rope_theta"] = rope.theta;
  json out{{"factor", rope.factor}};
  switch (rope.scaling) {
    case RopeScaling::kNone:
      return;
    case RopeScaling::kLinear:
      out["type"] = "linear";
      break;
    case RopeScaling::kLlama3:
      out["rope_type"] = "llama3";
      out["low_freq_factor"] = rope.low;
      out["high_freq_factor"] = rope.high;
      out["original_max_position_embeddings"] = rope.original_positions;
      break;
    case RopeScaling::kYarn:
      out["rope_type"] = "yarn";
      out["beta_slow"] = rope.low;
      out["beta_fast"] = rope.high;
      out["truncate"] = rope.whole;
      out["attention_factor"] = rope.attention;
      out["original_max_position_embeddings"] = rope.original_positions;
      break;
  }
  config["rope_scaling"] = out;
}

Tensor rope_frequencies(const Rope& rope, std::int64_t head_dim) {
  const Tensor share =
      torch::arange(0, head_dim, 2, torch::kFloat64) / static_cast<double>(head_dim);
  Tensor plain = torch::pow(rope.theta, -share);
  switch (rope.scaling) {
    case RopeScaling::kLinear:
      return plain / rope.factor;
    case RopeScaling::kLlama3:
      return llama3(plain, rope);
    case RopeScaling::kYarn:
      return yarn(plain, rope);
    default:
      return plain;
  }
}

}  // namespace strop::trainer
