#include "lsp/channel.h"

#include <gtest/gtest.h>

#include <thread>

namespace strop::lsp {
namespace {

using std::chrono::milliseconds;

TEST(Channel, CarriesMessagesBothWays) {
  auto [editor, server] = Channel::pair();
  ASSERT_TRUE(editor.send(R"({"id":1})"));
  ASSERT_TRUE(server.send(R"({"id":2})"));
  EXPECT_EQ(server.receive(), R"({"id":1})");
  EXPECT_EQ(editor.receive(), R"({"id":2})");
}

TEST(Channel, CarriesRawBytesInAnyPieces) {
  auto [editor, server] = Channel::pair();
  for (const char c :
       std::string_view("noise Content-Length: 2\r\n\r\n{}Content-Length: 2\r\n\r\n[]"))
    ASSERT_TRUE(editor.write({&c, 1}));
  EXPECT_EQ(server.receive(), "{}");
  EXPECT_EQ(server.receive(), "[]");
  ASSERT_TRUE(server.write("raw"));
  EXPECT_EQ(editor.read(), "raw");
}

TEST(Channel, WaitsNoLongerThanItMay) {
  auto [editor, server] = Channel::pair(4);
  EXPECT_FALSE(server.receive(milliseconds(1)).has_value());
  EXPECT_FALSE(editor.write("12345", milliseconds(1)));
  EXPECT_EQ(server.read(milliseconds(0)), "1234");
}

TEST(Channel, AFullPipeHoldsItsWriter) {
  auto [editor, server] = Channel::pair(16);
  const std::string body(100'000, 'x');
  std::thread writer([&end = editor, &body] {
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(end.send(body));
  });
  for (int i = 0; i < 3; ++i) EXPECT_EQ(server.receive(), body);
  writer.join();
}

TEST(Channel, WhatWasWrittenIsReadAfterTheEnd) {
  auto [editor, server] = Channel::pair();
  ASSERT_TRUE(editor.send("{}"));
  editor.close();
  EXPECT_FALSE(editor.send("{}"));
  EXPECT_EQ(server.receive(), "{}");
  EXPECT_FALSE(server.receive().has_value());
  EXPECT_FALSE(server.send("{}"));
}

TEST(Channel, ClosingFreesWhoWaits) {
  auto [editor, server] = Channel::pair(1);
  std::thread reader([&end = server] { EXPECT_FALSE(end.receive().has_value()); });
  std::thread writer([&end = server] { EXPECT_FALSE(end.send("much more than a byte")); });
  editor.close();
  reader.join();
  writer.join();
}

TEST(Channel, AnEndThatGoesOutOfScopeCloses) {
  auto [editor, server] = Channel::pair();
  { const Channel gone = std::move(server); }
  EXPECT_FALSE(editor.send("{}"));
  EXPECT_FALSE(editor.receive().has_value());
}

TEST(Channel, AnEndCanBeReplaced) {
  auto [editor, server] = Channel::pair();
  auto [editor2, server2] = Channel::pair();
  editor = std::move(editor2);
  EXPECT_FALSE(server.receive().has_value());
  ASSERT_TRUE(editor.send("{}"));
  EXPECT_EQ(server2.receive(), "{}");
}

}  // namespace
}  // namespace strop::lsp
