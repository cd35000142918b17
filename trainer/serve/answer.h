// An answer as it grows, in the words of the API that was asked.
//
// Owns what was said so far; the tokenizer must outlive it. One thread. Pieces go in, and out comes
// one JSON at the end or events as there is text for them: either, not both. No errors.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "trainer/serve/answer_stream.h"
#include "trainer/serve/completion_request.h"
#include "trainer/tokenizer/tokenizer.h"

namespace strop::trainer {

enum class Api { kCompletions, kInfill };

class Answer {
 public:
  Answer(Api api, CompletionRequest request, AnswerHead head, std::size_t prompt_tokens,
         const Tokenizer& tokenizer);

  const CompletionRequest& request() const { return request_; }
  const AnswerHead& head() const { return head_; }

  void add(AnswerStream::News& news);

  nlohmann::json whole();
  // Events of what was added since the last call; tokens wait for the text that they make up.
  std::vector<std::string> events();
  // Those after the last text.
  std::vector<std::string> closing_events() const;

 private:
  struct Row {
    CompletionPiece unsaid;
    std::size_t offset = 0;  // bytes of the prompt and of the tokens that were said
    std::size_t tokens = 0;
  };
  nlohmann::json say(std::size_t index);

  const Api api_;
  const CompletionRequest request_;
  const AnswerHead head_;
  const Tokenizer& tokenizer_;
  Usage usage_;
  std::vector<Row> rows_;
};

}  // namespace strop::trainer
