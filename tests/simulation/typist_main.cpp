// strop-typist: the simulated developer as a program.
//
//   strop-typist type --root DIR --files LIST --truth OUT.jsonl [...] -- strop-agent … -- SERVER …
//   strop-typist positions --root DIR --files LIST --per-file N --out OUT.jsonl
//   strop-typist score --truth F.jsonl --events F.jsonl [--json OUT]
// Exit codes: 0 done, 1 failed, 2 wrong usage.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <fstream>
#include <iostream>
#include <iterator>

#include "simulation/source_files.h"
#include "simulation/truth.h"
#include "simulation/typist.h"

namespace {

using nlohmann::json;
using namespace strop::simulation;

struct TypeOptions {
  std::string root;
  std::string files;
  std::string truth;
  std::string shape = "replace-command";
  std::vector<std::string> environment;
  std::vector<std::string> command;
  std::uint64_t seed = 1;
  int stretches = 4;
  std::size_t characters = 500;
  double keep_rest = 0;
  std::size_t suggestions = 1'000'000;
  bool extension = false;
  bool crlf = false;
  std::string dialect = "lsp";
  Habits habits;
};

std::ofstream open_out(const std::string& path) {
  std::ofstream out(path);
  if (!out) throw std::runtime_error("cannot write " + path);
  return out;
}

void write_lines(const std::string& path, const std::vector<json>& lines) {
  std::ofstream out = open_out(path);
  for (const json& line : lines) out << line.dump() << '\n';
}

std::vector<json> read_lines(const std::string& path) {
  std::ifstream in(path);
  if (!in) throw std::runtime_error("cannot read " + path);
  return read_json_lines(in);
}

int type(const TypeOptions& options) {
  const auto shape = shape_by_name(options.shape);
  if (!shape) throw std::runtime_error("no such shape: " + options.shape);
  std::vector<SourceFile> files = read_files(options.root, options.files);
  if (options.crlf)
    for (SourceFile& file : files) file.text = with_crlf(file.text);
  std::mt19937_64 random(options.seed);
  LspClient client(options.command, options.environment);
  const auto dialect = dialect_by_name(options.dialect);
  if (!dialect) throw std::runtime_error("no such dialect: " + options.dialect);
  Editor editor(client, *shape, options.extension, *dialect);
  const std::string root_uri = "file://" + options.root;
  editor.start(root_uri);
  Typist typist(editor, options.habits, *shape, options.seed + 1);
  std::size_t done = 0;
  for (const SourceFile& file : files) {
    for (const Task& task : stretches(file, root_uri, options.stretches, options.characters,
                                      options.keep_rest, random))
      if (typist.truths().size() < options.suggestions) typist.write(task);
    ++done;
    if (done % 20 == 0 || done == files.size())
      std::cerr << "typist: " << done << " of " << files.size() << " files, " << typist.keystrokes()
                << " keystrokes, " << typist.truths().size() << " suggestions\n";
  }
  std::vector<json> lines;
  for (const Truth& truth : typist.truths()) lines.push_back(truth_to_json(truth));
  write_lines(options.truth, lines);
  const int status = client.stop();
  if (status != 0)
    throw std::runtime_error("the agent ended with exit code " + std::to_string(status));
  return 0;
}

int make_positions(const std::string& root, const std::string& list, int per_file,
                   std::uint64_t seed, const std::string& out) {
  std::mt19937_64 random(seed);
  std::vector<json> lines;
  for (const SourceFile& file : read_files(root, list))
    for (json& position : positions(file, per_file, random)) lines.push_back(std::move(position));
  write_lines(out, lines);
  return 0;
}

int score_labels(const std::string& truth_path, const std::string& events_path,
                 const std::string& out) {
  std::vector<Truth> truths;
  for (const json& line : read_lines(truth_path)) truths.push_back(truth_from_json(line));
  const Score result = score(truths, read_lines(events_path));
  print_score(std::cout, result);
  if (!out.empty()) open_out(out) << score_to_json(result).dump(2) << '\n';
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"A simulated developer who types real files through a language server"};
  app.require_subcommand(1);

  TypeOptions options;
  CLI::App* typing = app.add_subcommand(
      "type", "type stretches of files through an agent, and write the ground truth");
  typing->add_option("--root", options.root, "folder of the files")->required();
  typing->add_option("--files", options.files, "list of files, relative to the root")->required();
  typing->add_option("--truth", options.truth, "where the ground truth goes (JSON lines)")
      ->required();
  typing->add_option("--shape", options.shape,
                     "replace-command, remainder-command, change-only, delete-insert, "
                     "six-notifications or single-characters");
  typing->add_flag("--extension", options.extension,
                   "an extension of Strop's own reports what is shown, partly accepted, rejected");
  typing->add_flag("--crlf", options.crlf, "the files' lines end with CRLF");
  typing->add_option("--dialect", options.dialect, "lsp, copilot, copilot-old, tabby or llm-ls");
  typing->add_option("--foreign", options.habits.foreign,
                     "share of keystrokes at which another assistant writes");
  typing->add_option("--seed", options.seed);
  typing->add_option("--stretches", options.stretches, "stretches a file");
  typing->add_option("--characters", options.characters, "characters a stretch");
  typing->add_option("--keep-rest", options.keep_rest,
                     "share of stretches with the rest of the file behind them");
  typing->add_option("--suggestions", options.suggestions, "stop after so many");
  typing->add_option("--ask-every-key", options.habits.ask_every_key);
  typing->add_option("--ask-line-start", options.habits.ask_line_start);
  typing->add_option("--ask-mid-line", options.habits.ask_mid_line);
  typing->add_option("--lists", options.habits.lists, "share of words with a popup list");
  typing->add_option("--interruptions", options.habits.interruptions,
                     "share of suggestions left for another file, branch, name");
  typing->add_option("--late", options.habits.late,
                     "share of accepts whose command comes late, or before the text");
  typing->add_option("--outrun", options.habits.outrun, "share of requests that a key overtakes");
  typing->add_option("--cycle", options.habits.cycle,
                     "share of suggestions of which more are asked for by hand");
  typing->add_option("--agent", options.habits.agent,
                     "share of stretches at whose end the server edits as well");
  typing->add_option("--env", options.environment,
                     "NAME=value for the agent; may be given several times");
  typing->footer("The agent and its arguments stand behind the first --.");

  std::string root;
  std::string list;
  std::string out;
  int per_file = 24;
  std::uint64_t seed = 1;
  CLI::App* measuring = app.add_subcommand("positions", "positions to measure a model on");
  measuring->add_option("--root", root)->required();
  measuring->add_option("--files", list)->required();
  measuring->add_option("--per-file", per_file);
  measuring->add_option("--seed", seed);
  measuring->add_option("--out", out)->required();

  std::string truth;
  std::string events;
  std::string score_out;
  CLI::App* scoring = app.add_subcommand("score", "captured labels against the ground truth");
  scoring->add_option("--truth", truth)->required();
  scoring->add_option("--events", events)->required();
  scoring->add_option("--json", score_out);

  // What stands behind the first -- is not for CLI11, which would take another -- in it away.
  const std::vector<std::string> all(argv + 1, argv + argc);
  const auto separator = std::find(all.begin(), all.end(), "--");
  if (separator != all.end()) options.command.assign(separator + 1, all.end());
  try {
    app.parse(std::vector<std::string>(std::make_reverse_iterator(separator), all.rend()));
    if (*typing && options.command.empty())
      throw CLI::RequiredError("an agent's command line behind --");
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  try {
    if (*typing) return type(options);
    if (*measuring) return make_positions(root, list, per_file, seed, out);
    return score_labels(truth, events, score_out);
  } catch (const std::exception& error) {
    std::cerr << "strop-typist: " << error.what() << '\n';
    return 1;
  }
}
