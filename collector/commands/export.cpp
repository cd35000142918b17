// `strop-collector export`: preference pairs as JSON lines, for strop-trainer or for TRL.
#include <fcntl.h>
#include <sodium.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <iostream>

#include "collector/commands/commands.h"
#include "collector/commands/harvest.h"
#include "collector/pairs/export.h"

namespace strop::collector {
namespace {

constexpr std::array<std::string_view, 6> kFamilies{"strop",    "qwen",      "starcoder2",
                                                    "deepseek", "codellama", "codestral"};
constexpr std::array<std::string_view, 3> kPairKinds{"edited", "typed_instead", "sibling"};
constexpr std::array<std::string_view, 4> kExampleKinds{"accepted", "partial", "typed_through",
                                                        "dismissed"};

struct ExportOptions {
  HarvestFlags harvest;
  std::string format;
  std::string family;
  std::string out;
  std::string split;  // empty: as the format has it
  std::vector<std::string> kinds;
  bool pairs = false;
  bool unpaired = false;
};

template <class Names>
std::string listed(const Names& names) {
  std::string out;
  for (const std::string_view name : names) out.append(out.empty() ? "" : ", ").append(name);
  return out;
}

template <class Names>
void require_one_of(const Names& names, const std::string& name, const std::string& option) {
  if (std::find(names.begin(), names.end(), name) == names.end())
    throw UsageError(option + " takes " + listed(names) + ", not '" + name + "'");
}

// All that can be seen to be wrong before the store is read.
std::optional<schema::FimFamily> check(const ExportOptions& options) {
  require_one_of(std::array<std::string_view, 2>{"strop", "trl"}, options.format, "--format");
  if (!options.split.empty())
    require_one_of(std::array<std::string_view, 3>{"train", "heldout", "all"}, options.split,
                   "--split");
  for (const std::string& kind : options.kinds)
    if (options.unpaired)
      require_one_of(kExampleKinds, kind, "--kind with --unpaired");
    else
      require_one_of(kPairKinds, kind, "--kind");
  if (options.format == "strop") {
    if (!options.family.empty())
      throw UsageError(
          "--family goes with --format trl; strop-trainer applies the template itself");
    return std::nullopt;
  }
  if (options.family.empty())
    throw UsageError("--format trl needs the model's --family: " + listed(kFamilies));
  require_one_of(kFamilies, options.family, "--family");
  return schema::fim_family(options.family);
}

// What to do about a file that cannot be written.
std::string advice(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
    case EACCES:
    case EROFS:
      return "; its folder must exist and be writable";
    case ENOSPC:
    case EDQUOT:
      return "; free some space on its disk";
    case EISDIR:
      return "; that is a folder, give the name of a file in it";
    default:
      return "";
  }
}

// Lines to stdout, or to a file that appears whole when all are written; it is its owner's alone,
// since it holds code.
class Lines {
 public:
  explicit Lines(const std::string& file) : file_(file) {
    crypto_hash_sha256_init(&hash_);
    if (file_.empty()) return;
    fd_ = ::open(fresh().c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd_ < 0) fail("cannot create ");
  }
  Lines(const Lines&) = delete;
  Lines& operator=(const Lines&) = delete;
  ~Lines() {
    if (fd_ < 0) return;
    ::close(fd_);
    if (!appeared_) ::unlink(fresh().c_str());
  }

  void add(const nlohmann::json& line) {
    buffer_ += line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    buffer_ += '\n';
    ++count_;
    constexpr std::size_t kFull = 1 << 20;
    if (buffer_.size() >= kFull) flush();
  }

  // All lines are on the disk, but under the file's name only once it appears.
  void settle() {
    flush();
    if (!file_.empty() && ::fsync(fd_) != 0) fail("cannot write ");
  }

  // REQUIRES: settled.
  void appear() {
    if (file_.empty()) return;
    if (::rename(fresh().c_str(), file_.c_str()) != 0) fail("cannot rename ");
    appeared_ = true;
  }

  std::uint64_t count() const { return count_; }

  // Of all that was written, in hex. REQUIRES: settled. Once.
  std::string sha256() {
    std::array<unsigned char, crypto_hash_sha256_BYTES> hash{};
    crypto_hash_sha256_final(&hash_, hash.data());
    std::array<char, 2 * crypto_hash_sha256_BYTES + 1> hex{};
    sodium_bin2hex(hex.data(), hex.size(), hash.data(), hash.size());
    return hex.data();
  }

 private:
  std::string fresh() const { return file_ + ".new"; }

  void flush() {
    const int fd = file_.empty() ? STDOUT_FILENO : fd_;
    crypto_hash_sha256_update(&hash_, reinterpret_cast<const unsigned char*>(buffer_.data()),
                              buffer_.size());
    for (std::size_t done = 0; done < buffer_.size();) {
      const ssize_t wrote = ::write(fd, buffer_.data() + done, buffer_.size() - done);
      if (wrote < 0 && errno == EINTR) continue;
      if (wrote < 0) fail("cannot write ");
      done += static_cast<std::size_t>(wrote);
    }
    buffer_.clear();
  }

  [[noreturn]] void fail(const char* doing) const {
    throw std::runtime_error(doing + (file_.empty() ? std::string("to stdout") : fresh()) + ": " +
                             std::strerror(errno) + advice(errno));
  }

  const std::string file_;
  std::string buffer_;
  crypto_hash_sha256_state hash_{};
  int fd_ = -1;
  bool appeared_ = false;
  std::uint64_t count_ = 0;
};

struct Tally {
  std::uint64_t secrets = 0;  // removed from the context
  std::uint64_t refused = 0;  // lines left out because of a secret
};

class Exporter {
 public:
  Exporter(const ExportOptions& options, std::optional<schema::FimFamily> family, Lines& lines)
      : options_(options), family_(family), split_(split_of(options)), lines_(lines) {}

  void take(schema::PreferencePair pair) {
    if (wanted(pair) && clean(pair))
      add(pair, family_ ? to_trl(pair, *family_) : pair_to_json(pair));
  }
  void take(schema::UnpairedExample example) {
    if (wanted(example.about) && clean(example))
      add(example.about, family_ ? to_trl(example, *family_) : example_to_json(example));
  }
  const std::map<std::string, std::uint64_t>& lines_by_contributor() const {
    return by_contributor_;
  }
  const Tally& tally() const { return tally_; }

 private:
  // Strop's lines say themselves what is held out, and strop-trainer heeds it; TRL's cannot.
  static std::string split_of(const ExportOptions& options) {
    if (!options.split.empty()) return options.split;
    return options.format == "strop" ? "all" : "train";
  }

  bool wanted(const schema::PreferencePair& pair) const {
    return (split_ == "all" || split_ == pair.split) &&
           (options_.kinds.empty() || std::find(options_.kinds.begin(), options_.kinds.end(),
                                                pair.kind) != options_.kinds.end());
  }

  void add(const schema::PreferencePair& about, const nlohmann::json& line) {
    lines_.add(line);
    ++by_contributor_[about.contributor];
  }

  template <class Line>
  bool clean(Line& line) {
    const auto secrets = scrub(line);
    tally_.refused += secrets ? 0 : 1;
    tally_.secrets += secrets.value_or(0);
    return secrets.has_value();
  }

  const ExportOptions& options_;
  const std::optional<schema::FimFamily> family_;
  const std::string split_;
  Lines& lines_;
  Tally tally_;
  std::map<std::string, std::uint64_t> by_contributor_;
};

// `forget` must be able to tell where else a contributor's events are: noted before the file
// appears, and no more if it does not.
void note_and_appear(const ExportOptions& options, const Exporter& exporter, Lines& lines) {
  ExportRecord record;
  record.at_ms = unix_now_ms();
  record.file = options.out.empty() ? "-" : std::filesystem::absolute(options.out).string();
  record.lines_by_contributor = exporter.lines_by_contributor();
  record.sha256 = lines.sha256();
  const auto store = open_store(options.harvest.store, StoreAccess::kWrite);
  const std::int64_t noted = store->note_export(record);
  try {
    lines.appear();
  } catch (...) {
    store->drop_export(noted);
    throw;
  }
}

int run(const ExportOptions& options) {
  const auto family = check(options);
  Lines lines(options.out);  // first, as the harvest may take long
  const HarvestRun run(options.harvest);
  if (run.empty())
    throw std::runtime_error("nothing to export: the store is empty, no events have arrived");
  Exporter exporter(options, family, lines);
  if (options.unpaired)
    run.harvest().each_example([&](const auto& example) { exporter.take(example); });
  else
    run.harvest().each_pair([&](const auto& pair) { exporter.take(pair); });
  if (lines.count() == 0)
    throw std::runtime_error("nothing to export of " + std::to_string(run.report().suggestions) +
                             " suggestions; `strop-collector pairs` says why");
  lines.settle();
  note_and_appear(options, exporter, lines);
  std::cerr << lines.count() << (options.unpaired ? " examples" : " pairs");
  if (!options.out.empty()) std::cerr << " written to " << options.out;
  if (exporter.tally().secrets > 0)
    std::cerr << "; " << exporter.tally().secrets << " secrets removed";
  if (exporter.tally().refused > 0)
    std::cerr << "; " << exporter.tally().refused << " left out for a secret in them";
  std::cerr << '\n';
  return kDone;
}

}  // namespace

void register_export(Commands& commands) {
  auto options = std::make_shared<ExportOptions>();
  CLI::App* command = commands.app.add_subcommand(
      "export", "Writes preference pairs, or unpaired examples, as JSON lines");
  add_harvest_options(*command, options->harvest);
  command->add_option("--format", options->format, "strop (for strop-trainer) or trl")->required();
  command->add_option("--family", options->family,
                      "Whose prompt template trl gets: " + listed(kFamilies));
  command->add_option("--out", options->out, "The file to write (default: stdout)");
  command->add_option("--split", options->split,
                      "train, heldout or all (default: all with strop, train with trl)");
  command->add_option("--kind", options->kinds, "Only these kinds");
  auto* pairs =
      command->add_flag("--pairs", options->pairs, "Pairs: chosen and rejected (default)");
  command
      ->add_flag("--unpaired", options->unpaired,
                 "Single texts with a label instead: wanted or not")
      ->excludes(pairs);
  command->callback(
      [&commands, options] { commands.chosen = [options] { return run(*options); }; });
}

}  // namespace strop::collector
