#include "agent/inspector.h"

#include <fcntl.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <ostream>
#include <set>
#include <vector>

#include "agent/file_descriptor.h"
#include "agent/privacy/file_judge.h"
#include "agent/privacy/never_list.h"
#include "agent/privacy/pseudonyms.h"
#include "agent/spool_files.h"
#include "agent/spool_store.h"

namespace strop::agent {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kPauseFile = "paused";

constexpr int kFailed = 1;
constexpr int kWrongUsage = 2;

int complain(std::ostream& err, const std::string& what, int code = kFailed) {
  err << "strop-agent: " << what << '\n';
  return code;
}

json to_json(const StoredRecord& record) {
  json out = {{"epoch", schema::to_hex(record.epoch)},
              {"seq", record.seq},
              {"span", record.span},
              {"state", to_word(record.state)},
              {"rule", record.rule},
              {"t_ms", record.t_ms},
              {"bytes", record.bytes}};
  if (!record.rejected.empty()) out["rejected"] = record.rejected;
  return out;
}

void print_counts(std::ostream& out, const char* name,
                  const std::map<std::string, std::uint64_t>& counts) {
  std::uint64_t sum = 0;
  for (const auto& [reason, count] : counts) sum += count;
  out << "  " << name << sum << '\n';
  for (const auto& [reason, count] : counts) out << "      " << reason << ": " << count << '\n';
}

void print_ledger(std::ostream& out, const Ledger& ledger) {
  out << "captured      " << ledger.captured << '\n'
      << "  acked       " << ledger.acked << '\n'
      << "  spooled     " << ledger.spooled << '\n';
  print_counts(out, "rejected    ", ledger.rejected);
  print_counts(out, "suppressed  ", ledger.suppressed);
  print_counts(out, "given up    ", ledger.given_up);
  if (!ledger.suppressed.empty())
    out << "Of what was suppressed nothing was kept but its number and the rule.\n";
}

void print_record(std::ostream& out, const StoredRecord& record) {
  out << "#" << record.seq << " of " << schema::to_hex(record.epoch).substr(0, 8) << ", "
      << to_word(record.state);
  if (!record.rejected.empty()) out << " (" << record.rejected << ")";
  out << ", by rule " << record.rule << ", " << record.bytes.size() << " bytes:\n"
      << record.bytes << "\n\n";
}

}  // namespace

int inspect(const fs::path& state, bool as_json, std::ostream& out, std::ostream& err) {
  const SpoolStore store(state);
  // The ledger first: a record that is captured meanwhile is then shown above what it says, never
  // missing from it.
  const auto ledger = store.ledger();
  if (!ledger) return complain(err, ledger.error());
  if (as_json) {
    // Record by record: a spool may be larger than the memory one would like to spend on it.
    out << "{\"ledger\":" << ledger_to_json(*ledger).dump() << ",\"records\":[";
    bool first = true;
    const auto read = store.each_record([&](const StoredRecord& record) {
      out << (first ? "\n" : ",\n")
          << to_json(record).dump(-1, ' ', false, json::error_handler_t::replace);
      first = false;
      return out.good();
    });
    out << "]}\n";
    return read ? 0 : complain(err, read.error());
  }
  if (is_paused(state)) out << "Capture is paused; `strop-agent resume` goes on.\n\n";
  const auto read = store.each_record([&](const StoredRecord& record) {
    print_record(out, record);
    return out.good();
  });
  if (!read) return complain(err, read.error());
  print_ledger(out, *ledger);
  return 0;
}

int forget(const fs::path& state, const ForgetWhat& what, std::ostream& out, std::ostream& err) {
  SpoolStore store(state);
  std::uint64_t skip = 0;
  if (what.last) {
    std::uint64_t held = 0;
    const auto counted = store.each_record([&](const StoredRecord& record) {
      held += record.state == RecordState::kGap ? 0 : 1;
      return true;
    });
    if (!counted) return complain(err, counted.error());
    skip = held - std::min(held, *what.last);
  }
  const fs::path named = what.file ? fs::absolute(*what.file).lexically_normal() : fs::path();
  const fs::path file = what.file ? fs::weakly_canonical(named) : fs::path();
  std::error_code ignored;
  if (what.file && fs::is_directory(file, ignored))
    return complain(err,
                    file.string() +
                        " is a folder; name one of its files, or have none of them "
                        "captured by a line in .stropignore",
                    kWrongUsage);
  // First, or a running agent captures once more what was just forgotten.
  if (what.file && what.never)
    for (const fs::path& path : std::set<fs::path>{named, file})
      if (const auto listed = NeverList::add(state, path); !listed)
        return complain(err, listed.error());
  const auto pseudonyms = Pseudonyms::read(state);
  const auto is_about = [&](const StoredRecord& record) {
    const json event = json::parse(record.bytes, nullptr, false);
    if (!event.is_object()) return false;
    const std::string uri = event.value("uri", "");
    if (pseudonyms && *pseudonyms)
      for (const fs::path& path : {named, file})
        if (uri == (*pseudonyms)->of_file(path)) return true;
    const auto path = path_of_uri(uri);
    return path && (*path == named || fs::weakly_canonical(*path) == file);
  };
  std::uint64_t seen = 0;
  const auto forgotten = store.forget([&](const StoredRecord& record) {
    if (what.file) return is_about(record);
    return seen++ >= skip;
  });
  if (!forgotten) return complain(err, forgotten.error());
  out << *forgotten << " records forgotten"
      << (*forgotten > 0 ? "; the collector erases its copies when it next hears from here" : "")
      << '\n';
  if (what.file && what.never)
    out << file.string() << " is never captured or sent again, until its lines are taken out of "
        << (state / kNeverFile).string() << '\n';
  if (what.file && !pseudonyms)
    return complain(err, pseudonyms.error() +
                             ". Until then records without texts, which name files by it, cannot "
                             "be told apart; `strop-agent forget --all` takes them too");
  return 0;
}

int pause(const fs::path& state, std::ostream& out, std::ostream& err) {
  std::error_code error;
  fs::create_directories(state, error);
  const fs::path file = state / kPauseFile;
  const FileDescriptor made(::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  if (!made.is_open())
    return complain(err,
                    "cannot pause: " + file.string() + " cannot be written; set mode = \"off\"");
  out << "Paused: nothing is captured or sent until `strop-agent resume`; what happens meanwhile "
         "is\n"
         "only counted (`strop-agent inspect`: suppressed, paused).\n";
  return 0;
}

int resume(const fs::path& state, std::ostream& out, std::ostream& err) {
  const fs::path file = state / kPauseFile;
  std::error_code error;
  const bool was = fs::remove(file, error);
  if (error) return complain(err, "cannot resume: " + file.string() + ": " + error.message());
  out << (was ? "Resumed.\n" : "It was not paused.\n");
  return 0;
}

int new_install(const fs::path& state, std::ostream& out, std::ostream& err) {
  std::error_code error;
  fs::create_directories(state, error);
  const auto id = renew_install_id(state);
  if (!id) return complain(err, id.error());
  out << "This machine is install " << schema::to_hex(*id)
      << " from now on; agents that run take it up within a minute,\nand what waits in the spool "
         "is sent under it.\n";
  return 0;
}

bool is_paused(const fs::path& state) {
  std::error_code error;
  const bool paused = fs::exists(state / kPauseFile, error);
  return paused || error;  // what cannot be told counts as a wish for privacy
}

}  // namespace strop::agent
