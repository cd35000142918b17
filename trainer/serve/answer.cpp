#include "trainer/serve/answer.h"

#include <iterator>
#include <utility>

#include "trainer/serve/infill_request.h"

namespace strop::trainer {
namespace {

using nlohmann::json;

void append(CompletionPiece& to, CompletionPiece piece) {
  to.text += piece.text;
  to.tokens.insert(to.tokens.end(), std::make_move_iterator(piece.tokens.begin()),
                   std::make_move_iterator(piece.tokens.end()));
  to.finish = piece.finish;
  to.stop = std::move(piece.stop);
}

}  // namespace

Answer::Answer(Api api, CompletionRequest request, AnswerHead head, std::size_t prompt_tokens,
               const Tokenizer& tokenizer)
    : api_(api),
      request_(std::move(request)),
      head_(std::move(head)),
      tokenizer_(tokenizer),
      usage_{prompt_tokens, 0, 0},
      rows_(request_.count, Row{{}, request_.prompt.size(), 0}) {}

void Answer::add(AnswerStream::News& news) {
  usage_.reused_tokens = news.reused;
  for (auto& [index, piece] : news.pieces) {
    rows_[index].tokens += piece.tokens.size();
    usage_.generated_tokens += piece.tokens.size();
    append(rows_[index].unsaid, std::move(piece));
  }
}

json Answer::say(std::size_t index) {
  Row& row = rows_[index];
  const CompletionPiece piece = std::exchange(row.unsaid, {});
  if (api_ == Api::kCompletions)
    return completion_choice(index, piece, request_, tokenizer_, row.offset);
  if (!piece.finish) return infill_part(index, piece, request_, tokenizer_);
  return infill_response(index, piece, request_, tokenizer_, head_.model,
                         {usage_.prompt_tokens, usage_.reused_tokens, row.tokens});
}

json Answer::whole() {
  json choices = json::array();
  for (std::size_t i = 0; i < rows_.size(); ++i) choices.push_back(say(i));
  if (api_ == Api::kCompletions) return completion_response(head_, std::move(choices), usage_);
  return choices.size() == 1 ? choices.front() : choices;
}

std::vector<std::string> Answer::events() {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    if (rows_[i].unsaid.text.empty() && !rows_[i].unsaid.finish) continue;
    json said = say(i);
    if (api_ == Api::kCompletions)
      said = completion_response(head_, json::array({std::move(said)}), std::nullopt);
    out.push_back(json_text(said));
  }
  return out;
}

std::vector<std::string> Answer::closing_events() const {
  if (api_ == Api::kInfill) return {};  // its last event says "stop": true
  std::vector<std::string> out;
  if (request_.usage_in_stream)
    out.push_back(json_text(completion_response(head_, json::array(), usage_)));
  out.emplace_back("[DONE]");
  return out;
}

}  // namespace strop::trainer
