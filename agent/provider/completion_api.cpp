#include "agent/provider/completion_api.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "agent/file_descriptor.h"
#include "agent/provider/candidate_shape.h"
#include "agent/provider/related_prompt.h"
#include "schema/fim.h"

namespace strop::agent {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxKey = 4096;
constexpr double kTemperatureOfSeveral = 0.4;

// By its address, never by a name that merely looks like one (127.0.0.1.example.com).
bool is_loopback(const std::string& host) {
  in_addr v4{};
  if (::inet_pton(AF_INET, host.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  return host == "localhost" || host == "::1";
}

bool is_port(std::string_view text) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  return !text.empty() && text.size() <= 5 && std::all_of(text.begin(), text.end(), is_digit) &&
         std::stoul(std::string(text)) - 1 < 65535;
}

// HOST, HOST:PORT, [V6] or [V6]:PORT.
bool read_authority(std::string_view authority, Endpoint& endpoint) {
  std::string_view rest;
  if (authority.starts_with('[')) {
    const std::size_t close = authority.find(']');
    if (close == std::string_view::npos) return false;
    endpoint.host = std::string(authority.substr(1, close - 1));
    rest = authority.substr(close + 1);
  } else {
    const std::size_t colon = std::min(authority.find(':'), authority.size());
    endpoint.host = std::string(authority.substr(0, colon));
    rest = authority.substr(colon);
  }
  if (rest.empty()) endpoint.port = endpoint.tls ? "443" : "80";
  if (!rest.empty() && rest.front() == ':') endpoint.port = std::string(rest.substr(1));
  return !endpoint.host.empty() && is_port(endpoint.port);
}

void read_target(std::string target, Endpoint& endpoint) {
  while (target.ends_with('/')) target.pop_back();
  if (target.empty()) target = "/v1";
  if (target.ends_with("/v1")) target += "/completions";
  endpoint.api = target.ends_with("/infill") ? CompletionApi::kInfill : CompletionApi::kCompletions;
  endpoint.target = std::move(target);
}

// A token as the server told it; without a text where it told none.
struct Token {
  std::string text;
  std::optional<double> logprob;
};

// OpenAI's {"logprobs": {"tokens": […], "token_logprobs": […]}}.
std::vector<Token> tokens_of_choice(const json& choice) {
  const auto at = json::json_pointer("/logprobs/token_logprobs");
  const auto texts_at = json::json_pointer("/logprobs/tokens");
  std::vector<Token> tokens;
  if (!choice.contains(at) || !choice.at(at).is_array()) return tokens;
  const json texts = choice.contains(texts_at) ? choice.at(texts_at) : json();
  for (std::size_t i = 0; i < choice.at(at).size(); ++i) {
    Token token;
    if (const json& logprob = choice.at(at)[i]; logprob.is_number()) token.logprob = logprob;
    if (texts.is_array() && i < texts.size() && texts[i].is_string()) token.text = texts[i];
    tokens.push_back(std::move(token));
  }
  return tokens;
}

// llama.cpp's {"completion_probabilities": [{"token": …, "logprob": …}, …]}.
std::vector<Token> tokens_of_infill(const json& answer) {
  const auto found = answer.find("completion_probabilities");
  std::vector<Token> tokens;
  if (found == answer.end() || !found->is_array()) return tokens;
  for (const json& one : *found) {
    Token token;
    if (one.is_object() && one.contains("logprob") && one.at("logprob").is_number())
      token.logprob = one.at("logprob");
    if (one.is_object() && one.contains("token") && one.at("token").is_string())
      token.text = one.at("token");
    tokens.push_back(std::move(token));
  }
  return tokens;
}

TokenLogprobs placed(const std::vector<Token>& tokens) {
  TokenLogprobs out;
  std::size_t at = 0;
  for (const Token& token : tokens) {
    out.push_back({at, token.logprob});
    at += token.text.size();
  }
  return out;
}

bool make_up(const std::vector<Token>& tokens, std::string_view text) {
  std::string told;
  for (const Token& token : tokens) told += token.text;
  return told.starts_with(text);
}

void add(Completions& completions, std::string text, const std::vector<Token>& tokens,
         const InlineAsk& ask) {
  const std::size_t kept = kept_size(text, ask.prefix, ask.suffix, ask.single_line);
  TokenLogprobs all = placed(tokens);
  // Where they do not make up the text they cannot be told apart, and all of them count.
  const bool apart = make_up(tokens, text);
  if (apart) all = tokens_within(all, 0, kept, text.size());
  text.resize(kept);
  if (text.find_first_not_of(" \t\r\n") == std::string::npos) return;
  auto& texts = completions.texts;
  if (std::find(texts.begin(), texts.end(), text) != texts.end()) return;
  texts.push_back(std::move(text));
  completions.logprobs.push_back(summed(all));
  completions.tokens.push_back(apart ? std::move(all) : TokenLogprobs{});
}

std::string model_of(const json& answer) {
  const auto found = answer.find("model");
  return found != answer.end() && found->is_string() ? found->get<std::string>() : "";
}

using Read = tl::expected<Completions, std::string>;

Read read_choices(const json& answer, const InlineAsk& ask) {
  if (!answer.is_object()) return tl::unexpected(std::string("the answer is not a JSON object"));
  Completions completions;
  completions.model = model_of(answer);
  const auto choices = answer.find("choices");
  if (choices == answer.end() || !choices->is_array())
    return tl::unexpected(std::string("the answer has no 'choices'"));
  for (const json& choice : *choices) {
    if (!choice.is_object() || !choice.contains("text") || !choice.at("text").is_string())
      return tl::unexpected(std::string("a choice has no 'text'"));
    add(completions, choice.at("text").get<std::string>(), tokens_of_choice(choice), ask);
  }
  return completions;
}

// One object, or a list of them where several were asked for.
Read read_infill(const json& answer, const InlineAsk& ask) {
  Completions completions;
  for (const json& one : answer.is_array() ? answer : json::array({answer})) {
    if (!one.is_object()) return tl::unexpected(std::string("the answer is not a JSON object"));
    const auto content = one.find("content");
    if (content == one.end() || !content->is_string())
      return tl::unexpected(std::string("the answer has no 'content'"));
    completions.model = model_of(one);
    add(completions, content->get<std::string>(), tokens_of_infill(one), ask);
  }
  return completions;
}

}  // namespace

tl::expected<Endpoint, std::string> parse_endpoint(const std::string& url, bool has_key) {
  const auto refuse = [&url](const std::string& why) {
    return tl::unexpected("provider URL '" + url + "': " + why);
  };
  Endpoint endpoint;
  std::string_view rest = url;
  if (rest.starts_with("https://")) {
    endpoint.tls = true;
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
  } else {
    return refuse("must begin with http:// (this machine) or https://");
  }
  const std::size_t path = std::min(rest.find('/'), rest.size());
  const std::string_view authority = rest.substr(0, path);
  if (authority.find('@') != std::string_view::npos)
    return refuse("a user or password does not belong in it; set provider.key_file");
  if (rest.find_first_of("?# \t\r\n") != std::string_view::npos)
    return refuse("a path with no query is expected, such as /v1/completions");
  if (!read_authority(authority, endpoint)) return refuse("is not SCHEME://HOST:PORT/PATH");
  if (!endpoint.tls && !is_loopback(endpoint.host))
    return refuse("plain http goes to this machine alone (127.0.0.1, ::1, localhost); use https");
  if (endpoint.tls && !has_key)
    return refuse("https needs a key: set provider.key_file to a file of mode 0600");
  read_target(std::string(rest.substr(path)), endpoint);
  return endpoint;
}

tl::expected<std::string, std::string> read_key_file(const std::filesystem::path& file) {
  const auto refuse = [&file](const std::string& why) {
    return tl::unexpected("provider.key_file " + file.string() + ": " + why);
  };
  const FileDescriptor opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!opened.is_open()) return refuse("cannot be read");
  struct stat info {};
  if (::fstat(opened.get(), &info) != 0 || !S_ISREG(info.st_mode)) return refuse("is no file");
  if ((info.st_mode & 077) != 0) return refuse("others may read it; do: chmod 600");
  std::array<char, kMaxKey> text{};
  const ssize_t got = ::read(opened.get(), text.data(), text.size());
  std::string key(text.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  key = key.substr(0, key.find_first_of("\r\n"));
  const auto printable = [](char c) { return c > ' ' && c < '\x7f'; };
  if (key.empty() || !std::all_of(key.begin(), key.end(), printable))
    return refuse("its first line must be the key");
  return key;
}

std::string producer_name(const ProviderConfig& config, const Endpoint& endpoint) {
  if (!config.name.empty()) return config.name;
  return is_loopback(endpoint.host) ? "strop" : endpoint.host;
}

int candidates_wanted(const ProviderConfig& config, const InlineAsk& ask) {
  return ask.invoked ? std::max(config.candidates, config.candidates_invoked) : config.candidates;
}

std::string request_body(CompletionApi api, const ProviderConfig& config, const InlineAsk& ask) {
  const int wanted = candidates_wanted(config, ask);
  // Without chance all of several would be the same, and some servers refuse to give them.
  const double temperature =
      config.temperature == 0 && wanted > 1 ? kTemperatureOfSeveral : config.temperature;
  json body;
  if (api == CompletionApi::kInfill) {
    body = {{"input_prefix", ask.prefix},
            {"input_suffix", ask.suffix},
            {"n_predict", config.max_tokens},
            {"temperature", temperature},
            {"n_probs", 1},
            {"cache_prompt", true}};
    if (wanted > 1) body["n_cmpl"] = wanted;
    for (const RelatedText& file : ask.related)
      body["input_extra"].push_back({{"filename", file.name}, {"text", file.text}});
  } else {
    body = {{"max_tokens", config.max_tokens},
            {"temperature", temperature},
            {"n", wanted},
            {"logprobs", 1}};
    const std::string header = related_header(config.fim, ask);
    const auto family = schema::fim_family(config.fim);
    if (family && has_repository_form(config.fim)) {
      body["prompt"] = header + schema::fim_prompt_text(*family, ask.prefix, ask.suffix);
    } else if (family) {
      body["prompt"] = schema::fim_prompt_text(*family, header + ask.prefix, ask.suffix);
    } else {
      body["prompt"] = header + ask.prefix;
      if (!ask.suffix.empty()) body["suffix"] = ask.suffix;
    }
  }
  if (!config.model.empty()) body["model"] = config.model;
  if (ask.single_line) body["stop"] = json::array({"\n"});
  return body.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string prompt_hash(const InlineAsk& ask) {
  std::string prompt = ask.prefix + '\0' + ask.suffix;
  for (const RelatedText& file : ask.related) prompt += '\0' + file.name + '\0' + file.text;
  std::array<unsigned char, crypto_hash_sha256_BYTES> digest{};
  crypto_hash_sha256(digest.data(), reinterpret_cast<const unsigned char*>(prompt.data()),
                     prompt.size());
  std::array<char, 2 * digest.size() + 1> hex{};
  sodium_bin2hex(hex.data(), hex.size(), digest.data(), digest.size());
  return hex.data();
}

// {"error": {"message": …}} as OpenAI has it, {"error": …}, {"message": …} or {"detail": …}.
std::string refusal_text(std::string_view body) {
  constexpr std::size_t kMaxTold = 200;
  const json answer = json::parse(body, nullptr, /*allow_exceptions=*/false);
  std::string said;
  for (const char* at : {"/error/message", "/error", "/message", "/detail"}) {
    const json::json_pointer place(at);
    if (!answer.is_object() || !answer.contains(place) || !answer.at(place).is_string()) continue;
    said = answer.at(place).get<std::string>();
    break;
  }
  std::string told;
  std::size_t characters = 0;
  for (const char c : said) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xC0U) != 0x80U && ++characters > kMaxTold) return told + "…";
    if (byte >= 0x20 && byte != 0x7F) told += c;
  }
  return told;
}

tl::expected<Completions, std::string> read_completions(CompletionApi api, std::string_view body,
                                                        const InlineAsk& ask) {
  const json answer = json::parse(body, nullptr, /*allow_exceptions=*/false);
  return api == CompletionApi::kInfill ? read_infill(answer, ask) : read_choices(answer, ask);
}

}  // namespace strop::agent
