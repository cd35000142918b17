// What became of the texts that the simulated developer accepted: followed naively, judged when the
// document is closed.
#include <algorithm>

#include "simulation/typed_text.h"
#include "simulation/typist.h"

namespace strop::simulation {
namespace {

constexpr double kFinalMs = 300'000;  // CONTRACTS: what happens later is not told

}  // namespace

void Typist::watch(std::size_t truth, std::size_t begin, const std::string& text) {
  Region region;
  region.truth = truth;
  region.begin = begin;
  region.end = begin + text.size();
  region.text = text;
  region.at_ms = editor_.now();
  regions_.push_back(std::move(region));
}

void Typist::rebase(Editor::Change change, std::string_view replaced) {
  // A text that is put where it begins already, as accepted ones are, changes what is new in it.
  if (hand_ != Hand::kBranch) {
    const std::size_t same = agreement(replaced, change.with);
    change.begin += same;
    change.with.erase(0, same);
  }
  const std::size_t end = change.begin + change.with.size();
  for (Region& region : regions_) {
    const auto moved = [&](std::size_t at) { return at - change.end + end; };
    if (hand_ == Hand::kUndo && region.begin == region.end && change.begin == region.begin) {
      region.end = end;  // done again where nothing was left
      continue;
    }
    if (change.end <= region.begin) {
      region.begin = moved(region.begin);
      region.end = moved(region.end);
      continue;
    }
    if (change.begin >= region.end) {
      const std::string_view between =
          std::string_view(editor_.text()).substr(region.end, change.begin - region.end);
      const bool in_its_line = between.find('\n') == std::string_view::npos;
      region.doubtful = region.doubtful || (region.cut && in_its_line && hand_ != Hand::kDeveloper);
      continue;
    }
    region.cut = region.cut || (change.end >= region.end && change.with.empty());
    region.end = std::max(moved(std::max(region.end, change.end)), end);
    region.begin = std::min(region.begin, change.begin);
    region.formatted = region.formatted || hand_ == Hand::kFormatter;
    region.undone = region.undone || hand_ == Hand::kUndo;
    region.switched = region.switched || hand_ == Hand::kBranch;
  }
}

void Typist::judge_fates() {
  for (const Region& region : regions_) {
    Truth& truth = truths_[region.truth];
    if (region.switched || region.doubtful || region.text.empty() ||
        editor_.now() - region.at_ms > kFinalMs - 10'000)
      continue;
    const bool kept =
        editor_.text().compare(region.begin, region.end - region.begin, region.text) == 0;
    truth.fate = region.undone      ? "undone"
                 : kept             ? "kept"
                 : region.formatted ? "formatted"
                                    : "changed";
  }
  regions_.clear();
}

void Typist::run_late(bool now) {
  if (!late_ || (!now && editor_.now() < late_->due_ms)) return;
  editor_.send(std::exchange(late_, std::nullopt)->told);
}

}  // namespace strop::simulation
