#include "agent/rewrite.h"

#include <sodium.h>
#include <algorithm>
#include <cctype>

#include <array>
#include <stdexcept>

#include "agent/raw_json.h"

namespace strop::agent {
namespace {

std::optional<std::string_view> at_path(std::string_view object,
                                        std::initializer_list<std::string_view> path) {
  std::optional<std::string_view> value = object;
  for (const std::string_view key : path)
    if (value) value = json_at(*value, key);
  return value;
}

bool is_null(const std::optional<std::string_view>& value) { return !value || *value == "null"; }

std::string string_at(std::string_view object, std::initializer_list<std::string_view> path) {
  const auto value = at_path(object, path);
  return value ? json_string(*value).value_or("") : "";
}

std::vector<std::string> strings_in(const std::optional<std::string_view>& list) {
  std::vector<std::string> strings;
  const auto elements = list ? json_elements(*list) : std::nullopt;
  for (std::size_t i = 0; elements && i < elements->size(); ++i)
    if (auto text = json_string((*elements)[i])) strings.push_back(std::move(*text));
  return strings;
}

// {…, "commands": […]}: gains one.
void add_command(JsonEdits& edits, std::string_view holder, std::string_view command) {
  const std::string quoted = json_quoted(command);
  const auto commands = json_at(holder, "commands");
  if (commands && json_elements(*commands))
    edits.append(*commands, quoted);
  else if (commands)
    edits.replace(*commands, "[" + quoted + "]");
  else
    edits.append(holder, "\"commands\":[" + quoted + "]");
}

void set_member(JsonEdits& edits, std::string_view object, std::string_view key,
                const std::string& value) {
  if (const auto old = json_at(object, key))
    edits.replace(*old, value);
  else
    edits.append(object, json_quoted(key) + ":" + value);
}

std::string wrapped_command(std::string_view inner, std::string_view accept_command,
                            std::string_view request_id, std::size_t index) {
  const auto title = json_at(inner, "title");
  return "{\"title\":" + (title && json_string(*title) ? std::string(*title) : "\"\"") +
         ",\"command\":" + json_quoted(accept_command) +
         ",\"arguments\":[{\"request\":" + std::string(request_id) +
         ",\"item\":" + std::to_string(index) + "}," + std::string(inner) + "]}";
}

bool wrap_item(JsonEdits& edits, std::string_view item, std::size_t index,
               std::string_view accept_command, std::string_view request_id,
               const std::vector<std::string>& own_commands) {
  if (!is_json_object(item)) return false;
  const auto command = json_at(item, "command");
  if (!is_null(command)) {
    const auto name = json_at(*command, "command");
    const auto text = name ? json_string(*name) : std::nullopt;
    if (!text || std::find(own_commands.begin(), own_commands.end(), *text) == own_commands.end())
      return false;
  }
  set_member(edits, item, "command",
             wrapped_command(command.value_or("null"), accept_command, request_id, index));
  return true;
}

// The parameters of an accept, with the command inside in the accept command's place.
std::string inner_params(std::string_view params, std::string_view inner) {
  std::string out;
  const auto add = [&out](std::string_view member) {
    out += (out.empty() ? "" : ",") + std::string(member);
  };
  const auto members = json_members(params);
  for (const JsonMember& member : *members) {
    if (member.key == "command") {
      add("\"command\":" + std::string(*json_at(inner, "command")));
      if (const auto arguments = json_at(inner, "arguments"))
        add("\"arguments\":" + std::string(*arguments));
    } else if (member.key != "arguments") {
      add(member.text);
    }
  }
  return "{" + out + "}";
}

bool is_length_field(std::string_view line) {
  constexpr std::string_view kName = "content-length";
  const std::string_view name = line.substr(0, std::min(line.find(':'), line.size()));
  return name.size() == kName.size() &&
         std::equal(name.begin(), name.end(), kName.begin(),
                    [](unsigned char a, char b) { return std::tolower(a) == b; });
}

}  // namespace

std::string make_accept_command() {
  if (sodium_init() < 0) throw std::runtime_error("the system gives no random numbers");
  std::array<unsigned char, 16> bits{};
  randombytes_buf(bits.data(), bits.size());
  std::array<char, 2 * bits.size() + 1> hex{};
  sodium_bin2hex(hex.data(), hex.size(), bits.data(), bits.size());
  return std::string("strop.accept.") + hex.data();
}

ServerFacts read_server_facts(std::string_view initialize_answer) {
  ServerFacts facts;
  const auto capabilities = at_path(initialize_answer, {"result", "capabilities"});
  if (!capabilities || !is_json_object(*capabilities) || !is_json(initialize_answer)) return facts;
  facts.valid = true;
  facts.name = string_at(initialize_answer, {"result", "serverInfo", "name"});
  facts.position_encoding = string_at(*capabilities, {"positionEncoding"});
  const auto offers = json_at(*capabilities, "inlineCompletionProvider");
  facts.inline_completion = !is_null(offers) && *offers != "false";
  facts.commands = strings_in(at_path(*capabilities, {"executeCommandProvider", "commands"}));
  return facts;
}

std::optional<std::string> announce(std::string_view initialize_answer,
                                    std::string_view accept_command, bool offer_inline) {
  if (!is_json(initialize_answer)) return std::nullopt;
  const auto capabilities = at_path(initialize_answer, {"result", "capabilities"});
  if (!capabilities || !is_json_object(*capabilities)) return std::nullopt;
  JsonEdits edits(initialize_answer);
  if (!accept_command.empty()) {
    const auto provider = json_at(*capabilities, "executeCommandProvider");
    if (provider && is_json_object(*provider))
      add_command(edits, *provider, accept_command);
    else
      set_member(edits, *capabilities, "executeCommandProvider",
                 "{\"commands\":[" + json_quoted(accept_command) + "]}");
  }
  const auto offers = json_at(*capabilities, "inlineCompletionProvider");
  if (offer_inline && (is_null(offers) || *offers == "false"))
    set_member(edits, *capabilities, "inlineCompletionProvider", "true");
  std::string changed = edits.apply();
  if (changed == initialize_answer) return std::nullopt;
  return changed;
}

std::vector<Registered> read_registrations(std::string_view request) {
  std::vector<Registered> all;
  const auto list = at_path(request, {"params", "registrations"});
  const auto elements = list ? json_elements(*list) : std::nullopt;
  for (std::size_t i = 0; elements && i < elements->size(); ++i) {
    const std::string_view one = (*elements)[i];
    all.push_back({string_at(one, {"id"}), string_at(one, {"method"}),
                   strings_in(at_path(one, {"registerOptions", "commands"}))});
  }
  return all;
}

std::vector<std::string> read_unregistrations(std::string_view request) {
  std::vector<std::string> ids;
  // The protocol's own misspelling.
  const auto list = at_path(request, {"params", "unregisterations"});
  const auto elements = list ? json_elements(*list) : std::nullopt;
  for (std::size_t i = 0; elements && i < elements->size(); ++i)
    ids.push_back(string_at((*elements)[i], {"id"}));
  return ids;
}

std::optional<std::string> announce_in_registration(std::string_view request,
                                                    std::string_view accept_command) {
  if (!is_json(request)) return std::nullopt;
  const auto list = at_path(request, {"params", "registrations"});
  const auto elements = list ? json_elements(*list) : std::nullopt;
  for (std::size_t i = 0; elements && i < elements->size(); ++i) {
    if (string_at((*elements)[i], {"method"}) != "workspace/executeCommand") continue;
    const auto options = json_at((*elements)[i], "registerOptions");
    if (!options || !is_json_object(*options)) continue;
    JsonEdits edits(request);
    add_command(edits, *options, accept_command);
    return edits.apply();
  }
  return std::nullopt;
}

std::optional<std::string> wrap_items(std::string_view answer, std::string_view accept_command,
                                      std::string_view request_id,
                                      const std::vector<std::string>& own_commands) {
  if (!is_json(answer)) return std::nullopt;
  auto list = json_at(answer, "result");
  if (list && is_json_object(*list)) list = json_at(*list, "items");
  const auto items = list ? json_elements(*list) : std::nullopt;
  if (!items) return std::nullopt;
  JsonEdits edits(answer);
  bool any = false;
  for (std::size_t i = 0; i < items->size(); ++i)
    any |= wrap_item(edits, (*items)[i], i, accept_command, request_id, own_commands);
  if (!any) return std::nullopt;
  return edits.apply();
}

std::optional<Accept> read_accept(std::string_view request, std::string_view accept_command) {
  if (request.find(accept_command) == std::string_view::npos || !is_json(request))
    return std::nullopt;
  const auto params = json_at(request, "params");
  if (!params || string_at(*params, {"command"}) != accept_command) return std::nullopt;
  Accept accept;
  const auto arguments = json_at(*params, "arguments");
  const auto elements = arguments ? json_elements(*arguments) : std::nullopt;
  if (!elements || elements->size() < 2) return accept;
  const std::string_view inner = (*elements)[1];
  const auto command = is_json_object(inner) ? json_at(inner, "command") : std::nullopt;
  if (!command || !json_string(*command)) return accept;
  JsonEdits edits(request);
  edits.replace(*params, inner_params(*params, inner));
  accept.inner_request = edits.apply();
  return accept;
}

bool carries_item(std::string_view method) {
  return method == "textDocument/didShowCompletion" ||
         method == "textDocument/didPartiallyAcceptCompletion" ||
         method == "textDocument/didShowInlineEdit";
}

std::optional<std::string> unwrap_item(std::string_view message, std::string_view accept_command) {
  if (message.find(accept_command) == std::string_view::npos || !is_json(message))
    return std::nullopt;
  const auto item = at_path(message, {"params", "item"});
  const auto members = item ? json_members(*item) : std::nullopt;
  if (!members) return std::nullopt;
  std::string rest;
  bool wrapped = false;
  for (const JsonMember& member : *members) {
    std::string text(member.text);
    if (member.key == "command" && string_at(member.value, {"command"}) == accept_command) {
      wrapped = true;
      const auto arguments = json_at(member.value, "arguments");
      const auto elements = arguments ? json_elements(*arguments) : std::nullopt;
      if (!elements || elements->size() < 2 || (*elements)[1] == "null") continue;
      text = "\"command\":" + std::string((*elements)[1]);
    }
    rest += (rest.empty() ? "" : ",") + text;
  }
  if (!wrapped) return std::nullopt;
  JsonEdits edits(message);
  edits.replace(*item, "{" + rest + "}");
  return edits.apply();
}

std::string null_answer(std::string_view id) { return result_answer(id, "null"); }

std::string result_answer(std::string_view id, std::string_view result) {
  return "{\"jsonrpc\":\"2.0\",\"id\":" + std::string(id) + ",\"result\":" + std::string(result) +
         "}";
}

std::string error_answer(std::string_view id, int code, std::string_view message) {
  return "{\"jsonrpc\":\"2.0\",\"id\":" + std::string(id) +
         ",\"error\":{\"code\":" + std::to_string(code) + ",\"message\":" + json_quoted(message) +
         "}}";
}

std::string frame(std::string_view body, std::string_view header) {
  const std::string length = std::to_string(body.size());
  if (header.empty()) return "Content-Length: " + length + "\r\n\r\n" + std::string(body);
  std::string out;
  while (!header.empty()) {
    const std::size_t end = std::min(header.find('\n'), header.size() - 1) + 1;
    std::string_view line = header.substr(0, end);
    header.remove_prefix(end);
    if (is_length_field(line)) {
      const std::string_view ending = line.ends_with("\r\n") ? "\r\n" : "\n";
      out += std::string(line.substr(0, line.find(':'))) + ": " + length + std::string(ending);
    } else {
      out += line;
    }
  }
  return out + std::string(body);
}

}  // namespace strop::agent
