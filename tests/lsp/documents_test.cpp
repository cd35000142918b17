// Documents as the editor has them, kept by its notifications.
#include "lsp/documents.h"

#include <gtest/gtest.h>

#include "lsp/types.h"

namespace strop::lsp {
namespace {

using nlohmann::json;

constexpr const char* kUri = "file:///a.py";

TextDocumentItem item(const std::string& text, const std::string& uri = kUri) {
  TextDocumentItem out;
  out.uri = uri;
  out.languageId = "python";
  out.version = 1;
  out.text = text;
  return out;
}

DidChangeTextDocumentParams change_of(const nlohmann::json& changes, int version = 2,
                                      const std::string& uri = kUri) {
  return *parse<DidChangeTextDocumentParams>(
      {{"textDocument", {{"uri", uri}, {"version", version}}}, {"contentChanges", changes}});
}

nlohmann::json edit(int line, int from, int to_line, int to, const std::string& text) {
  return {{"range",
           {{"start", {{"line", line}, {"character", from}}},
            {"end", {{"line", to_line}, {"character", to}}}}},
          {"text", text}};
}

class DocumentsTest : public testing::Test {
 protected:
  const std::string& text(const std::string& uri = kUri) const { return store_.find(uri)->text(); }
  DocumentStore store_;
};

TEST_F(DocumentsTest, OpensChangesAndCloses) {
  store_.open(item("one\ntwo\n"));
  const auto change =
      store_.change(change_of(json::array({edit(1, 0, 1, 3, "2"), edit(0, 3, 0, 3, "!")})));
  ASSERT_TRUE(change) << change.error();
  EXPECT_EQ(text(), "one!\n2\n");
  EXPECT_EQ(change->edits, (std::vector<AppliedEdit>{{4, "two", "2"}, {3, "", "!"}}));
  EXPECT_EQ(change->version, 2);
  EXPECT_FALSE(change->whole_document);
  EXPECT_TRUE(store_.close(kUri));
  EXPECT_FALSE(store_.close(kUri));
  EXPECT_EQ(store_.find(kUri), nullptr);
}

TEST_F(DocumentsTest, EachEditCountsInTheTextThatTheOneBeforeLeft) {
  store_.open(item("abc"));
  ASSERT_TRUE(
      store_.change(change_of(json::array({edit(0, 0, 0, 1, "x\n"), edit(1, 0, 1, 1, "y")}))));
  EXPECT_EQ(text(), "x\nyc");
}

TEST_F(DocumentsTest, AWholeTextIsOneEditOfWhatDiffers) {
  store_.open(item("head middle tail"));
  const auto change = store_.change(change_of({{{"text", "head new tail"}}}));
  ASSERT_TRUE(change);
  EXPECT_TRUE(change->whole_document);
  EXPECT_EQ(change->edits, (std::vector<AppliedEdit>{{5, "middle", "new"}}));
  EXPECT_EQ(text(), "head new tail");
}

TEST_F(DocumentsTest, NoCodePointIsCutByTheDifference) {
  store_.open(item("x\u00e9y"));  // é and è share their first byte
  const auto change = store_.change(change_of({{{"text", "x\u00e8y"}}}));
  ASSERT_TRUE(change);
  EXPECT_EQ(change->edits, (std::vector<AppliedEdit>{{1, "\u00e9", "\u00e8"}}));
}

TEST_F(DocumentsTest, PositionsAreOfTheNegotiatedEncoding) {
  store_.open(item("😀x"));
  ASSERT_TRUE(store_.change(change_of(json::array({edit(0, 2, 0, 3, "y")}))));
  EXPECT_EQ(text(), "😀y");
  store_.set_encoding(Encoding::kUtf8);
  store_.open(item("😀x"));
  ASSERT_TRUE(store_.change(change_of(json::array({edit(0, 4, 0, 5, "z")}))));
  EXPECT_EQ(text(), "😀z");
  store_.set_encoding(Encoding::kUtf32);
  store_.open(item("😀x"));
  ASSERT_TRUE(store_.change(change_of(json::array({edit(0, 1, 0, 2, "w")}))));
  EXPECT_EQ(text(), "😀w");
}

TEST_F(DocumentsTest, RevertGivesTheTextBefore) {
  const std::string before = "one\ntwo\nthree\n";
  store_.open(item(before));
  const auto change = store_.change(change_of(
      json::array({edit(0, 1, 2, 1, "XY\n"), edit(0, 0, 0, 0, "a"), edit(1, 0, 1, 1, "")})));
  ASSERT_TRUE(change);
  std::string back = text();
  revert(back, change->edits);
  EXPECT_EQ(back, before);
}

TEST_F(DocumentsTest, AnEditThatDoesNotFitUnsyncsUntilTheWholeTextComes) {
  for (const auto& bad : {edit(9, 0, 9, 1, "x"), edit(0, 2, 0, 1, "x"), edit(0, 1, 0, 2, "x")}) {
    store_.open(item("😀b\n"));
    EXPECT_FALSE(store_.change(change_of({edit(0, 2, 0, 3, "c"), bad}))) << bad;
    EXPECT_EQ(text(), "😀c\n") << "the last good edit stands";
    EXPECT_FALSE(store_.find(kUri)->synced());
    EXPECT_FALSE(store_.change(change_of(json::array({edit(0, 0, 0, 0, "x")}))))
        << "nothing fits any more";
    const auto whole = store_.change(change_of({{{"text", "new"}}}));
    ASSERT_TRUE(whole);
    EXPECT_TRUE(whole->resynced);
    EXPECT_TRUE(store_.find(kUri)->synced());
  }
}

TEST_F(DocumentsTest, EndsAreTakenAsClientsMeanThem) {
  struct Case {
    nlohmann::json change;
    const char* after;
  };
  for (const Case& one : {Case{edit(0, 1, 0, 99, "x"), "ax\ncd"},  // beyond the line
                          Case{edit(0, 0, 2, 0, ""), ""},          // the line after the last
                          Case{edit(1, 0, 2147483647, 0, "z"), "ab\nz"}}) {  // "to the end"
    store_.open(item("ab\ncd"));
    ASSERT_TRUE(store_.change(change_of(json::array({one.change})))) << one.change;
    EXPECT_EQ(text(), one.after) << one.change;
  }
}

TEST_F(DocumentsTest, AnUnknownDocumentIsAnError) {
  EXPECT_FALSE(store_.change(change_of({{{"text", "x"}}})));
  EXPECT_EQ(store_.size(), 0u);
}

TEST_F(DocumentsTest, ARenameKeepsTextAndVersion) {
  store_.open(item("x"));
  store_.open(item("y", "file:///b.py"));
  EXPECT_FALSE(store_.rename(kUri, "file:///b.py")) << "the new name is open";
  EXPECT_TRUE(store_.rename(kUri, "file:///c.py"));
  EXPECT_EQ(store_.find(kUri), nullptr);
  EXPECT_EQ(text("file:///c.py"), "x");
  EXPECT_EQ(store_.find("file:///c.py")->uri(), "file:///c.py");
  EXPECT_EQ(store_.find("file:///c.py")->version(), 1);
  EXPECT_FALSE(store_.rename("file:///none", "file:///d.py"));
}

TEST_F(DocumentsTest, AfterALossEveryDocumentIsUnsynced) {
  store_.open(item("x"));
  store_.open(item("y", "file:///b.py"));
  store_.mark_unsynced("file:///b.py");
  EXPECT_TRUE(store_.find(kUri)->synced());
  EXPECT_FALSE(store_.find("file:///b.py")->synced());
  store_.mark_all_unsynced();
  EXPECT_FALSE(store_.find(kUri)->synced());
  store_.open(item("again"));
  EXPECT_TRUE(store_.find(kUri)->synced());
}

}  // namespace
}  // namespace strop::lsp
