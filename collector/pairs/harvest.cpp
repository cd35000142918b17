#include "collector/pairs/harvest.h"

#include "collector/pairs/duplicates.h"

namespace strop::collector {
namespace {

Origin origin_of(const SuggestionHistory& history) {
  const schema::Event& header = history.header;
  return {history.contributor, header.repo.value_or(""), header.path.value_or(header.uri)};
}

void count(Weights& weights, const schema::PreferencePair& pair) {
  weights.count(pair.contributor, pair.language, pair.kind);
}

}  // namespace

HarvestReport Harvest::survey() {
  HarvestReport report;
  Duplicates duplicates;
  SplitChooser chooser;
  std::map<std::string, std::pair<Origin, std::uint64_t>> by_document;  // pairs of each
  std::set<std::string> contributors;
  pair_weights_ = Weights(options_.weights);
  example_weights_ = Weights(options_.weights);
  source_([&](const SuggestionHistory& history) {
    ++report.suggestions;
    const Derivation derived = derive_pairs(history, options_.pairs);
    for (const std::string& reason : derived.discards) ++report.discards[reason];
    const Origin origin = origin_of(history);
    for (const schema::PreferencePair& pair : derived.pairs) {
      if (!duplicates.add(pair)) {
        ++report.discards["duplicate"];
        continue;
      }
      ++report.pairs[pair.kind];
      ++report.languages[pair.language];
      contributors.insert(pair.contributor);
      count(pair_weights_, pair);
      chooser.see(origin);
      auto& [place, pairs] =
          by_document[origin.contributor + '\n' + origin.repository + '\n' + origin.document];
      place = origin;
      ++pairs;
    }
    for (const schema::UnpairedExample& example : derived.examples) {
      if (!duplicates.add(example)) continue;
      ++(example.label ? report.wanted : report.unwanted);
      count(example_weights_, example.about);
    }
  });
  pair_weights_.settle();
  example_weights_.settle();
  splitter_.emplace(key_, options_.split_by.value_or(chooser.choose()), options_.heldout_share);
  for (const auto& [name, document] : by_document)
    (splitter_->side(document.first) == "train" ? report.train : report.heldout) += document.second;
  report.contributors = contributors.size();
  report.split_by = splitter_->by();
  report.heldout_share = splitter_->share();
  report.groups = chooser.groups();
  report.documents = chooser.documents();
  return report;
}

void Harvest::finish(schema::PreferencePair& pair, const Origin& origin,
                     const Weights& weights) const {
  pair.weight = weights.of(pair.contributor, pair.language, pair.kind);
  pair.split = splitter_->side(origin);
  pair.repo = splitter_->repository_pseudonym(pair.repo);
}

void Harvest::each_pair(const std::function<void(const schema::PreferencePair&)>& visit) const {
  Duplicates duplicates;
  source_([&](const SuggestionHistory& history) {
    Derivation derived = derive_pairs(history, options_.pairs);
    for (schema::PreferencePair& pair : derived.pairs) {
      if (!duplicates.add(pair)) continue;
      finish(pair, origin_of(history), pair_weights_);
      visit(pair);
    }
  });
}

void Harvest::each_example(const std::function<void(const schema::UnpairedExample&)>& visit) const {
  Duplicates duplicates;
  source_([&](const SuggestionHistory& history) {
    Derivation derived = derive_pairs(history, options_.pairs);
    for (schema::UnpairedExample& example : derived.examples) {
      if (!duplicates.add(example)) continue;
      finish(example.about, origin_of(history), example_weights_);
      visit(example);
    }
  });
}

}  // namespace strop::collector
