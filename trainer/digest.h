// SHA-256 of bytes, as the name of what a run was made from.
//
// A Digest owns its OpenSSL context; one thread. Errors: std::runtime_error when OpenSSL refuses.
#pragma once

#include <memory>
#include <string>
#include <string_view>

struct evp_md_ctx_st;

namespace strop::trainer {

class Digest {
 public:
  Digest();
  // The bytes and their number: {"ab", "c"} and {"a", "bc"} differ.
  void add(std::string_view bytes);
  // Lower-case hexadecimal, 64 characters. Call once.
  std::string hex();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

// Of a file's bytes alone, as `sha256sum` has it. Throws std::runtime_error for one that cannot be
// read.
std::string file_sha256(const std::string& file);

}  // namespace strop::trainer
