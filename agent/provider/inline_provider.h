// Who gives inline completions in the server's place: asked with what surrounds the cursor, answers
// later.
//
// Values and an interface: the agent's is Provider, tests have their own. Every ask is answered
// exactly once, by the sink it was made with, from any thread.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/suggestion_tracker.h"

namespace strop::agent {

// Another document that is open, as it stood at the request.
struct OpenFile {
  std::string uri;
  std::shared_ptr<const std::string> text;
};

// A part of another document, to go along with the prompt.
struct RelatedText {
  std::string name;  // the file's, without folders
  std::string text;
  bool operator==(const RelatedText&) const = default;
};

struct InlineAsk {
  std::string request_id;  // JSON text
  std::string uri;
  std::string language;
  std::string position;    // JSON text, as the editor sent it
  std::size_t offset = 0;  // of the cursor in the document, bytes
  std::string prefix;      // at most 8 KiB, trimmed at a line
  std::string suffix;      // at most 4 KiB
  bool single_line = true;
  bool invoked = false;              // by hand, not because of typing
  std::vector<OpenFile> open_files;  // of the same language, the one used last first
  // What the privacy gate adds: of whom arms of experiments are, and what is sent of open_files.
  std::string user;
  std::string repository;  // empty: in none
  std::vector<RelatedText> related;
};

struct InlineAnswer {
  std::string request_id;
  std::string position;
  bool cancelled = false;
  std::vector<std::string> texts;  // to stand at the position; empty: nothing to offer
  ProviderNote note;               // of texts that there are
};

using InlineSink = std::function<void(InlineAnswer)>;

class InlineProvider {
 public:
  virtual ~InlineProvider() = default;
  // Never waits. The answer may come before this returns.
  virtual void ask(InlineAsk ask) = 0;
  // False: nothing of that id is under way. True: its answer says `cancelled`.
  virtual bool cancel(std::string_view request_id) = 0;
};

}  // namespace strop::agent
