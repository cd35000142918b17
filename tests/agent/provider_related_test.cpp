// Parts of other open files: which are chosen, that the gate sees each, and how they stand in a
// prompt.
#include <gmock/gmock.h>

#include "agent/provider/related_files.h"
#include "agent/provider/related_prompt.h"
#include "provider_fixture.h"

namespace strop::agent::test {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

OpenFile file(const std::string& name, const std::string& text) {
  return {"file:///src/" + name, std::make_shared<const std::string>(text)};
}

InlineAsk asking(std::vector<OpenFile> files) {
  InlineAsk ask = ask_of("1", "int area(Shape shape) {\n  return ");
  ask.language = "cpp";
  ask.open_files = std::move(files);
  return ask;
}

bool everything(InlineAsk&) { return true; }

std::vector<std::string> names(const std::vector<RelatedText>& texts) {
  std::vector<std::string> out;
  for (const RelatedText& text : texts) out.push_back(text.name);
  return out;
}

TEST(RelatedFiles, TheMostSimilarStandsLastAndTheUnlikeNotAtAll) {
  const auto chosen = RelatedFiles(4096).choose(
      asking({file("near.h", "int area(Shape shape);\n"),
              file("far.h", "void quite_something_else();\n"),
              file("nearer.h", "int area(Shape shape) { return 0; }\n"),
              file("mid.h", "struct Shape { double a, bb, cc, dd; };\n")}),
      everything);
  EXPECT_THAT(names(chosen), ElementsAre("mid.h", "near.h", "nearer.h"));
}

TEST(RelatedFiles, OfALargeFileThePartThatIsAlike) {
  std::string text;
  for (int i = 0; i < 200; ++i) text += "void other_" + std::to_string(i) + "();\n";
  text += "int area(Shape shape) {\n  return shape.area;\n}\n";
  const auto chosen = RelatedFiles(4096).choose(asking({file("large.h", text)}), everything);
  ASSERT_EQ(chosen.size(), 1U);
  EXPECT_THAT(chosen[0].text, HasSubstr("int area(Shape shape) {\n"));
  EXPECT_LE(chosen[0].text.size(), 1'500U);
}

TEST(RelatedFiles, AreNoMoreThanTheBytesGiven) {
  const std::string text = "int area(Shape shape);\n";  // 23 bytes
  const auto ask = asking({file("a.h", text), file("b.h", text), file("c.h", text)});
  EXPECT_EQ(RelatedFiles(46).choose(ask, everything).size(), 2U);
  EXPECT_EQ(RelatedFiles(45).choose(ask, everything).size(), 1U);
  EXPECT_THAT(RelatedFiles(22).choose(ask, everything), IsEmpty());
  EXPECT_THAT(RelatedFiles(0).choose(ask, everything), IsEmpty());
}

TEST(RelatedFiles, AnOverlongLineIsLeftOut) {
  const auto chosen = RelatedFiles(65536).choose(
      asking({file("a.h", "int area(Shape shape);\nint area = " + std::string(2000, '1') +
                              ";\nShape shape;\n")}),
      everything);
  for (const RelatedText& part : chosen) EXPECT_LT(part.text.size(), 100U);
  EXPECT_EQ(chosen.size(), 2U);
}

// A secret is seen only with all that surrounds it, and an exclusion holds from the next request.
TEST(RelatedFiles, EachFilePassesTheGateWholeAndEachPartAgain) {
  const std::string text = "int area(Shape shape);\nSECRET\n";
  std::vector<std::string> seen;
  bool open = true;
  const auto gate = [&](InlineAsk& ask) {
    seen.push_back(ask.uri + " " + ask.prefix);
    if (const auto at = ask.prefix.find("SECRET"); at != std::string::npos)
      ask.prefix.replace(at, 6, "******");
    return open && ask.uri != "file:///src/excluded.h";
  };
  RelatedFiles related(4096);
  const auto ask = asking({file("a.h", text), file("excluded.h", text)});
  const std::string clean = "int area(Shape shape);\n******\n";
  EXPECT_THAT(related.choose(ask, gate), ElementsAre(RelatedText{"a.h", clean}));
  EXPECT_THAT(seen, ElementsAre("file:///src/a.h " + text, "file:///src/excluded.h " + text,
                                "file:///src/a.h " + clean));
  seen.clear();
  open = false;
  EXPECT_THAT(related.choose(ask, gate), IsEmpty());
  EXPECT_THAT(seen, ElementsAre("file:///src/excluded.h " + text, "file:///src/a.h " + clean))
      << "what did not change is not read anew";
}

TEST(RelatedFiles, AChangedFileIsReadAnew) {
  RelatedFiles related(4096);
  related.choose(asking({file("a.h", "int area(Shape shape);\n")}), everything);
  EXPECT_THAT(related.choose(asking({file("a.h", "long area(Shape shape);\n")}), everything),
              ElementsAre(RelatedText{"a.h", "long area(Shape shape);\n"}));
}

// ---- in the prompt

InlineAsk with_parts(const std::string& language = "cpp") {
  InlineAsk ask = ask_of("1", "x");
  ask.suffix = "y";
  ask.language = language;
  ask.related = {{"a.h", "one\ntwo\n"}, {"b.h", "three"}};
  return ask;
}

std::string prompt_of(const std::string& fim, const InlineAsk& ask) {
  ProviderConfig config;
  config.fim = fim;
  return json::parse(request_body(CompletionApi::kCompletions, config, ask))["prompt"];
}

TEST(RelatedPrompt, IsTheFamilysOwnFormWhereItHasOne) {
  EXPECT_EQ(prompt_of("qwen", with_parts()),
            "<|file_sep|>a.h\none\ntwo\n<|file_sep|>b.h\nthree\n<|file_sep|>a.cpp\n"
            "<|fim_prefix|>x<|fim_suffix|>y<|fim_middle|>");
  EXPECT_EQ(prompt_of("starcoder2", with_parts()),
            "<file_sep>a.h\none\ntwo\n<file_sep>b.h\nthree\n<file_sep>a.cpp\n"
            "<fim_prefix>x<fim_suffix>y<fim_middle>");
  EXPECT_EQ(prompt_of("codestral", with_parts()),
            "+++++ a.h\none\ntwo\n+++++ b.h\nthree\n+++++ a.cpp\n[SUFFIX]y[PREFIX]x");
}

TEST(RelatedPrompt, IsCommentsOtherwise) {
  const std::string comments = "// From a.h:\n// one\n// two\n// From b.h:\n// three\n";
  EXPECT_EQ(prompt_of("server", with_parts()), comments + "x");
  EXPECT_EQ(prompt_of("strop", with_parts()),
            "<|fim_prefix|>" + comments + "x<|fim_suffix|>y<|fim_middle|>");
  EXPECT_THAT(prompt_of("server", with_parts("python")), testing::StartsWith("# From a.h:\n# one"));
  EXPECT_THAT(prompt_of("server", with_parts("css")), testing::StartsWith("/* From a.h: */\n"));
}

TEST(RelatedPrompt, IsInfillsOwnField) {
  const json body =
      json::parse(request_body(CompletionApi::kInfill, ProviderConfig(), with_parts()));
  EXPECT_EQ(body["input_extra"], json::parse(R"([{"filename": "a.h", "text": "one\ntwo\n"},
                            {"filename": "b.h", "text": "three"}])"));
  EXPECT_EQ(body["input_prefix"], "x");
  EXPECT_FALSE(
      json::parse(request_body(CompletionApi::kInfill, {}, ask_of("1"))).contains("input_extra"));
}

TEST(RelatedPrompt, IsInThePromptsName) {
  InlineAsk ask = with_parts();
  const std::string with = prompt_hash(ask);
  ask.related[1].text = "four";
  EXPECT_NE(prompt_hash(ask), with);
  ask.related.clear();
  EXPECT_NE(prompt_hash(ask), with);
}

TEST_F(ProviderTest, RelatedPartsGoAlongAndThePromptIsNoLongerTheEventsAlone) {
  serve(one_and_two);
  config_.related_bytes = 1000;
  start().ask(asking({file("a.h", "int area(Shape shape);\n")}));
  EXPECT_FALSE(answers_.next().note.exact);
  EXPECT_THAT(server_->requests().at(0).body["prompt"].get<std::string>(),
              testing::StartsWith("// From a.h:\n// int area(Shape shape);\nint area(Shape"));
  provider_->ask(ask_of("2", "none"));
  EXPECT_TRUE(answers_.next().note.exact);
}

}  // namespace
}  // namespace strop::agent::test
