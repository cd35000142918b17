// The connection to a model server: kept, opened anew, given up, and never to the wrong place.
#include "agent/provider/http_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <optional>

#include "model_server.h"

namespace strop::agent::test {
namespace {

namespace asio = boost::asio;
using testing::HasSubstr;
using Result = tl::expected<std::string, std::string>;
using Then = ServerReply::Then;

ServerReply silence(const ServerRequest&) { return {.silent = true}; }

class HttpClientTest : public testing::Test {
 protected:
  void serve(ModelServer::Respond respond) {
    server_.emplace(std::move(respond));
    connect_to({false, "127.0.0.1", server_->port(), "/v1/completions"});
  }
  void connect_to(const Endpoint& endpoint) { client_.emplace(io_, endpoint, ""); }

  Result post(std::chrono::milliseconds timeout = kPatience) {
    std::optional<Result> result;
    asio::co_spawn(io_, client_->post("{}", timeout),
                   [&](const std::exception_ptr&, Result got) { result = std::move(got); });
    io_.restart();
    io_.run();
    return result.value();
  }

  asio::io_context io_;
  std::optional<ModelServer> server_;
  std::optional<HttpClient> client_;
};

TEST_F(HttpClientTest, OneConnectionServesManyRequests) {
  serve([](const ServerRequest&) { return ServerReply{.body = "good"}; });
  for (int i = 0; i < 3; ++i) EXPECT_EQ(post(), "good");
  EXPECT_EQ(server_->connections(), 1U);
  EXPECT_EQ(server_->requests().size(), 3U);
}

TEST_F(HttpClientTest, AServerThatSaysItClosesIsConnectedToAnew) {
  serve([](const ServerRequest&) { return ServerReply{.body = "good", .then = Then::kSayClose}; });
  for (int i = 0; i < 2; ++i) EXPECT_EQ(post(), "good");
  EXPECT_EQ(server_->connections(), 2U);
}

TEST_F(HttpClientTest, AConnectionThatWentMeanwhileIsOpenedAnew) {
  serve([](const ServerRequest&) { return ServerReply{.body = "good", .then = Then::kHangUp}; });
  EXPECT_EQ(post(), "good");
  ASSERT_TRUE(server_->await_ended(1));
  EXPECT_EQ(post(), "good");
  EXPECT_EQ(server_->connections(), 2U);
}

TEST_F(HttpClientTest, AServerThatHangsUpIsAskedAgainOnceAtMost) {
  serve([first = true](const ServerRequest&) mutable {
    return std::exchange(first, false) ? ServerReply{.body = "good"}
                                       : ServerReply{.then = Then::kHangUp, .silent = true};
  });
  EXPECT_EQ(post(), "good");
  EXPECT_FALSE(post());
  EXPECT_EQ(server_->requests().size(), 3U);
  EXPECT_FALSE(post()) << "a fresh connection is not asked twice";
  EXPECT_EQ(server_->requests().size(), 4U);
}

TEST_F(HttpClientTest, AnotherStatusIsAnErrorAndTheConnectionStays) {
  serve([status = 500](const ServerRequest&) mutable {
    return ServerReply{.status = static_cast<unsigned>(std::exchange(status, 200)), .body = "good"};
  });
  EXPECT_EQ(post(), tl::unexpected(std::string("HTTP status 500")));
  EXPECT_EQ(post(), "good");
  EXPECT_EQ(server_->connections(), 1U);
}

TEST_F(HttpClientTest, SilenceEndsWithTheTimeGiven) {
  serve(silence);
  EXPECT_EQ(post(std::chrono::milliseconds(50)),
            tl::unexpected(std::string("no answer within 50 ms")));
  EXPECT_TRUE(server_->await_ended(1)) << "the server notices";
}

TEST_F(HttpClientTest, AnAnswerBeyondFourMebibytesIsRefused) {
  serve([](const ServerRequest&) { return ServerReply{.body = std::string((4u << 20) + 1, 'x')}; });
  EXPECT_THAT(post().error(), HasSubstr("body limit"));
  serve([](const ServerRequest&) { return ServerReply{.body = std::string(4u << 20, 'x')}; });
  EXPECT_EQ(post()->size(), 4u << 20);
}

TEST_F(HttpClientTest, AbortedIsSaidToBeCancelledAndTheNextIsWell) {
  serve([this, first = true](const ServerRequest&) mutable {
    if (!std::exchange(first, false)) return ServerReply{.body = "good"};
    asio::post(io_, [this] { client_->abort(); });
    return ServerReply{.silent = true};
  });
  EXPECT_EQ(post(), tl::unexpected(std::string("cancelled")));
  EXPECT_TRUE(server_->await_ended(1)) << "the server notices";
  EXPECT_EQ(post(), "good");
}

TEST_F(HttpClientTest, LocalhostIsThisMachineWithoutAskingAnybody) {
  serve([](const ServerRequest&) { return ServerReply{.body = "good"}; });
  connect_to({false, "localhost", server_->port(), "/"});
  EXPECT_EQ(post(), "good");
  EXPECT_EQ(server_->requests().at(0).host, "localhost:" + server_->port());
}

TEST_F(HttpClientTest, NobodyThereIsSaid) {
  serve(silence);
  server_.reset();
  EXPECT_THAT(post().error(), HasSubstr("refused"));
}

TEST_F(HttpClientTest, TlsIsNotTakenForGranted) {
  serve(silence);
  connect_to({true, "127.0.0.1", server_->port(), "/"});
  EXPECT_FALSE(post());
  EXPECT_TRUE(server_->requests().empty());
}

TEST_F(HttpClientTest, AnotherStatusComesWithWhatTheServerSaysOfIt) {
  serve([](const ServerRequest&) {
    return ServerReply{.status = 400, .body = R"({"error":{"message":"no model 'x'"}})"};
  });
  EXPECT_EQ(post(), tl::unexpected(std::string("HTTP status 400, no model 'x'")));
}

}  // namespace
}  // namespace strop::agent::test
