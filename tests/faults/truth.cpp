#include "faults/truth.h"

#include <unistd.h>

#include <stdexcept>

#include "faults/made_event.h"

namespace strop::faults {

Truth::Truth(const std::filesystem::path& journal) : journal_(support::open_to_append(journal)) {}

void Truth::write(const std::string& lines) const {
  if (::write(journal_.get(), lines.data(), lines.size()) != static_cast<ssize_t>(lines.size()))
    throw std::runtime_error("the journal cannot be written");
}

std::vector<std::string> Truth::hand(const std::string& prefix, std::size_t count) {
  std::vector<std::string> names;
  std::string lines;
  for (std::size_t i = 0; i < count; ++i) {
    names.push_back(prefix + '-' + std::to_string(events_.size()));
    const std::string hash = hash_of(made_event(names.back()));
    events_[names.back()].hash = hash;
    lines.append("handed ").append(names.back()).append(1, ' ').append(hash).append(1, '\n');
  }
  write(lines);
  if (::fdatasync(journal_.get()) != 0) throw std::runtime_error("the journal cannot be synced");
  return names;
}

void Truth::captured(const std::string& name, const Place& place) {
  Handed& event = events_.at(name);
  event.word = Handed::Word::kCaptured;
  event.place = place;
  places_[place] = name;
  write("captured " + name + ' ' + schema::to_hex(place.first) + ' ' +
        std::to_string(place.second) + '\n');
}

void Truth::given_up(const std::string& name) {
  events_.at(name).word = Handed::Word::kGivenUp;
  write("given_up " + name + '\n');
}

void Truth::wished(const std::string& name, Handed::Wish wish) {
  events_.at(name).wish = wish;
  write((wish == Handed::Wish::kAsked ? "to_forget " : "forgotten ") + name + '\n');
}

const std::string* Truth::at(const Place& place) const {
  const auto found = places_.find(place);
  return found == places_.end() ? nullptr : &found->second;
}

}  // namespace strop::faults
