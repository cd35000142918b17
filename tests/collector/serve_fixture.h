// A folder with keys, a store and a `strop-collector serve` over them, and what an agent says to
// it.
//
// One test's own, gone with it. One thread. Errors: what cannot be set up is an exception.
#pragma once

#include <gtest/gtest.h>
#include <sodium.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "collector/keys.h"
#include "collector/program.h"
#include "collector/serve_process.h"
#include "collector/store/sqlite_store.h"
#include "collector/temp_folder.h"

namespace strop::collector {

inline schema::WireId id_of(int value) {
  schema::WireId id{};
  id.fill(static_cast<std::uint8_t>(value));
  return id;
}

inline schema::Hello hello(int epoch = 2) { return {1, 1, id_of(1), id_of(epoch), 1, 1, "test"}; }

inline std::string event(const std::string& suggestion) {
  return R"({"v":1,"type":"shown","suggestion":")" + suggestion +
         R"(","t_ms":5,"source":"inline","presence":"rendered"})";
}

inline schema::Batch batch(std::uint64_t first, const std::vector<std::string>& payloads) {
  schema::Batch out{id_of(2), first, {}};
  for (const std::string& payload : payloads) out.records.push_back({1, payload});
  return out;
}

class ServeTest : public testing::Test {
 protected:
  ServeTest() {
    if (sodium_init() < 0) throw std::runtime_error("libsodium");
    server_ = generate_server_key(keys()).value();
    anna_ = make_key_pair();
    if (!allow(keys(), "anna", anna_.public_key)) throw std::runtime_error("allow");
  }

  std::string keys() const { return folder_ / "keys"; }
  std::string store() const { return folder_ / "events.db"; }

  void start() {
    serve_.reset();
    std::filesystem::remove(folder_ / "ports");
    std::vector<std::string> arguments{"--store", store(),      "--keys",
                                       keys(),    "--bind",     "tcp://127.0.0.1:0",
                                       "--http",  "127.0.0.1:0"};
    arguments.insert(arguments.end(), more_.begin(), more_.end());
    serve_.emplace(std::move(arguments), folder_ / "ports");
  }
  std::unique_ptr<Peer> connect(const schema::CurveKey& key) {
    return std::make_unique<Peer>(serve_->port(), server_.public_key, &key);
  }
  std::string get(const std::string& path) {
    return ask_web(serve_->http_port(),
                   "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  }
  std::vector<std::string> stored() {
    std::vector<std::string> out;
    SqliteStore(store(), StoreAccess::kRead).scan(0, [&](const StoredEvent& each) {
      out.push_back(each.payload);
      return true;
    });
    return out;
  }

  // What it has logged so far.
  std::string log() const {
    std::ostringstream text;
    text << std::ifstream(folder_ / "ports.log").rdbuf();
    return text.str();
  }
  std::vector<std::string> more_;  // arguments of `serve`

  TempFolder folder_;
  schema::CurveKey server_;
  schema::CurveKey anna_;
  std::optional<ServeProcess> serve_;
};

}  // namespace strop::collector
