// What stands beside the weights in a model folder, when weights of a base are written anew.
//
// Free functions; one thread. The base's config.json is kept to the letter but for the dtype: it
// says more than a decoder needs (ids of special tokens, what an engine reads). Errors:
// std::runtime_error for a file that cannot be read or written (a full disk).
#pragma once

#include <string>

namespace strop::trainer {

// Into the folder OUT, which is there: config.json with `dtype` (as PyTorch calls it: "float32"),
// and copies of BASE's tokenizer and generation files, such as there are.
void write_beside_weights(const std::string& base, const std::string& out,
                          const std::string& dtype);

}  // namespace strop::trainer
