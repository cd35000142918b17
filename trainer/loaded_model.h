// A model as the commands load it: decoder, tokenizer, an adapter perhaps, and whose prompts it
// knows.
//
// Values, owned by the caller; one thread. Errors: std::runtime_error that names the folder and
// says what is wrong with it; std::invalid_argument for a folder that is not there.
#pragma once

#include <string>

#include "schema/fim.h"
#include "trainer/model/decoder.h"
#include "trainer/precision.h"
#include "trainer/tokenizer/tokenizer.h"

namespace strop::trainer {

struct LoadedModel {
  Decoder decoder;
  Tokenizer tokenizer;
  schema::FimFamily family = schema::FimFamily::kStrop;
  std::string name;  // the folder's last part, and the adapter's
  std::string base_name;
};

// What a model is called with this adapter, or without one.
std::string adapted_name(const std::string& base_name, const std::string& adapter);

// `adapter`: empty for none. The family is the first one whose special tokens the vocabulary has.
LoadedModel load_model(const std::string& directory, const std::string& adapter,
                       const torch::Device& device = torch::kCPU,
                       Precision precision = Precision::kFloat32);

}  // namespace strop::trainer
