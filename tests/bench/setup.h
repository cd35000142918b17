// What the measurements of strop-agent share: the programs, what may lie between, where state goes.
//
// Owns a folder that is the agents' home for the time. One thread. Errors are exceptions.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "bench/connection.h"
#include "bench/rows.h"
#include "bench/source_code.h"
#include "support/temporary_folder.h"

namespace strop::bench {

struct Programs {
  std::string agent;
  std::string pump;
  std::string server;
  std::string relays;  // a folder with public relays' commands besides PATH; empty: none
};

class Setup {
 public:
  // `scale`: how much is measured, 1 for figures to be told. Sets HOME and XDG_* of this process.
  Setup(Programs programs, double scale);

  const Programs& programs() const { return programs_; }
  // `whole` at scale 1, at least `least`.
  int count(int whole, int least = 1) const;

  // Nothing, the pump, the agent in its modes, and the public relays there are. Direct is first,
  // the pump second.
  std::vector<Line> lines() const;
  Line direct() const { return {"direct", {}}; }
  Line pump() const { return {"pump", {programs_.pump}}; }
  Line agent_off() const;
  Line agent_full() const;

  // Of a file in the workspace that consented.
  std::string uri(int number) const;
  std::filesystem::path workspace() const { return home_ / "work"; }
  std::filesystem::path state() const { return home_ / "state" / "strop"; }
  std::filesystem::path home() const { return home_.path(); }

 private:
  Programs programs_;
  double scale_;
  support::TemporaryFolder home_;
};

void measure_round_trips(const Setup& setup, Report& report);
void measure_large_messages(const Setup& setup, Report& report);
void measure_start(const Setup& setup, Report& report);
void measure_keystrokes(const Setup& setup, Report& report);
void measure_memory(const Setup& setup, Report& report);
void measure_gate(const Setup& setup, Report& report);

}  // namespace strop::bench
