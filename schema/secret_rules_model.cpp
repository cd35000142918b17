#include "schema/secret_rule_parts.h"

namespace strop::schema {

std::vector<SecretRule> model_rules() {
  using enum SecretProof;
  return {
      {"anthropic_key", {"sk-ant-"}, R"(\b(sk-ant-[a-z0-9]+-[\w-]{40,250}))", kForm, 3.5},
      {"openai_key",
       {"T3BlbkFJ"},
       R"(\b(sk-(?:[a-z]+-)?[\w-]{20,}T3BlbkFJ[\w-]{20,}))",
       kForm,
       3.5},
      {"model_key", {"sk-"}, R"((?:^|[^\w-])(sk-[A-Za-z0-9][\w-]{30,250}))", kRandom, 3.6},
      {"huggingface_token",
       {"hf_", "api_org_"},
       R"(\b((?:hf|api_org)_[A-Za-z]{34,40})\b)",
       kForm,
       3.5},
      {"replicate_token", {"r8_"}, R"(\b(r8_[A-Za-z0-9]{37})\b)", kForm, 3.5},
      {"groq_key", {"gsk_"}, R"(\b(gsk_[A-Za-z0-9]{48,56})\b)", kForm, 3.5},
      {"perplexity_key", {"pplx-"}, R"(\b(pplx-[A-Za-z0-9]{48})\b)", kForm, 3.5},
      {"xai_key", {"xai-"}, R"(\b(xai-[A-Za-z0-9]{70,90})\b)", kForm, 3.5},
      {"databricks_token", {"dapi"}, R"(\b(dapi[a-f0-9]{32}(?:-\d)?)\b)", kForm, 3.0},
      {"nvidia_key", {"nvapi-"}, R"(\b(nvapi-[\w-]{60,70}))", kForm, 3.5},
      {"langsmith_key", {"lsv2_"}, R"(\b(lsv2_(?:pt|sk)_[a-f0-9]{32}_[a-f0-9]{10})\b)", kForm, 3.0},
      {"wandb_key", {"wandb"}, R"((?i)wandb[\w\s'":=.>,-]{0,40}?\b([0-9a-f]{40})\b)", kForm, 3.0},
      {"elevenlabs_key", {"sk_"}, R"(\b(sk_[a-f0-9]{48})\b)", kForm, 3.0},
      {"pinecone_key", {"pcsk_"}, R"(\b(pcsk_[A-Za-z0-9_]{50,80})\b)", kForm, 3.5},
      {"cerebras_key", {"csk-"}, R"(\b(csk-[a-z0-9]{48})\b)", kForm, 3.5},
      {"tavily_key", {"tvly-"}, R"(\b(tvly-[A-Za-z0-9-]{30,60}))", kRandom, 3.5},
  };
}

}  // namespace strop::schema
