// `strop-agent doctor`: the mode and why it is that, what is wired, what is wrong, and its code.
#include "agent/doctor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <thread>
#include <zmq.hpp>
#include <zmq_addon.hpp>

#include "agent/inspector.h"
#include "agent/join.h"
#include "agent/spool.h"
#include "model_server.h"
#include "schema/curve_key.h"
#include "user_home.h"

namespace strop::agent::test {
namespace {

using testing::AllOf;
using testing::AnyOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// Somebody who listens on a port of loopback, until the end.
class Listener {
 public:
  Listener() : acceptor_(io_, {boost::asio::ip::address_v4::loopback(), 0}) {}
  std::string port() const { return std::to_string(acceptor_.local_endpoint().port()); }

 private:
  boost::asio::io_context io_;
  boost::asio::ip::tcp::acceptor acceptor_;
};

schema::CurveKey new_key() {
  std::array<char, 41> open{};
  std::array<char, 41> secret{};
  if (::zmq_curve_keypair(open.data(), secret.data()) != 0)
    throw std::runtime_error("libzmq was built without CURVE");
  return {open.data(), secret.data()};
}

std::string closed_port() { return Listener().port(); }

class DoctorTest : public testing::Test {
 protected:
  Said examine(const Flags& flags = {}) const {
    return said([&](auto& out, auto& err) { return doctor(home_.places(), flags, out, err); });
  }
  std::string own() const { return home_.config_file().string(); }
  std::string ceiling() const { return home_.places().ceiling.string(); }

  UserHome home_;
};

TEST_F(DoctorTest, WithNothingConfiguredAllIsWell) {
  const Said answer = examine();
  EXPECT_EQ(answer.code, 0) << answer.out;
  EXPECT_THAT(answer.err, IsEmpty());
  EXPECT_THAT(answer.out, HasSubstr("note     " + own() + " does not exist: defaults\n"));
  EXPECT_THAT(answer.out, HasSubstr("ok       mode is metrics-only, by the default, as " + own() +
                                    " names no mode\n"));
  EXPECT_THAT(answer.out, HasSubstr(home_.state().string() + " holds 0 records"));
  EXPECT_THAT(answer.out, HasSubstr("note     no collector"));
  EXPECT_THAT(answer.out, Not(HasSubstr("problem")));
}

struct Why {
  const char* name;
  const char* file;     // the user's; empty: none
  const char* ceiling;  // the administrator's; empty: none
  std::optional<Mode> flag;
  const char* says;  // OWN and CEILING stand for the files
};

class DoctorMode : public DoctorTest, public testing::WithParamInterface<Why> {};

std::string filled(std::string text, const std::string& name, const std::string& value) {
  for (std::size_t at = text.find(name); at != std::string::npos; at = text.find(name))
    text.replace(at, name.size(), value);
  return text;
}

TEST_P(DoctorMode, ComesWithWhatSetIt) {
  const Why& why = GetParam();
  if (*why.file != '\0') home_.configure(why.file);
  if (*why.ceiling != '\0') home_.cap(why.ceiling);
  Flags flags;
  flags.mode = why.flag;
  EXPECT_THAT(examine(flags).out,
              HasSubstr(filled(filled(why.says, "OWN", own()), "CEILING", ceiling())));
}

INSTANTIATE_TEST_SUITE_P(
    All, DoctorMode,
    testing::Values(
        Why{"File", "mode = \"off\"", "", {}, "mode is off, by OWN\n"},
        Why{"FileWithoutMode", "[spool]", "", {}, "mode is metrics-only, by the default, as OWN"},
        Why{"FlagOverFile", "mode = \"off\"", "", Mode::kFull, "mode is full, by --mode\n"},
        Why{"CeilingOverFile",
            "mode = \"full\"",
            "mode = \"metrics-only\"",
            {},
            "mode is metrics-only, capped by CEILING, the administrator's; full was wished for by "
            "OWN\n"},
        Why{"CeilingOverFlag", "", "mode = \"off\"", Mode::kFull,
            "mode is off, capped by CEILING, the administrator's; full was wished for by --mode\n"},
        Why{"CeilingOverDefault",
            "",
            "mode = \"off\"",
            {},
            "mode is off, capped by CEILING, the administrator's; metrics-only was wished for by "
            "the default"},
        Why{"CeilingThatAllowsMore",
            "mode = \"off\"",
            "mode = \"full\"",
            {},
            "mode is off, by OWN\n"},
        Why{"CeilingWithoutMode", "mode = \"full\"", "[spool]", {}, "mode is full, by OWN\n"}),
    [](const auto& test) { return test.param.name; });

TEST_F(DoctorTest, FullWithoutAConsentedWorkspaceIsAProblem) {
  home_.configure("mode = \"full\"");
  const Said answer = examine();
  EXPECT_EQ(answer.code, 1);
  EXPECT_THAT(answer.out, HasSubstr("problem  no workspace has consented: only counts are kept, as "
                                    "if mode were metrics-only\n         name folders in [privacy] "
                                    "workspaces\n"));
}

TEST_F(DoctorTest, TheAdministratorCannotConsentForOthers) {
  home_.configure("mode = \"full\"");
  home_.cap("[privacy]\nworkspaces = ['/']");
  EXPECT_THAT(examine().out, HasSubstr("no workspace has consented"));
}

TEST_F(DoctorTest, SaysWhichWorkspacesAreCaptured) {
  fs::create_directories(home_ / "home/src");
  home_.configure("mode = \"full\"\n[privacy]\nworkspaces = ['~/src', '~/gone']");
  const Said answer = examine();
  EXPECT_EQ(answer.code, 1);
  EXPECT_THAT(answer.out, HasSubstr("texts are captured below " + (home_ / "home/src").string()));
  EXPECT_THAT(answer.out, HasSubstr("problem  the workspace " + (home_ / "home/gone").string() +
                                    " is no folder"));
}

TEST_F(DoctorTest, APauseIsAProblemUntilResumed) {
  said([&](auto& out, auto& err) { return pause(home_.state(), out, err); });
  const Said answer = examine();
  EXPECT_EQ(answer.code, 1);
  EXPECT_THAT(answer.out, HasSubstr("problem  capture is paused\n         `strop-agent resume`"));
  said([&](auto& out, auto& err) { return resume(home_.state(), out, err); });
  EXPECT_EQ(examine().code, 0);
}

TEST_F(DoctorTest, CountsWhatWaits) {
  Spool spool({.state = home_.state()});
  for (const char* text : {"one", "two"}) spool.append(text);
  EXPECT_THAT(examine().out, HasSubstr(" holds 2 records that wait for the collector"));
}

TEST_F(DoctorTest, AStateFolderThatCannotBeMadeIsAProblem) {
  UserHome::write(home_.places().state_home, "a file where a folder should be");
  const Said answer = examine();
  EXPECT_EQ(answer.code, 1);
  EXPECT_THAT(answer.out, HasSubstr("cannot be written: nothing is captured"));
}

TEST_F(DoctorTest, AConfigurationThatCannotBeReadHasACodeOfItsOwn) {
  home_.configure("colour = 'red'");
  const Said answer = examine();
  EXPECT_EQ(answer.code, 2);
  EXPECT_THAT(answer.out, IsEmpty());
  EXPECT_THAT(answer.err, AllOf(HasSubstr(own()), HasSubstr("unknown key 'colour'")));
}

TEST_F(DoctorTest, ReadsTheConfigurationThatIsNamed) {
  UserHome::write(home_ / "other.toml", "mode = 'off'");
  Flags flags;
  flags.config = home_ / "other.toml";
  const Said answer = examine(flags);
  EXPECT_THAT(answer.out, HasSubstr((home_ / "other.toml").string() + " is read"));
  EXPECT_THAT(answer.out, HasSubstr("mode is off, by " + (home_ / "other.toml").string()));
}

TEST_F(DoctorTest, KnocksAtTheCollector) {
  zmq::context_t context;
  zmq::socket_t collector(context, zmq::socket_type::router);
  collector.bind("tcp://127.0.0.1:*");
  const std::string endpoint = collector.get(zmq::sockopt::last_endpoint);
  home_.configure("[collector]\nplain = true\nendpoint = '" + endpoint + "'");
  const Said there = examine();
  EXPECT_EQ(there.code, 0) << there.out;
  EXPECT_THAT(there.out, HasSubstr("ok       the collector at " + endpoint + " listens"));
  home_.configure("[collector]\nplain = true\nendpoint = 'tcp://127.0.0.1:" + closed_port() + "'");
  const Said gone = examine();
  EXPECT_EQ(gone.code, 1);
  EXPECT_THAT(gone.out, HasSubstr("Connection refused\n         records wait in the spool"));
}

TEST_F(DoctorTest, SomebodyElseWhoListensIsNoCollector) {
  const Listener other;
  home_.configure("[collector]\nplain = true\nendpoint = 'tcp://127.0.0.1:" + other.port() + "'");
  const Said answer = examine();
  EXPECT_EQ(answer.code, 1);
  EXPECT_THAT(answer.out, HasSubstr("does not speak as a collector"));
}

// A collector that knows no key but its own.
TEST_F(DoctorTest, ACollectorThatDoesNotKnowTheKeyIsAProblem) {
  zmq::context_t context;
  zmq::socket_t doorkeeper(context, zmq::socket_type::rep);
  doorkeeper.bind("inproc://zeromq.zap.01");
  const auto server = new_key();
  zmq::socket_t collector(context, zmq::socket_type::router);
  collector.set(zmq::sockopt::curve_server, true);
  collector.set(zmq::sockopt::curve_secretkey, server.secret_key);
  collector.set(zmq::sockopt::zap_domain, std::string("strop"));
  collector.bind("tcp://127.0.0.1:*");
  std::thread refuse([&doorkeeper] {
    std::vector<zmq::message_t> asked;
    if (!zmq::recv_multipart(doorkeeper, std::back_inserter(asked))) return;
    const std::string id = asked.at(1).to_string();
    zmq::send_multipart(doorkeeper,
                        std::array<zmq::const_buffer, 6>{
                            zmq::str_buffer("1.0"), zmq::buffer(id), zmq::str_buffer("400"),
                            zmq::str_buffer("unknown"), zmq::str_buffer(""), zmq::str_buffer("")});
  });
  const std::string endpoint = collector.get(zmq::sockopt::last_endpoint);
  ASSERT_EQ(said([&](auto& out, auto& err) {
              return join(home_.places(), {endpoint, server.public_key, "", ""}, out, err);
            }).code,
            0);
  const Said answer = examine();
  refuse.join();
  EXPECT_EQ(answer.code, 1);
  EXPECT_THAT(answer.out,
              HasSubstr("problem  the collector at " + endpoint + " does not know this key"));
}

// Nobody listens; what counts is that the address in brackets is one, with IPv6 here or without.
TEST_F(DoctorTest, KnocksAtAnAddressOfIPv6) {
  home_.configure("[collector]\nplain = true\nendpoint = 'tcp://[::1]:" + closed_port() + "'");
  EXPECT_THAT(examine().out,
              AnyOf(HasSubstr("Connection refused"), HasSubstr("Cannot assign requested address"),
                    HasSubstr("Network is unreachable"), HasSubstr("no address")));
}

TEST_F(DoctorTest, ACollectorWithoutKeysIsAProblem) {
  home_.configure("[collector]\nendpoint = 'tcp://collector.example:7341'");
  const Said answer = examine();
  EXPECT_EQ(answer.code, 1);
  EXPECT_THAT(answer.out, HasSubstr("`strop-agent join` sets endpoint and keys"));
}

TEST_F(DoctorTest, HasTheModelServerCompleteOnce) {
  const ModelServer server(
      [](const ServerRequest&) { return ServerReply{.body = completion_of({"0"})}; });
  home_.configure("[provider]\nurl = '" + server.url() + "'");
  const Said there = examine();
  EXPECT_EQ(there.code, 0) << there.out;
  EXPECT_THAT(there.out, HasSubstr("ok       the model server at " + server.url() + " completes"));
  EXPECT_EQ(server.requests().at(0).body["max_tokens"], 1);
  home_.configure("[provider]\nurl = 'http://127.0.0.1:" + closed_port() + "'");
  const Said gone = examine();
  EXPECT_EQ(gone.code, 1);
  EXPECT_THAT(gone.out, HasSubstr("Connection refused\n         start it (`strop-trainer serve`)"));
}

TEST_F(DoctorTest, HasEachArmsOwnServerAndModelComplete) {
  const ModelServer server(
      [](const ServerRequest&) { return ServerReply{.body = completion_of({"0"})}; });
  const std::string gone = "http://127.0.0.1:" + closed_port();
  home_.configure("[provider]\nurl = '" + gone + "'\n[[provider.arms]]\nname = 'a'\nurl = '" +
                  server.url() + "'\nmodel = 'honed'\n[[provider.arms]]\nname = 'b'");
  const Said answer = examine();
  EXPECT_THAT(answer.out, HasSubstr("the model server at " + server.url() +
                                    ", model 'honed' (arm 'a') completes"));
  EXPECT_THAT(answer.out,
              AllOf(HasSubstr("the model server at " + gone + " (arm 'b'): "),
                    HasSubstr("start it (`strop-trainer serve`), or mend the arm's url")));
  EXPECT_EQ(server.requests().at(0).body["model"], "honed");
}

TEST_F(DoctorTest, AModelServerThatRefusesIsAProblem) {
  const ModelServer server([](const ServerRequest&) {
    return ServerReply{.status = 404, .body = R"({"error":{"message":"no such path"}})"};
  });
  home_.configure("[provider]\nurl = '" + server.url("/v2/completions") + "'");
  const Said answer = examine();
  EXPECT_EQ(answer.code, 1);
  EXPECT_THAT(answer.out, HasSubstr("gives no completion: HTTP status 404, no such path"));
}

TEST_F(DoctorTest, AnAnswerThatIsNoCompletionIsAProblem) {
  const ModelServer server([](const ServerRequest&) { return ServerReply{.body = "{}"}; });
  home_.configure("[provider]\nurl = '" + server.url() + "'");
  EXPECT_THAT(examine().out, HasSubstr("gives no completion: the answer has no 'choices'"));
}

TEST_F(DoctorTest, AKeyOfPseudonymsThatCannotBeUsedIsAProblem) {
  UserHome::write(home_.state() / "pseudonym.key", std::string(32, 'k'));
  fs::permissions(home_.state() / "pseudonym.key", fs::perms::owner_all | fs::perms::group_read);
  const Said answer = examine();
  EXPECT_EQ(answer.code, 1);
  EXPECT_THAT(answer.out, HasSubstr("pseudonym.key; do: chmod 600"));
}

TEST_F(DoctorTest, TellsWhatWasLostAndWhy) {
  {
    Spool spool({.state = home_.state()});
    spool.append(std::string(schema::kMaxRecordBytes + 1, 'x'));
    spool.append("kept");
    for (int i = 0; i < 3; ++i) spool.suppress("fault");
    spool.suppress("paused");
  }
  const Said answer = examine();
  EXPECT_THAT(answer.out, HasSubstr("note     1 captured events were given up: too_large\n"));
  EXPECT_THAT(answer.out, HasSubstr("note     3 events were not kept because of a fault"));
  EXPECT_THAT(answer.out, Not(HasSubstr("paused")));
  EXPECT_EQ(answer.code, 0) << "nothing is wrong now";
}

TEST_F(DoctorTest, ADiskWithoutRoomIsAProblem) {
  const auto examine_with = [this](const DiskRoom& room) {
    return said([&](auto& out, auto& err) {
      return doctor(home_.places(), {}, out, err, [&](const fs::path& folder) {
        EXPECT_EQ(folder, home_.state());
        EXPECT_TRUE(fs::exists(folder));
        return room;
      });
    });
  };
  const Said little = examine_with({3 << 20, 1});
  EXPECT_EQ(little.code, 1);
  EXPECT_THAT(little.out, HasSubstr("problem  the disk of " + home_.state().string() +
                                    " has 3072 KiB left: what is captured is given up\n"));
  EXPECT_THAT(examine_with({1 << 30, 0}).out, HasSubstr("has no room for another file"));
  EXPECT_EQ(examine_with({4 << 20, 1}).code, 0);
}

TEST_F(DoctorTest, RoomIsThatOfTheFoldersDisk) {
  EXPECT_GT(room_at(home_.places().home).bytes, 0u);
  EXPECT_GT(room_at(home_.places().home).files, 0u);
  EXPECT_EQ(room_at("/proc").bytes, 0u);
  EXPECT_GT(room_at(home_ / "nowhere").bytes, 1u << 30);
}

TEST_F(DoctorTest, AProviderBeyondThisMachineWithoutTlsIsAProblem) {
  home_.configure("[provider]\nurl = 'http://models.example:80'");
  const Said answer = examine();
  EXPECT_EQ(answer.code, 1);
  EXPECT_THAT(answer.out, HasSubstr("plain http goes to this machine alone"));
}

}  // namespace
}  // namespace strop::agent::test
