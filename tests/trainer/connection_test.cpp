// A connection's client that is slow on purpose.
#include "trainer/serve/connection.h"

#include <gtest/gtest.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <future>

namespace strop::trainer {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using std::chrono::milliseconds;

TEST(Connection, WhoTakesAnAnswerByteByByteIsGivenUp) {
  asio::io_context io;
  tcp::acceptor acceptor(io, {asio::ip::make_address("127.0.0.1"), 0});
  tcp::socket client(io);
  client.open(tcp::v4());
  client.set_option(tcp::socket::receive_buffer_size(4 << 10));
  client.connect(acceptor.local_endpoint());
  tcp::socket socket = acceptor.accept();
  socket.set_option(tcp::socket::send_buffer_size(4 << 10));
  const std::atomic<bool> stopping{false};
  Connection connection(std::move(socket), stopping, milliseconds(300));

  auto written = std::async(std::launch::async, [&] {
    HttpResponse whole{http::status::ok, 11};
    whole.body() = std::string(16 << 20, 'x');
    return connection.write(std::move(whole));
  });
  // It takes something six times within the patience, so the other side never waits for long.
  std::array<char, 8 << 10> some{};
  bool given_up = false;
  for (int i = 0; i < 100 && !given_up; ++i) {
    client.read_some(asio::buffer(some));
    given_up = written.wait_for(milliseconds(50)) == std::future_status::ready;
  }
  EXPECT_TRUE(given_up);
  client.close();
  EXPECT_FALSE(written.get());
}

}  // namespace
}  // namespace strop::trainer
