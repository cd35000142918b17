// What the scripted completion server offers: it knows the file that is being written and is right,
// nearly right or wrong on purpose.
//
// Pure and deterministic: the offers at a document state follow from that state and the seed.
// Offsets are bytes of UTF-8. The plan of a line is made where the developer's text last agreed
// with it, so that typing through an offer is offered the same text's remainder.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace strop::simulation {

// In the name of a file that was renamed as it was written.
inline constexpr std::string_view kRenamed = "renamed-";

struct Offer {
  std::string text;
  std::size_t replaces = 0;  // bytes before the cursor that the text replaces; they begin `text`
                             // unless it cannot be displayed
};

class Prophet {
 public:
  Prophet(std::string target, std::uint64_t seed) : target_(std::move(target)), seed_(seed) {}

  const std::string& target() const { return target_; }
  std::uint64_t seed() const { return seed_; }

  // The candidates offered when the text before the cursor is `before`. Empty when `before` is no
  // beginning of the target. `invoked`: more of them, behind what is offered unasked.
  std::vector<Offer> offers(std::string_view before, bool invoked = false) const;

 private:
  std::vector<Offer> plan(std::string_view before) const;

  std::string target_;
  std::uint64_t seed_;
};

}  // namespace strop::simulation
