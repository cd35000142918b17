#include "agent/provider/related_prompt.h"

#include <algorithm>
#include <array>
#include <utility>

namespace strop::agent {
namespace {

struct Comment {
  std::string_view begin;
  std::string_view end;
};

Comment comment_of(std::string_view language) {
  constexpr std::array<std::pair<std::string_view, Comment>, 31> kOthers{
      {{"python", {"# ", ""}},      {"ruby", {"# ", ""}},       {"shellscript", {"# ", ""}},
       {"sh", {"# ", ""}},          {"bash", {"# ", ""}},       {"perl", {"# ", ""}},
       {"r", {"# ", ""}},           {"julia", {"# ", ""}},      {"elixir", {"# ", ""}},
       {"yaml", {"# ", ""}},        {"toml", {"# ", ""}},       {"makefile", {"# ", ""}},
       {"cmake", {"# ", ""}},       {"dockerfile", {"# ", ""}}, {"nim", {"# ", ""}},
       {"lua", {"-- ", ""}},        {"sql", {"-- ", ""}},       {"haskell", {"-- ", ""}},
       {"ada", {"-- ", ""}},        {"vhdl", {"-- ", ""}},      {"lisp", {"; ", ""}},
       {"emacs-lisp", {"; ", ""}},  {"clojure", {"; ", ""}},    {"scheme", {"; ", ""}},
       {"tex", {"% ", ""}},         {"latex", {"% ", ""}},      {"erlang", {"% ", ""}},
       {"html", {"<!-- ", " -->"}}, {"xml", {"<!-- ", " -->"}}, {"css", {"/* ", " */"}},
       {"ocaml", {"(* ", " *)"}}}};
  for (const auto& [name, comment] : kOthers)
    if (name == language) return comment;
  return {"// ", ""};
}

// What stands before a file's name in a prompt of several files; empty: the family knows no such.
std::string file_mark(std::string_view fim) {
  if (fim == "qwen") return "<|file_sep|>";
  if (fim == "starcoder2") return "<file_sep>";
  return fim == "codestral" ? "+++++ " : "";
}

void add_commented(std::string& out, std::string_view text, const Comment& comment) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    out += std::string(comment.begin) + std::string(line) + std::string(comment.end) + "\n";
    text.remove_prefix(std::min(line.size() + 1, text.size()));
  }
}

void add_file(std::string& out, const std::string& mark, const RelatedText& file) {
  out += mark + file.name + "\n" + file.text;
  if (!out.ends_with('\n')) out += '\n';
}

}  // namespace

bool has_repository_form(std::string_view fim) { return !file_mark(fim).empty(); }

std::string file_name(std::string_view uri) {
  return std::string(uri.substr(uri.find_last_of('/') + 1));  // npos + 1 is 0
}

std::string related_header(std::string_view fim, const InlineAsk& ask) {
  std::string out;
  if (ask.related.empty()) return out;
  if (const std::string mark = file_mark(fim); !mark.empty()) {
    for (const RelatedText& file : ask.related) add_file(out, mark, file);
    return out + mark + file_name(ask.uri) + "\n";
  }
  const Comment comment = comment_of(ask.language);
  for (const RelatedText& file : ask.related) {
    add_commented(out, "From " + file.name + ":", comment);
    add_commented(out, file.text, comment);
  }
  return out;
}

}  // namespace strop::agent
