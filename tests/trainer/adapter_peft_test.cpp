// Our adapter against the one that PEFT itself wrote for the same model and configuration: every
// tensor and every field. golden/make_peft_adapter.py makes PEFT's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "temporary_folder.h"
#include "tiny_model.h"
#include "trainer/model/adapter.h"

namespace strop::trainer {
namespace {

using nlohmann::json;

// Names, types, shapes and metadata as the file's header has them; not by the reader under test.
json header_of(const std::string& safetensors) {
  const std::string bytes = read_bytes(safetensors);
  std::uint64_t size = 0;
  for (int i = 7; i >= 0; --i) size = size << 8 | static_cast<unsigned char>(bytes.at(i));
  json header = json::parse(bytes.substr(8, size));
  for (auto& [name, entry] : header.items()) entry.erase("data_offsets");
  return header;
}

class AdapterPeft : public testing::Test {
 protected:
  AdapterPeft()
      : peft_(json::parse(
            read_bytes(std::string(STROP_TESTS_DIR) + "/trainer/golden/peft_adapter.json"))) {
    const json& lora = peft_["lora"];
    config_.rank = lora["rank"];
    config_.alpha = lora["alpha"];
    config_.dropout = lora["dropout"];
    config_.targets = lora["targets"].get<std::vector<std::string>>();
    Decoder model = tiny_decoder(tiny_config());
    add_lora(model, config_, 1);
    save_adapter(model, config_, "models/base", folder_ / "adapter");
  }

  json our_config() { return json::parse(read_bytes(folder_ / "adapter/adapter_config.json")); }

  TemporaryFolder folder_;
  const json peft_;
  LoraConfig config_;
};

TEST_F(AdapterPeft, TheTargetsAreOurDefault) {
  EXPECT_EQ(config_, LoraConfig{}) << "the golden adapter no longer shows what the trainer makes";
}

TEST_F(AdapterPeft, TensorsHaveTheNamesTypesAndShapesOfPefts) {
  json ours = header_of(folder_ / "adapter/adapter_model.safetensors");
  EXPECT_EQ(ours["__metadata__"], peft_["metadata"]);
  ours.erase("__metadata__");
  EXPECT_EQ(ours, peft_["tensors"]);
}

TEST_F(AdapterPeft, EveryFieldWeWriteIsPeftsOwnWithItsValueAndType) {
  json theirs = peft_["config"];
  theirs["base_model_name_or_path"] = "models/base";  // PEFT's model came from no folder
  const json ours = our_config();
  for (const auto& [name, value] : ours.items()) {
    ASSERT_TRUE(theirs.contains(name)) << name << " is no field of PEFT's";
    EXPECT_EQ(value.dump(), theirs[name].dump()) << name;  // as text, so that 32.0 is not 32
  }
}

// What absence says is what PEFT wrote: each of these is a later addition of PEFT's, off by
// default.
TEST_F(AdapterPeft, WhatWeLeaveOutIsOff) {
  const std::set<std::string> off_unless_another_is_on{"peft_version", "qalora_group_size"};
  const json ours = our_config();
  for (const auto& [name, value] : peft_["config"].items()) {
    if (ours.contains(name) || off_unless_another_is_on.contains(name)) continue;
    EXPECT_TRUE(value.is_null() || value == false) << name << " is " << value;
  }
}

TEST_F(AdapterPeft, AConfigOfPeftsIsRead) {
  write_bytes(folder_ / "adapter/adapter_config.json", peft_["config"].dump());
  Decoder model = tiny_decoder(tiny_config());
  const auto loaded = load_adapter(model, folder_ / "adapter");
  ASSERT_TRUE(loaded) << loaded.error();
  std::sort(config_.targets.begin(), config_.targets.end());  // PEFT writes a set
  EXPECT_EQ(*loaded, config_);
}

TEST_F(AdapterPeft, AnAlphaThatIsNoWholeNumberStaysWhatItIs) {
  config_.alpha = 2.5;
  Decoder model = tiny_decoder(tiny_config());
  add_lora(model, config_, 1);
  save_adapter(model, config_, "models/base", folder_ / "adapter");
  EXPECT_EQ(our_config()["lora_alpha"], 2.5);
}

}  // namespace
}  // namespace strop::trainer
