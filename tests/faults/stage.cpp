#include "faults/stage.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <sstream>

#include "agent/spool_files.h"
#include "collector/keys.h"
#include "collector/store/sqlite_store.h"

namespace strop::faults {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

constexpr std::size_t kSpoolDiskBytes = 8 << 20;
constexpr std::size_t kSpoolMostBytes = 2 << 20;  // what the agents are told to keep to
constexpr std::size_t kStoreDiskBytes = 192 << 20;
constexpr std::size_t kRestless = 3;
constexpr milliseconds kTurn{5};
constexpr milliseconds kPatience{30'000};

double steady_ms() {
  return std::chrono::duration<double, std::milli>(Steady::now().time_since_epoch()).count();
}

}  // namespace

Stage::Stage(Programs programs, bool disks, std::uint32_t seed, const std::string& settings)
    : programs_(std::move(programs)), random_(seed) {
  if (sodium_init() < 0) throw std::runtime_error("libsodium");
  // Whom we write to may just have been killed.
  ::signal(SIGPIPE, SIG_IGN);
  fs::create_directories(at("home/state/strop"));
  fs::create_directories(at("store"));
  if (disks) {
    spool_disk_ = std::make_unique<SmallDisk>(at("home/state"), kSpoolDiskBytes);
    store_disk_ = std::make_unique<SmallDisk>(at("store"), kStoreDiskBytes);
  }
  make_keys();
  write("collector.toml", settings);
  if (!start_collector()) throw std::runtime_error("no collector: see " + at("log"));
  for (std::size_t i = 0; i < kAgents; ++i) start_agent(i);
  for (std::size_t i = 0; i < kRestless; ++i) {
    const schema::CurveKey key = collector::make_key_pair();
    const std::string name = "restless" + std::to_string(i);
    if (!collector::allow(at("keys"), name, key.public_key)) throw std::runtime_error("allow");
    restless_.push_back(std::make_unique<RestlessAgent>(
        name, Door{restless_way_.port(), server_key_}, key, truth_, random_()));
  }
}

Stage::~Stage() {
  if (!keep_) return;
  const fs::path kept = folder_.path().string() + "-kept";
  std::error_code error;
  fs::copy(folder_.path(), kept, fs::copy_options::recursive, error);
  std::cerr << "kept: " << kept.string() << '\n';
}

void Stage::write(const std::string& name, const std::string& text) const {
  std::ofstream(at(name)) << text;
}

void Stage::make_keys() {
  const auto server = collector::generate_server_key(at("keys"));
  const schema::CurveKey mine = collector::make_key_pair();
  if (!server || !collector::allow(at("keys"), "anna", mine.public_key) ||
      !schema::write_curve_key(at("anna.key"), mine))
    throw std::runtime_error("keys cannot be made");
  server_key_ = server->public_key;
  write("server.pub", server_key_ + "\n");
  write("agent.toml", "mode = \"full\"\n[collector]\nendpoint = \"tcp://127.0.0.1:" +
                          std::to_string(agents_way_.port()) + "\"\nserver_key_file = \"" +
                          at("server.pub") + "\"\nkey_file = \"" + at("anna.key") +
                          "\"\n[spool]\nmax_bytes = " + std::to_string(kSpoolMostBytes) + "\n");
}

std::vector<std::string> Stage::command(const JumpingClock& clock,
                                        const std::vector<std::string>& words) const {
  std::vector<std::string> out{"/usr/bin/env", "HOME=" + at("home"),
                               "XDG_CONFIG_HOME=" + at("home"),
                               "XDG_STATE_HOME=" + at("home/state")};
  const auto more = clock.environment();
  out.insert(out.end(), more.begin(), more.end());
  out.insert(out.end(), words.begin(), words.end());
  return out;
}

bool Stage::start_collector() {
  fs::remove(at("port"));
  collector_ = std::make_unique<support::Process>(
      command(collectors_clock_, {programs_.collector, "serve", "--config", at("collector.toml"),
                                  "--store", at("store/events.db"), "--keys", at("keys"), "--bind",
                                  "tcp://127.0.0.1:0", "--port-file", at("port")}),
      support::Streams{-1, log_.get(), log_.get()});
  std::uint16_t port = 0;
  const auto listens = [&] {
    return static_cast<bool>(std::ifstream(at("port")) >> port) ||
           collector_->has_ended(milliseconds(0));
  };
  if (!live_until(listens, kPatience)) throw std::runtime_error("the collector does not listen");
  if (port == 0) {
    collector_->wait();
    collector_.reset();
    return false;
  }
  port_ = port;
  isolate(isolated_);
  return true;
}

void Stage::suspend(std::size_t which, bool still) {
  const auto& process = which < kAgents ? agents_.at(which).process : collector_;
  if (process) process->signal(still ? SIGSTOP : SIGCONT);
}

void Stage::isolate(bool isolated) {
  isolated_ = isolated;
  for (FaultyProxy* way : {&agents_way_, &restless_way_}) {
    way->lead_to(isolated ? 0 : port_);
    if (isolated) way->cut();
  }
}

void Stage::kill_collector() {
  if (!collector_) return;
  collector_->end(SIGKILL);
  collector_.reset();
}

// It relays between the test and a cat, and ships what the spool holds.
void Stage::start_agent(std::size_t which) {
  Agent& agent = agents_.at(which);
  agent.editor = support::Pipe();
  agent.process = std::make_unique<support::Process>(
      command(agents_clock_, {programs_.agent, "--config", at("agent.toml"), "--", "cat"}),
      support::Streams{agent.editor.read.get(), -1, log_.get()});
  agent.editor.read.close();
}

void Stage::kill_agent(std::size_t which) {
  Agent& agent = agents_.at(which);
  if (!agent.process) return;
  agent.process->end(SIGKILL);
  agent.process.reset();
}

void Stage::start_writer() {
  to_writer_ = support::Pipe();
  from_writer_ = support::Pipe();
  heard_.clear();
  writer_ = std::make_unique<support::Process>(
      command(agents_clock_, {programs_.writer, at("agent.toml")}),
      support::Streams{to_writer_.read.get(), from_writer_.write.get(), log_.get()});
  to_writer_.read.close();
  from_writer_.write.close();
  ::fcntl(from_writer_.read.get(), F_SETFL, O_NONBLOCK);
}

void Stage::capture(std::size_t count) {
  if (writer_ && writer_->has_ended(milliseconds(0))) kill_writer();
  if (!writer_) start_writer();
  std::string lines;
  for (const std::string& name : truth_.hand("spooled", count)) {
    asked_.insert(name);
    lines += name + '\n';
  }
  // One that has ended answers nothing, and then it is seen to have ended.
  [[maybe_unused]] const ssize_t put = ::write(to_writer_.write.get(), lines.data(), lines.size());
}

// What it has said until then counts, what it has not said may have been captured or not.
void Stage::kill_writer() {
  if (!writer_) return;
  writer_->end(SIGKILL);
  writer_.reset();
  hear_writer();
  asked_.clear();
}

void Stage::hear_writer() {
  std::array<char, 16 << 10> buffer{};
  for (ssize_t got = 0; (got = ::read(from_writer_.read.get(), buffer.data(), buffer.size())) > 0;)
    heard_.append(buffer.data(), static_cast<std::size_t>(got));
  std::size_t begin = 0;
  for (std::size_t end = 0; (end = heard_.find('\n', begin)) != std::string::npos; begin = end + 1)
    take_word(heard_.substr(begin, end - begin));
  heard_.erase(0, begin);
}

void Stage::take_word(const std::string& line) {
  std::istringstream words(line);
  std::string name;
  std::string epoch;
  std::string seq;
  words >> name >> epoch >> seq;
  asked_.erase(name);
  if (seq == "-") return truth_.given_up(name);
  truth_.captured(name, {schema::wire_id_from_hex(epoch).value(), std::stoull(seq)});
}

void Stage::live(milliseconds time) {
  live_until([] { return false; }, time);
}

bool Stage::live_until(const std::function<bool()>& so, milliseconds patience) {
  const auto deadline = Steady::now() + patience;
  while (true) {
    if (writer_) hear_writer();
    for (const auto& agent : restless_) agent->turn(steady_ms());
    if (so()) return true;
    if (Steady::now() >= deadline) return false;
    ::poll(nullptr, 0, static_cast<int>(kTurn.count()));
  }
}

void Stage::forget_some(std::size_t one_in) {
  std::vector<std::string> chosen;
  const auto done =
      agent::SpoolStore(at("home/state/strop")).forget([&](const agent::StoredRecord& record) {
        const std::string* name = truth_.at({record.epoch, record.seq});
        if (name == nullptr || random_() % one_in != 0) return false;
        truth_.wished(*name, Handed::Wish::kAsked);
        chosen.push_back(*name);
        return true;
      });
  // On a full disk it may be told that it cannot be, and then nothing is known.
  if (!done) return;
  for (const std::string& name : chosen) truth_.wished(name, Handed::Wish::kForgotten);
}

void Stage::start_all() {
  if (!collector_ || collector_->has_ended(milliseconds(0))) start_collector();
  for (std::size_t i = 0; i < kAgents; ++i)
    if (!agents_.at(i).process || agents_.at(i).process->has_ended(milliseconds(0))) start_agent(i);
}

void Stage::end_all() {
  if (writer_) {
    to_writer_.write.close();
    writer_->wait();
    hear_writer();
    writer_.reset();
  }
  for (Agent& agent : agents_) {
    agent.editor.write.close();
    agent.process->wait();
    agent.process.reset();
  }
  collector_->end(SIGTERM);
  collector_.reset();
}

agent::Ledger Stage::spool_ledger() const {
  const auto ledger = agent::SpoolStore(at("home/state/strop")).ledger();
  if (!ledger) throw std::runtime_error(ledger.error());
  return *ledger;
}

bool Stage::delivered() const {
  for (const auto& agent : restless_)
    if (!agent->settled()) return false;
  return spool_ledger().unshipped == 0;
}

Verdict Stage::verdict(const std::set<std::string>& reasons) const {
  collector::SqliteStore store(at("store/events.db"), collector::StoreAccess::kRead);
  const auto install = agent::install_id(at("home/state/strop"));
  if (!install) throw std::runtime_error(install.error());
  return judge(truth_, read_store(store), spool_ledger(), {*install, reasons});
}

std::vector<std::string> Stage::complaints() const {
  std::vector<std::string> out;
  for (const auto& agent : restless_)
    if (!agent->complaint().empty()) out.push_back(agent->complaint());
  // Whom we kill is not looked at any more.
  const auto look = [&out](const std::string& who, const std::unique_ptr<support::Process>& one) {
    if (one && one->has_ended(milliseconds(0))) out.push_back(who + " has ended by itself");
  };
  look("the collector", collector_);
  for (const Agent& agent : agents_) look("an agent", agent.process);
  return out;
}

std::size_t Stage::collectors_sockets() const {
  const fs::directory_iterator open("/proc/" + std::to_string(collector_->id()) + "/fd");
  return static_cast<std::size_t>(std::count_if(begin(open), end(open), [](const auto& entry) {
    std::error_code gone;
    return fs::read_symlink(entry.path(), gone).string().starts_with("socket:");
  }));
}

}  // namespace strop::faults
