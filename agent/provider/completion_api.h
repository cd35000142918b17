// What the provider says to a model server, and what it reads from the answer.
//
// Pure functions, any thread. Two dialects, told apart by the URL's path: OpenAI's /v1/completions
// (strop-trainer serve, llama.cpp, vLLM and others) and llama.cpp's /infill. Errors are messages.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "agent/config.h"
#include "agent/provider/inline_provider.h"
#include "agent/provider/token_logprobs.h"

namespace strop::agent {

enum class CompletionApi { kCompletions, kInfill };

// A model server's address, taken apart.
struct Endpoint {
  bool tls = false;
  std::string host;  // of IPv6 without brackets
  std::string port;
  std::string target;  // path, such as /v1/completions
  CompletionApi api = CompletionApi::kCompletions;
  bool operator==(const Endpoint&) const = default;
};

// A path that is empty or ends in /v1 gets the rest of /v1/completions. Refused: plain http beyond
// loopback, https without a key, a user or password in the URL, any other scheme.
tl::expected<Endpoint, std::string> parse_endpoint(const std::string& url, bool has_key);

// The bearer token of a file: its one line. Refused: a file that others may read, or that is empty.
tl::expected<std::string, std::string> read_key_file(const std::filesystem::path& file);

// Who completes, for the events: the configuration's word, else `strop` for a server on this
// machine, else its host.
std::string producer_name(const ProviderConfig& config, const Endpoint& endpoint);

// So many candidates are asked for: more when a person asks than when typing does.
int candidates_wanted(const ProviderConfig& config, const InlineAsk& ask);

std::string request_body(CompletionApi api, const ProviderConfig& config, const InlineAsk& ask);

// Hex SHA-256 of prefix, a NUL, suffix, and for each related text a NUL, its name, a NUL, itself:
// the exact prompt's name.
std::string prompt_hash(const InlineAsk& ask);

struct Completions {
  std::vector<std::string> texts;  // none of them blank, no two equal
  // By text: the sum over its tokens, of a text that was cut over those that are left.
  std::vector<std::optional<double>> logprobs;
  std::string model;  // as the server calls it; empty: not said
  // By text: its tokens; none where they were not told, or do not make up the text.
  std::vector<TokenLogprobs> tokens = {};
  bool operator==(const Completions&) const = default;
};

// What the body of a refusal says, in one line of at most 200 characters; empty: nothing readable.
std::string refusal_text(std::string_view body);

// Texts are cut as candidate_shape.h has it, by what surrounds the cursor in `ask`.
tl::expected<Completions, std::string> read_completions(CompletionApi api, std::string_view body,
                                                        const InlineAsk& ask);

}  // namespace strop::agent
