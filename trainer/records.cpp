#include "trainer/records.h"

#include <fstream>
#include <stdexcept>

#include "schema/blank.h"

namespace strop::trainer {
namespace {

using nlohmann::json;

// Thrown and caught inside this file: what is wrong with a line, and what to do about it.
struct Fault : std::runtime_error {
  Fault(const std::string& what, std::string remedy)
      : std::runtime_error(what), to_do(std::move(remedy)) {}
  std::string to_do;
};

constexpr const char* kMend = "Mend or remove that line";

bool has(const json& line, const char* field) { return line.contains(field); }

std::string text_of(const json& line, const char* field, bool may_be_empty = false) {
  const std::string name = "field '" + std::string(field) + "'";
  if (!has(line, field)) throw Fault(name + " is missing", kMend);
  const json& value = line.at(field);
  if (value.is_array())
    throw Fault(name + " is a list of messages, and this trainer reads text",
                "Write the conversation as text, by the model's chat template");
  if (!value.is_string()) throw Fault(name + " must be a string, not " + value.type_name(), kMend);
  auto text = value.get<std::string>();
  if (text.empty() && !may_be_empty) throw Fault(name + " is empty", kMend);
  return text;
}

double number_of(const json& line, const char* field, double usual) {
  if (!has(line, field)) return usual;
  if (!line.at(field).is_number())
    throw Fault(
        "field '" + std::string(field) + "' must be a number, not " + line.at(field).type_name(),
        kMend);
  return line.at(field).get<double>();
}

void read_beside(const json& line, schema::PreferencePair& into) {
  into.epsilon = number_of(line, "epsilon", 0);
  into.weight = number_of(line, "weight", 1);
  if (!(into.epsilon >= 0 && into.epsilon < 0.5))
    throw Fault("field 'epsilon' must lie in [0, 0.5)", kMend);
  if (!(into.weight >= 0)) throw Fault("field 'weight' must not be negative", kMend);
  if (has(line, "split")) into.split = text_of(line, "split");
  if (into.split != "train" && into.split != "heldout")
    throw Fault("field 'split' must be \"train\" or \"heldout\"", kMend);
}

Record from_strop(const json& line) {
  Record out;
  if (has(line, "label")) {
    auto example = schema::example_from_json(line);
    if (!example) throw Fault(example.error(), "Mend or remove that line, or export anew");
    out.pair = std::move(example->about);
    out.pair.chosen = std::move(example->completion);
    out.is_pair = false;
    out.wanted = example->label;
    return out;
  }
  auto pair = schema::pair_from_json(line);
  if (!pair) throw Fault(pair.error(), "Mend or remove that line, or export the pairs anew");
  out.pair = std::move(*pair);
  return out;
}

Record from_others(const json& line) {
  if (has(line, "messages"))
    throw Fault("'messages' is a conversation, and this trainer reads text",
                "Write it as 'text', by the model's chat template");
  Record out;
  out.form = Record::Form::kPrompt;
  read_beside(line, out.pair);
  if (has(line, "text")) {
    out.form = Record::Form::kText;
    out.is_pair = false;
    out.pair.chosen = text_of(line, "text");
    return out;
  }
  const bool paired = has(line, "chosen") || has(line, "rejected");
  if (paired && !has(line, "prompt"))
    throw Fault("field 'prompt' is missing: chosen and rejected hold it too",
                "Take what they begin with alike out of both, and name it prompt");
  if (!paired && !has(line, "prompt") && !has(line, "completion"))
    throw Fault("none of the forms that are known",
                "A line is one of strop-collector export, {prompt, chosen, rejected}, "
                "{prompt, completion}, {prompt, completion, label} or {text}");
  out.pair.prefix = text_of(line, "prompt", true);
  if (paired) {
    out.pair.chosen = text_of(line, "chosen");
    out.pair.rejected = text_of(line, "rejected");
    return out;
  }
  out.is_pair = false;
  out.pair.chosen = text_of(line, "completion");
  if (!has(line, "label")) return out;
  if (!line.at("label").is_boolean())
    throw Fault(
        std::string("field 'label' must be true or false, not ") + line.at("label").type_name(),
        kMend);
  out.wanted = line.at("label").get<bool>();
  return out;
}

void check_use(const Record& record, bool has_label, Method method) {
  if (method == Method::kKto && !has_label)
    throw Fault(record.is_pair ? "a pair, and kto learns from single completions with a label"
                               : "field 'label' is missing, by which kto learns",
                "Export with --unpaired, or take " +
                    std::string(record.is_pair ? "dpo for pairs" : "sft for what has no label"));
  if (method == Method::kKto) return;
  if (has_label)
    throw Fault(
        std::string("an unpaired example, which ") + method_name(method) + " cannot learn from",
        "Take kto for it, or export without --unpaired");
  if (method == Method::kDpo && !record.is_pair)
    throw Fault("no pair of chosen and rejected, by which dpo learns", "Take sft for it");
}

Record record_of(const std::string& text, Method method) {
  const json line = json::parse(text, nullptr, false);
  if (!line.is_object())
    throw Fault("not a JSON object", "Mend or remove that line, or export anew");
  Record out = has(line, "prefix") || has(line, "v") ? from_strop(line) : from_others(line);
  check_use(out, has(line, "label"), method);
  return out;
}

}  // namespace

tl::expected<std::vector<Record>, std::string> read_records(const std::string& file,
                                                            Method method) {
  std::ifstream in(file, std::ios::binary);
  if (!in)
    return tl::unexpected("cannot read " + file + ": strop-collector export writes such a file");
  std::vector<Record> out;
  std::size_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (schema::is_blank(line)) continue;
    try {
      out.push_back(record_of(line, method));
    } catch (const Fault& fault) {
      return tl::unexpected(file + ":" + std::to_string(number) + ": " + fault.what() + ". " +
                            fault.to_do + ".");
    }
  }
  if (in.bad()) return tl::unexpected("cannot read " + file + " to its end");
  return out;
}

}  // namespace strop::trainer
