// What surrounds the cursor at a request: followed through changes, and nothing where that is not
// known.
#include "agent/provider/editor_documents.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace strop::agent::test {
namespace {

using nlohmann::json;

constexpr const char* kUri = "file:///src/a.cpp";

class EditorDocumentsTest : public testing::Test {
 protected:
  static void open(EditorDocuments& documents, const std::string& text) {
    const json document = {{"uri", kUri}, {"languageId", "cpp"}, {"version", 1}, {"text", text}};
    note(documents, "textDocument/didOpen", {{"textDocument", document}});
  }
  static void note(EditorDocuments& documents, const std::string& method, const json& params) {
    documents.note(method, json{{"jsonrpc", "2.0"}, {"method", method}, {"params", params}}.dump());
  }
  static void change(EditorDocuments& documents, const json& changes) {
    note(documents, "textDocument/didChange",
         {{"textDocument", {{"uri", kUri}, {"version", 2}}}, {"contentChanges", changes}});
  }
  static std::optional<InlineAsk> at(EditorDocuments& documents, int line, int character) {
    const json request = {{"id", 7},
                          {"method", "textDocument/inlineCompletion"},
                          {"params",
                           {{"textDocument", {{"uri", kUri}}},
                            {"position", {{"line", line}, {"character", character}}},
                            {"context", {{"triggerKind", 1}}}}}};
    return documents.around_cursor(request.dump(), "7");
  }

  EditorDocuments documents_{AskRules{}};
};

TEST_F(EditorDocumentsTest, GivesWhatIsBeforeAndBehindTheCursor) {
  open(documents_, "one\ntwo\nthree");
  const auto ask = at(documents_, 1, 2);
  ASSERT_TRUE(ask);
  EXPECT_EQ(ask->request_id, "7");
  EXPECT_EQ(ask->uri, kUri);
  EXPECT_EQ(ask->language, "cpp");
  EXPECT_EQ(json::parse(ask->position), (json{{"line", 1}, {"character", 2}}));
  EXPECT_EQ(ask->prefix, "one\ntw");
  EXPECT_EQ(ask->suffix, "o\nthree");
  EXPECT_TRUE(ask->single_line);
}

TEST_F(EditorDocumentsTest, FollowsTheTextAndForgetsWhatIsClosed) {
  open(documents_, "one");
  change(documents_, {{{"text", "another"}}});
  EXPECT_EQ(at(documents_, 0, 3)->prefix, "ano");
  note(documents_, "textDocument/didClose", {{"textDocument", {{"uri", kUri}}}});
  EXPECT_FALSE(at(documents_, 0, 3));
}

TEST_F(EditorDocumentsTest, CountsInTheEncodingThatWasAgreed) {
  open(documents_, "\xf0\x9f\x98\x80x");
  EXPECT_EQ(at(documents_, 0, 2)->suffix, "x");
  documents_.set_encoding(lsp::Encoding::kUtf8);
  EXPECT_EQ(at(documents_, 0, 4)->suffix, "x");
}

TEST_F(EditorDocumentsTest, SaysNothingOnceMessagesAreMissing) {
  open(documents_, "one");
  documents_.lose();
  EXPECT_FALSE(at(documents_, 0, 1));
  open(documents_, "one");
  EXPECT_TRUE(at(documents_, 0, 1)) << "a whole text makes it known again";
}

TEST_F(EditorDocumentsTest, SaysNothingAfterAChangeThatCannotBeRead) {
  open(documents_, "one");
  documents_.note("textDocument/didChange", "{}");
  EXPECT_FALSE(at(documents_, 0, 1));
}

TEST_F(EditorDocumentsTest, SaysNothingToARequestThatCannotBeRead) {
  open(documents_, "one");
  for (const char* request : {"", "[]", "{}", R"({"params": 3})",
                              R"({"params": {"textDocument": {"uri": "file:///src/a.cpp"}}})",
                              R"({"params": {"position": {"line": 0, "character": 0}}})"})
    EXPECT_FALSE(documents_.around_cursor(request, "7")) << request;
}

TEST_F(EditorDocumentsTest, OtherMessagesChangeNothing) {
  open(documents_, "one");
  note(documents_, "textDocument/didSave", {{"textDocument", {{"uri", kUri}}}});
  EXPECT_EQ(at(documents_, 0, 1)->suffix, "ne");
}

TEST_F(EditorDocumentsTest, MoreThanALineIsAskedForWhereNothingFollowsOnIt) {
  EditorDocuments multiline{AskRules{.multiline = true}};
  open(multiline, "one \t\r\ntwo;");
  EXPECT_FALSE(at(multiline, 0, 3)->single_line);
  EXPECT_TRUE(at(multiline, 0, 2)->single_line);
  EXPECT_TRUE(at(multiline, 1, 3)->single_line);
  EXPECT_FALSE(at(multiline, 1, 4)->single_line);
}

TEST_F(EditorDocumentsTest, NotWhereABlockHasItsBodyNorWithinAnArgument) {
  EditorDocuments multiline{AskRules{.multiline = true}};
  open(multiline, "f() {\n\n  x;\n}\ng(a)\nh(");
  EXPECT_TRUE(at(multiline, 0, 5)->single_line);
  EXPECT_TRUE(at(multiline, 4, 3)->single_line);
  EXPECT_FALSE(at(multiline, 4, 4)->single_line);
  EXPECT_FALSE(at(multiline, 5, 2)->single_line);
}

TEST_F(EditorDocumentsTest, TellsWhoAsksAndWhereInTheText) {
  open(documents_, "one\ntwo");
  EXPECT_EQ(at(documents_, 1, 2)->offset, 6U);
  EXPECT_TRUE(at(documents_, 1, 2)->invoked);
  const std::string typed =
      R"({"params":{"textDocument":{"uri":"file:///src/a.cpp"},"position":{"line":0,"character":0},)"
      R"("context":{"triggerKind":2}}})";
  EXPECT_FALSE(documents_.around_cursor(typed, "7")->invoked);
}

class OpenFilesTest : public EditorDocumentsTest {
 protected:
  void open_as(const std::string& uri, const std::string& language, const std::string& text) {
    const json document = {{"uri", uri}, {"languageId", language}, {"version", 1}, {"text", text}};
    note(files_, "textDocument/didOpen", {{"textDocument", document}});
  }
  std::vector<std::string> others() {
    std::vector<std::string> uris;
    ask_ = at(files_, 0, 0);
    for (const OpenFile& file : ask_->open_files) uris.push_back(file.uri);
    return uris;
  }
  EditorDocuments files_{AskRules{.open_files = true}};
  std::optional<InlineAsk> ask_;
};

TEST_F(OpenFilesTest, AreTheOthersOfTheLanguageTheOneUsedLastFirst) {
  open_as("file:///b", "cpp", "b");
  open_as("file:///c", "cpp", "c");
  open_as("file:///python", "python", "p");
  open_as("file:///empty", "cpp", "");
  open_as("file:///large", "cpp", std::string(EditorDocuments::kMostOfOpenFile + 1, 'x'));
  open(files_, "a");
  EXPECT_THAT(others(), testing::ElementsAre("file:///c", "file:///b"));
  note(files_, "textDocument/didChange",
       {{"textDocument", {{"uri", "file:///b"}, {"version", 2}}},
        {"contentChanges", {{{"text", "b2"}}}}});
  EXPECT_THAT(others(), testing::ElementsAre("file:///b", "file:///c"));
  EXPECT_EQ(*ask_->open_files[0].text, "b2");
  note(files_, "textDocument/didClose", {{"textDocument", {{"uri", "file:///b"}}}});
  EXPECT_THAT(others(), testing::ElementsAre("file:///c"));
}

TEST_F(OpenFilesTest, AreCopiedOnceForAsLongAsTheyStay) {
  open_as("file:///b", "cpp", "b");
  open(files_, "a");
  others();
  const auto before = ask_->open_files.at(0).text;
  others();
  EXPECT_EQ(ask_->open_files.at(0).text, before);
}

TEST_F(OpenFilesTest, AreAFewAtMostAndNoneUnlessWanted) {
  for (int i = 0; i < 20; ++i) open_as("file:///" + std::to_string(i), "cpp", "x");
  open(files_, "a");
  EXPECT_EQ(others().size(), EditorDocuments::kMostOpenFiles);
  open(documents_, "a");
  note(documents_, "textDocument/didOpen",
       {{"textDocument",
         {{"uri", "file:///b"}, {"languageId", "cpp"}, {"version", 1}, {"text", "b"}}}});
  EXPECT_TRUE(at(documents_, 0, 0)->open_files.empty());
}

}  // namespace
}  // namespace strop::agent::test
