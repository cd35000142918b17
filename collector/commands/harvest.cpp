#include "collector/commands/harvest.h"

#include <algorithm>

#include "collector/secret_key.h"
#include "collector/store/open_store.h"
#include "collector/usage.h"

namespace strop::collector {
namespace {

std::optional<SplitBy> split_by(const std::string& word) {
  for (const SplitBy by : {SplitBy::kRepository, SplitBy::kDocument, SplitBy::kNone})
    if (to_word(by) == word) return by;
  if (word == "auto") return std::nullopt;
  throw UsageError("--split-by takes auto, repository, document or none, not '" + word + "'");
}

HarvestOptions options_of(const HarvestFlags& flags) {
  HarvestOptions options;
  if (!(flags.heldout_share >= 0 && flags.heldout_share < 1))
    throw UsageError("--heldout-share takes a number from 0 to below 1, such as 0.1");
  options.heldout_share = flags.heldout_share;
  options.split_by = split_by(flags.split_by);
  for (const std::string& vendor : flags.allowed_vendors) {
    if (vendor == "unnamed") {
      options.pairs.unnamed_servers = true;
      continue;
    }
    auto& vendors = options.pairs.other_vendors;
    const auto found = std::find(vendors.begin(), vendors.end(), vendor);
    if (found == vendors.end()) {
      std::string known;
      for (const std::string& name : vendors) known += name + ", ";
      throw UsageError("--allow-vendor knows " + known + "unnamed, not '" + vendor + "'");
    }
    vendors.erase(found);
  }
  return options;
}

std::string split_key(const HarvestFlags& flags, const std::string& store) {
  if (flags.split_key.empty() && is_database(store))
    throw UsageError(
        "which split key? A database has no file beside it: give --split-key FILE, "
        "the same every time");
  return read_or_make_key(flags.split_key.empty() ? store + ".split.key" : flags.split_key,
                          "split key", "what was held out will be trained on");
}

}  // namespace

void add_harvest_options(CLI::App& command, HarvestFlags& flags) {
  add_store_options(command, flags.store);
  command.add_option("--split-key", flags.split_key,
                     "File of the key that decides what is held out, made if need be and never "
                     "changed (default: STORE.split.key)");
  command.add_option("--heldout-share", flags.heldout_share,
                     "So much of all places is held out (default 0.1)");
  command.add_option("--split-by", flags.split_by,
                     "What is held out whole: repository, document, none, or auto: whichever there "
                     "are enough of (default auto)");
  command.add_option("--allow-vendor", flags.allowed_vendors,
                     "Another vendor whose suggestions may make pairs, see its terms of use; or "
                     "unnamed: servers whose name the events lack");
}

HarvestRun::HarvestRun(const HarvestFlags& flags)
    : store_(open_store(flags.store, StoreAccess::kRead)) {
  HarvestOptions options = options_of(flags);
  store_->hold_view();
  harvest_ =
      std::make_unique<Harvest>([this](const auto& visit) { read(visit); }, std::move(options),
                                split_key(flags, store_location(flags.store)));
  report_ = harvest_->survey();
}

void HarvestRun::read(const std::function<void(SuggestionHistory)>& visit) {
  HistoryBuilder builder;
  store_->scan_suggestions([&](const std::vector<StoredEvent>& events) {
    for (const StoredEvent& event : events)
      builder.add(event.name(), schema::to_hex(event.key.epoch), event.contributor, event.payload);
    for (SuggestionHistory& history : builder.take()) visit(std::move(history));
    return true;
  });
  unreadable_ = builder.unreadable();
}

}  // namespace strop::collector
