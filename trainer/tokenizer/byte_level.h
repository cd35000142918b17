// GPT-2's printable stand-ins for bytes, as the vocabulary of a tokenizer.json spells them.
//
// Pure functions, any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace strop::trainer {

std::string to_byte_level(std::string_view bytes);

// Nothing when a character stands for no byte.
std::optional<std::string> from_byte_level(std::string_view text);

}  // namespace strop::trainer
