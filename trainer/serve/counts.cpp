#include "trainer/serve/counts.h"

namespace strop::trainer {

std::string metrics_text(const Counts& counts) {
  struct Metric {
    const char* name;
    const char* kind;
    const char* help;
    const std::atomic<std::uint64_t>& value;
  };
  const Metric kMetrics[] = {
      {"requests_total", "counter", "Requests for completions.", counts.requests},
      {"errors_total", "counter", "Requests of any kind that were refused or failed.",
       counts.errors},
      {"cancelled_total", "counter", "Requests whose client hung up.", counts.cancelled},
      {"prompt_tokens_total", "counter", "Tokens of prompts.", counts.prompt_tokens},
      {"reused_tokens_total", "counter", "Tokens of prompts that the prefix cache knew.",
       counts.reused_tokens},
      {"generated_tokens_total", "counter", "Tokens of completions.", counts.generated_tokens},
      {"prefix_cache_hits_total", "counter", "Prompts of which the prefix cache knew a beginning.",
       counts.cache_hits},
      {"prefix_cache_misses_total", "counter", "Prompts of which it knew nothing.",
       counts.cache_misses},
      {"adapter_switches_total", "counter", "Times another adapter was put in force.",
       counts.adapter_switches},
      {"steps_total", "counter", "Times a token of every sequence was computed.", counts.steps},
      {"prefix_cache_bytes", "gauge", "Keys and values that are kept.", counts.cache_bytes},
      {"sequences", "gauge", "Sequences that are computed.", counts.rows},
      {"waiting", "gauge", "Requests that wait for a place.", counts.waiting}};
  std::string out;
  for (const auto& [name, kind, help, value] : kMetrics) {
    const std::string full = std::string("strop_serve_") + name;
    out += "# HELP " + full + " " + help + "\n# TYPE " + full + " " + kind + "\n" + full + " " +
           std::to_string(value) + "\n";
  }
  return out;
}

}  // namespace strop::trainer
