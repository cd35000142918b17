// safetensors files: what is written is read, and hostile bytes get a message, never a crash.
#include "trainer/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "temporary_folder.h"

namespace strop::trainer {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string file_of(const std::string& header, std::size_t data) {
  const std::uint64_t length = header.size();
  std::string out(8, '\0');
  std::memcpy(out.data(), &length, 8);
  return out + header + std::string(data, 'x');
}

TEST(Safetensors, ReadsWhatItWroteInEveryDtype) {
  const TemporaryFolder folder;
  NamedTensors written;
  for (const auto type : {torch::kFloat32, torch::kFloat16, torch::kBFloat16, torch::kFloat64,
                          torch::kInt64, torch::kInt32, torch::kUInt8})
    written[torch::toString(type)] = torch::arange(6).reshape({2, 3}).to(type);
  written["empty"] = torch::zeros({0, 4});
  written["scalar"] = torch::tensor(2.5F);
  written["turned"] = torch::arange(6).reshape({2, 3}).t();
  write_safetensors(folder / "a.safetensors", written, {{"format", "pt"}});
  const auto read = read_safetensors(folder / "a.safetensors");
  ASSERT_TRUE(read) << read.error();
  ASSERT_EQ(read->size(), written.size());
  for (const auto& [name, tensor] : written) {
    EXPECT_EQ(read->at(name).scalar_type(), tensor.scalar_type()) << name;
    EXPECT_TRUE(torch::equal(read->at(name), tensor)) << name;
  }
  EXPECT_FALSE(std::filesystem::exists(folder / "a.safetensors.tmp"));
}

TEST(Safetensors, DataBeginsAlignedAndTheHeaderIsTheFormats) {
  const TemporaryFolder folder;
  write_safetensors(folder / "a", {{"w", torch::tensor({1.0F})}}, {{"format", "pt"}});
  const std::string bytes = read_bytes(folder / "a");
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), 8);
  EXPECT_EQ(length % 8, 0U);
  EXPECT_EQ(nlohmann::json::parse(bytes.substr(8, length)),
            nlohmann::json::parse(R"({"__metadata__": {"format": "pt"},
                "w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}})"));
  EXPECT_EQ(bytes.substr(8 + length), std::string("\0\0\x80\x3f", 4));
}

struct Hostile {
  const char* what;
  std::string bytes;
  const char* message;
};

TEST(Safetensors, HostileBytesGetAMessage) {
  const std::string huge = std::string("\xff\xff\xff\xff\xff\xff\xff\x7f", 8);
  const Hostile kHostile[] = {
      {"empty", "", "too short"},
      {"seven bytes", "1234567", "too short"},
      {"header length beyond any file", huge + "{}", "header length is impossible"},
      {"header length beyond this file", file_of("{}", 0).replace(0, 1, "\x09"),
       "header length is impossible"},
      {"header is not JSON", file_of("{oops", 0), "not JSON"},
      {"header is a list", file_of("[]", 0), "not JSON"},
      {"header has broken UTF-8", file_of("{\"\xff\": 1}", 0), "not JSON"},
      {"truncated data", file_of(R"({"w":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}})", 15),
       "truncated or corrupt"},
      {"offsets do not match the shape",
       file_of(R"({"w":{"dtype":"F32","shape":[4],"data_offsets":[0,12]}})", 16), "does not match"},
      {"offsets run backwards",
       file_of(R"({"w":{"dtype":"F32","shape":[0],"data_offsets":[8,4]}})", 16), "does not match"},
      {"negative offset", file_of(R"({"w":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}})", 16),
       "'w'"},
      {"overlap",
       file_of(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},
                  "b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})",
               12),
       "overlap"},
      {"a hole", file_of(R"({"w":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}})", 4),
       "bytes from 0 on that no tensor takes"},
      {"bytes behind the last",
       file_of(R"({"w":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})", 4),
       "bytes from 2 on that no tensor takes"},
      {"offsets with a fraction",
       file_of(R"({"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1.0]}})", 1), "offset 1.0"},
      {"three offsets", file_of(R"({"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1,2]}})", 1),
       "two data_offsets"},
      {"deep nesting", file_of(std::string(200'000, '['), 0), "not JSON"},
      {"a deep entry",
       file_of(R"({"w":)" + std::string(200'000, '[') + std::string(200'000, ']') + "}", 0),
       "malformed"},
      {"unknown dtype", file_of(R"({"w":{"dtype":"F8_E5M2","shape":[1],"data_offsets":[0,1]}})", 1),
       "unknown dtype \"F8_E5M2\""},
      {"negative shape", file_of(R"({"w":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", 4),
       "impossible shape"},
      {"shape that overflows",
       file_of(R"({"w":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}})", 0),
       "impossible shape"},
      {"entry without offsets", file_of(R"({"w":{"dtype":"F32","shape":[1]}})", 4), "'w'"},
      {"entry is a number", file_of(R"({"w":3})", 4), "'w'"},
      {"shape is text", file_of(R"({"w":{"dtype":"F32","shape":"big","data_offsets":[0,4]}})", 4),
       "'w'"},
  };
  const TemporaryFolder folder;
  for (const Hostile& hostile : kHostile) {
    const std::string path = folder / "hostile.safetensors";
    write_bytes(path, hostile.bytes);
    const auto read = read_safetensors(path);
    ASSERT_FALSE(read) << hostile.what;
    EXPECT_THAT(read.error(), AllOf(HasSubstr(path), HasSubstr(hostile.message))) << hostile.what;
  }
}

TEST(Safetensors, EveryTruncationOfAGoodFileIsRefused) {
  const TemporaryFolder folder;
  write_safetensors(folder / "good",
                    {{"a", torch::ones({3})}, {"b", torch::ones({2, 2}, torch::kBFloat16)}}, {});
  const std::string bytes = read_bytes(folder / "good");
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    write_bytes(folder / "cut", bytes.substr(0, size));
    EXPECT_FALSE(read_safetensors(folder / "cut")) << size;
  }
}

TEST(Safetensors, NumbersThatAreNotFiniteAreRefused) {
  const TemporaryFolder folder;
  for (const auto dtype : {torch::kFloat32, torch::kFloat16, torch::kBFloat16, torch::kFloat64})
    for (const double bad : {std::nan(""), HUGE_VAL, -HUGE_VAL})
      for (const std::int64_t at : {std::int64_t{0}, std::int64_t{299'999}}) {
        torch::Tensor weights = torch::randn({300'000}).to(dtype);
        write_safetensors(folder / "w", {{"layer.weight", weights}}, {});
        EXPECT_TRUE(read_safetensors(folder / "w"));
        weights[at] = bad;
        write_safetensors(folder / "w", {{"layer.weight", weights}}, {});
        const auto read = read_safetensors(folder / "w");
        ASSERT_FALSE(read) << dtype << bad;
        EXPECT_THAT(read.error(), AllOf(HasSubstr(folder / "w"), HasSubstr("'layer.weight'"),
                                        HasSubstr("element " + std::to_string(at) + ":"),
                                        HasSubstr("earlier checkpoint")));
      }
}

TEST(Safetensors, AFolderIsNoFile) {
  const TemporaryFolder folder;
  EXPECT_FALSE(read_safetensors(folder.path()));
}

TEST(Safetensors, ATensorOfTwoShardsIsRefused) {
  const TemporaryFolder folder;
  write_safetensors(folder / "1.safetensors", {{"a", torch::ones({2})}}, {});
  write_safetensors(folder / "2.safetensors", {{"a", torch::ones({2})}, {"b", torch::ones({1})}},
                    {});
  write_bytes(folder / "model.safetensors.index.json",
              R"({"weight_map": {"a": "1.safetensors", "b": "2.safetensors"}})");
  const auto read = read_model_tensors(folder.path());
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error(), AllOf(HasSubstr("2.safetensors"), HasSubstr("'a'")));
}

TEST(Safetensors, AMissingFileIsNamed) {
  const auto read = read_safetensors("/nowhere/model.safetensors");
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error(), AllOf(HasSubstr("/nowhere/model.safetensors"), HasSubstr("No such")));
}

TEST(Safetensors, ShardsAreReadByTheirIndex) {
  const TemporaryFolder folder;
  write_safetensors(folder / "model-00001-of-00002.safetensors", {{"a", torch::ones({2})}}, {});
  write_safetensors(folder / "model-00002-of-00002.safetensors", {{"b", torch::zeros({3})}}, {});
  write_bytes(folder / "model.safetensors.index.json", R"({"weight_map": {
      "a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}})");
  const auto read = read_model_tensors(folder.path());
  ASSERT_TRUE(read) << read.error();
  EXPECT_EQ(read->size(), 2U);
  EXPECT_EQ(read->at("b").numel(), 3);
}

TEST(Safetensors, AnIndexCannotLeadOutOfItsFolderOrPromiseWhatIsNotThere) {
  const TemporaryFolder folder;
  write_safetensors(folder / "x.safetensors", {{"b", torch::ones({2})}}, {});
  for (const auto& [index, message] :
       {std::pair{R"({"weight_map": {"a": "../secret.safetensors"}})", "is no file name"},
        {R"({"weight_map": {"a": 3}})", "is no file name"},
        {R"({"weight_map": []})", "no weight_map"},
        {"nonsense", "no weight_map"},
        {R"({"weight_map": {"a": "gone.safetensors"}})", "gone.safetensors"},
        {R"({"weight_map": {"a": "x.safetensors"}})", "'a'"}}) {
    write_bytes(folder / "model.safetensors.index.json", index);
    const auto read = read_model_tensors(folder.path());
    ASSERT_FALSE(read) << index;
    EXPECT_THAT(read.error(), HasSubstr(message)) << index;
  }
}

TEST(Safetensors, AFolderThatCannotBeWrittenToThrowsWithAHint) {
  try {
    write_safetensors("/dev/full/never", {{"a", torch::ones({2})}}, {});
    FAIL() << "nothing was thrown";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("/dev/full/never"));
  }
}

}  // namespace
}  // namespace strop::trainer
