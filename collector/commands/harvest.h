// What `pairs` and `export` share: which store, which split, whose output, and the harvest of it.
//
// The options are CLI11's to fill; HarvestRun owns the store and the harvest. One thread. Errors:
// UsageError for options, StoreError for the store.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "collector/commands/options.h"
#include "collector/pairs/harvest.h"

namespace strop::collector {

struct HarvestFlags {
  StoreOptions store;
  std::string split_key;  // file; empty: beside the store
  std::string split_by = "auto";
  double heldout_share = 0.1;
  std::vector<std::string> allowed_vendors;
};

void add_harvest_options(CLI::App& command, HarvestFlags& flags);

class HarvestRun {
 public:
  // Opens the store and surveys it.
  explicit HarvestRun(const HarvestFlags& flags);

  const HarvestReport& report() const { return report_; }
  const Harvest& harvest() const { return *harvest_; }
  std::uint64_t unreadable() const { return unreadable_; }  // events, of the survey
  bool empty() const { return report_.suggestions == 0 && unreadable_ == 0; }

 private:
  void read(const std::function<void(SuggestionHistory)>& visit);

  std::unique_ptr<Store> store_;
  std::uint64_t unreadable_ = 0;
  HarvestReport report_;
  std::unique_ptr<Harvest> harvest_;
};

}  // namespace strop::collector
