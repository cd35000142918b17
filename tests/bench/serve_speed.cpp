// One stream of strop-trainer serve beside llama.cpp (peers/time_llama_cpp.py), which gets the same
// tokens and is timed without HTTP. Both compute in one precision with as many threads, by turns,
// each turn in a process of its own: how fast weights are read differs by half from one process to
// the next, by where its memory happens to lie. The first prompt of a turn is to warm up and does
// not count, and of all others the best does: what else the machine does makes a token only slower.
#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>
#include <stdexcept>

#include "bench/served_completion.h"
#include "bench/trainer_speeds.h"
#include "trainer/threads.h"
#include "trainer/tokenizer/tokenizer.h"

namespace strop::bench {
namespace {

using nlohmann::json;

constexpr double kTurns = 3;
constexpr double kRounds = 3;  // of a turn
constexpr int kTokens = 64;
constexpr double kSpeedGoal = 0.8;
constexpr double kFirstTokenGoal = 1.25;

struct Prompt {
  std::string text;
  std::vector<trainer::TokenId> tokens;
};

std::size_t scaled(double count, const TrainerSetup& setup) {
  return std::max<std::size_t>(1, static_cast<std::size_t>(std::llround(count * setup.scale())));
}

// No two begin alike: nothing of a prompt is known from the one before.
std::vector<Prompt> make_prompts(const TrainerSetup& setup, std::size_t count) {
  const auto tokenizer = trainer::Tokenizer::load(setup.training().base);
  if (!tokenizer) throw std::runtime_error(tokenizer.error());
  std::mt19937 random(1);
  const std::string letters = "abcdefghijklmnopqrstuvwxyz  _().=";
  std::vector<Prompt> out;
  for (std::size_t i = 0; i < count; ++i) {
    std::string text(1, static_cast<char>('A' + i % 26));
    while (text.size() < static_cast<std::size_t>(setup.flags().prompt))
      text += letters[random() % letters.size()];
    const std::vector<schema::PromptPiece> pieces{{text, false}};
    out.push_back({text, tokenizer->encode(pieces)});
  }
  return out;
}

// Of the best completions.
struct Speed {
  double first_milliseconds = std::numeric_limits<double>::infinity();
  double tokens_a_second = 0;

  void add(double first_seconds, double then_tokens_a_second) {
    first_milliseconds = std::min(first_milliseconds, first_seconds * 1000);
    tokens_a_second = std::max(tokens_a_second, then_tokens_a_second);
  }
};

std::vector<ServedCompletion> ask_strop(const TrainerSetup& setup, const std::string& precision,
                                        const std::vector<Prompt>& prompts, int threads) {
  const ModelServer server(setup, precision, threads);
  std::vector<ServedCompletion> out;
  for (const Prompt& prompt : prompts) {
    out.push_back(server.complete(prompt.text, kTokens));
    if (out.back().prompt_tokens != prompt.tokens.size())
      throw std::runtime_error("serve has made " + std::to_string(out.back().prompt_tokens) +
                               " tokens of a prompt of " + std::to_string(prompt.tokens.size()));
  }
  return out;
}

// Of a text that comes token by token: a token in the middle of a character waits for its end.
void add_turn(Speed& speed, const std::vector<ServedCompletion>& completions) {
  for (std::size_t i = 1; i < completions.size(); ++i) {
    const ServedCompletion& one = completions[i];
    if (one.tokens < 2)
      throw std::runtime_error("the model ends its text at once, so its speed cannot be measured");
    speed.add(one.first_seconds,
              static_cast<double>(one.tokens - 1) / (one.seconds - one.first_seconds));
  }
}

json ask_llama_cpp(const TrainerSetup& setup, const std::string& precision,
                   const std::vector<Prompt>& prompts, int threads) {
  const std::string asked = setup.file("prompts.json");
  json ids = json::array();
  for (const Prompt& prompt : prompts) ids.push_back(prompt.tokens);
  std::ofstream(asked) << ids;
  const std::string result = setup.file("llama_cpp.json");
  setup.run_script("time_llama_cpp.py",
                   {setup.training().base, "--prompts", asked, "--tokens", std::to_string(kTokens),
                    "--threads", std::to_string(threads), "--dtype", precision, "--out", result});
  return json::parse(std::ifstream(result)).at("completions");
}

void add_turn(Speed& speed, const json& completions) {
  for (std::size_t i = 1; i < completions.size(); ++i)
    speed.add(completions[i].at("first_seconds").get<double>(),
              completions[i].at("tokens_a_second").get<double>());
}

// Percent of the texts; random weights may leave two tokens as likely as each other.
double same_texts(const TrainerSetup& setup, const std::vector<ServedCompletion>& ours,
                  const json& theirs) {
  const auto tokenizer = trainer::Tokenizer::load(setup.training().base);
  double same = 0;
  for (std::size_t i = 0; i < ours.size(); ++i) {
    const auto greedy = theirs.at(i).at("greedy").get<std::vector<trainer::TokenId>>();
    if (tokenizer->decode(std::span(greedy).first(ours[i].tokens)) == ours[i].text) ++same;
  }
  return same / static_cast<double>(ours.size()) * 100;
}

void measure_in(const std::string& precision, const TrainerSetup& setup, Report& report) {
  const int threads = trainer::thread_count(setup.flags().threads);
  const std::vector<Prompt> prompts = make_prompts(setup, scaled(kRounds, setup) + 1);
  // llama.cpp computes on the processor here.
  const bool with_peer = setup.has_peers() && setup.flags().device == "cpu";
  Speed strop;
  Speed peer;
  double same = 100;
  for (std::size_t turn = 0; turn < scaled(kTurns, setup); ++turn) {
    const std::vector<ServedCompletion> ours = ask_strop(setup, precision, prompts, threads);
    add_turn(strop, ours);
    if (!with_peer) continue;
    const json theirs = ask_llama_cpp(setup, precision, prompts, threads);
    add_turn(peer, theirs);
    same = std::min(same, same_texts(setup, ours, theirs));
  }
  const std::string bench = "serve, " + setup.name() + ", " + precision + ", " +
                            setup.flags().device + ", " +
                            std::to_string(prompts.back().tokens.size()) + " tokens in";
  const auto add_plain = [&](const char* name, double value, const char* unit) {
    report.add({bench, name, value, unit, "", std::nullopt, "", true});
  };
  if (!with_peer) {
    add_plain("strop-trainer, one stream", strop.tokens_a_second, "tokens/s");
    add_plain("strop-trainer, first token", strop.first_milliseconds, "ms");
    return;
  }
  const double by_speed = strop.tokens_a_second / peer.tokens_a_second;
  const double by_first = strop.first_milliseconds / peer.first_milliseconds;
  add_plain("llama.cpp, one stream", peer.tokens_a_second, "tokens/s");
  add_plain("llama.cpp, first token", peer.first_milliseconds, "ms");
  add_plain("texts that are the same", same, "%");
  report.add({bench, "strop-trainer, one stream", strop.tokens_a_second, "tokens/s", "llama.cpp",
              by_speed, ">= 0.8 x", by_speed >= kSpeedGoal});
  report.add({bench, "strop-trainer, first token", strop.first_milliseconds, "ms", "llama.cpp",
              by_first, "<= 1.25 x", by_first <= kFirstTokenGoal});
}

}  // namespace

void measure_serve(const TrainerSetup& setup, Report& report) {
  for (const std::string& precision : setup.precisions()) measure_in(precision, setup, report);
}

}  // namespace strop::bench
