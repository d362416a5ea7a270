#include "fluxrig/load_engine.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <functional>
#include <sstream>
#include <thread>

#include "fluxrig/load_http.hpp"
#include "fluxrig/load_iso8583.hpp"

namespace fluxrig::client {
namespace {

// Accepts connections one after the other on a loopback port, each served by a thread of its own until the
// peer closes: `serve` gets what was read and gives what to write; nullopt closes.
class TestPeer {
 public:
  using Serve = std::function<std::optional<std::string>(std::string_view)>;
  explicit TestPeer(Serve serve) : serve_(std::move(serve)), listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(listener_, 64), 0);
    EXPECT_EQ(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept(); });
  }
  // After the engine is gone: its sockets are closed, so every thread ends.
  ~TestPeer() {
    ::shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    for (auto& thread : threads_) thread.join();
    ::close(listener_);
  }
  TestPeer(const TestPeer&) = delete;
  TestPeer& operator=(const TestPeer&) = delete;
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  void accept() {
    for (;;) {
      const int fd = ::accept(listener_, nullptr, nullptr);
      if (fd < 0) return;
      threads_.emplace_back([this, fd] {
        std::array<char, 65536> buffer;
        for (;;) {
          const auto size = ::recv(fd, buffer.data(), buffer.size(), 0);
          if (size <= 0) break;
          const auto reply = serve_({buffer.data(), static_cast<std::size_t>(size)});
          if (!reply) break;
          if (::send(fd, reply->data(), reply->size(), MSG_NOSIGNAL) < 0) break;
        }
        ::close(fd);
      });
    }
  }
  Serve serve_;
  int listener_;
  std::uint16_t port_ = 0;
  std::thread acceptor_;
  std::vector<std::thread> threads_;  // of the acceptor until it is joined
};

constexpr const char* kOk = "HTTP/1.1 200 OK\r\nflux-id: 0192-a\r\nContent-Length: 2\r\n\r\nok";

struct Run {
  LoadStatistics statistics;
  Outcome<void> result;
};

std::unique_ptr<Run> run(std::uint16_t port, const LoadPlan& plan, LoadProtocol& protocol,
                         LoadLedger* ledger = nullptr) {
  auto run = std::make_unique<Run>();
  const SystemClock clock;
  const std::atomic<bool> stop{false};
  const auto address = find_listening("127.0.0.1", port, plan.timeout);
  EXPECT_TRUE(address);
  if (!address) return run;
  LoadEngine engine(plan, {protocol, run->statistics, clock, stop, ledger, {}}, *address);
  run->result = engine.run();
  return run;
}

class LoadEngineTest : public testing::Test {
 protected:
  SeededRandom random_{1};
  HttpLoad http_{{*parse_http_url("http://127.0.0.1/"), "GET", {}, {}, true}, random_};
  LoadPlan plan_{.connections = 4, .requests = 200, .timeout = 10 * kNanosPerSecond};
};

TEST_F(LoadEngineTest, ClosedLoopAnswersExactlyTheRequestsAskedFor) {
  TestPeer peer([](std::string_view) { return kOk; });
  const auto done = run(peer.port(), plan_, http_);
  ASSERT_TRUE(done->result);
  EXPECT_EQ(done->statistics.sent_count(), 200U);
  EXPECT_EQ(done->statistics.answered_count(), 200U);
  EXPECT_EQ(done->statistics.error_count(), 0U);
}

TEST_F(LoadEngineTest, OpenModelSendsAsManyAsTheRateGives) {
  TestPeer peer([](std::string_view) { return kOk; });
  plan_.requests = 0;
  plan_.rate = 1000;
  plan_.duration = kNanosPerSecond / 5;
  const auto done = run(peer.port(), plan_, http_);
  EXPECT_EQ(done->statistics.answered_count(), 200U);
  EXPECT_EQ(done->statistics.error_count(), 0U);
}

TEST_F(LoadEngineTest, ConnectionsThatBreakAreErrorsAndOpenedAgain) {
  std::atomic<int> served{0};
  TestPeer peer([&](std::string_view) -> std::optional<std::string> {
    if (++served % 10 == 0) return std::nullopt;
    return kOk;
  });
  const auto done = run(peer.port(), plan_, http_);
  EXPECT_EQ(done->statistics.sent_count(), 200U);
  EXPECT_EQ(done->statistics.count(LoadError::kClosed), 20U);
  EXPECT_EQ(done->statistics.answered_count(), 180U);
}

TEST_F(LoadEngineTest, RequestsWithoutAReplyTimeOut) {
  TestPeer peer([](std::string_view) { return ""; });
  plan_.connections = 1;
  plan_.requests = 2;
  plan_.timeout = 50 * kNanosPerMilli;
  const auto done = run(peer.port(), plan_, http_);
  EXPECT_EQ(done->statistics.count(LoadError::kTimeout), 2U);
  EXPECT_EQ(done->statistics.answered_count(), 0U);
}

TEST_F(LoadEngineTest, RequestsThatNoConnectionCouldTakeAreUnsentNotForgotten) {
  TestPeer peer([](std::string_view) { return ""; });
  plan_.connections = 1;
  plan_.rate = 1000;
  plan_.requests = 50;
  plan_.timeout = 100 * kNanosPerMilli;
  const auto done = run(peer.port(), plan_, http_);
  const auto& statistics = done->statistics;
  EXPECT_GT(statistics.count(LoadError::kUnsent), 0U);
  EXPECT_EQ(statistics.count(LoadError::kUnsent) + statistics.count(LoadError::kTimeout), 50U);
}

TEST_F(LoadEngineTest, RepliesThatCannotBeReadAreProtocolErrors) {
  TestPeer peer([](std::string_view) { return "SSH-2.0\r\n\r\n"; });
  plan_.requests = 5;
  EXPECT_EQ(run(peer.port(), plan_, http_)->statistics.count(LoadError::kProtocol), 5U);
}

TEST_F(LoadEngineTest, TheLedgerHasALineForEachReply) {
  TestPeer peer([](std::string_view) { return kOk; });
  std::string path = testing::TempDir() + "ledger-XXXXXX";
  const int fd = ::mkstemp(path.data());
  ASSERT_GE(fd, 0);
  ::close(fd);
  auto ledger = LoadLedger::open(path);
  ASSERT_TRUE(ledger);
  (void)run(peer.port(), plan_, http_, ledger->get());
  ASSERT_TRUE((*ledger)->finish());
  const std::int64_t micros = SystemClock().now().value / kNanosPerMicro;
  std::ifstream file(path);
  std::string id, status, trace_id;
  std::int64_t time = 0, latency = 0;
  int lines = 0;
  for (; file >> id >> status >> trace_id >> time >> latency; ++lines) {
    ASSERT_EQ(id + " " + status, "0192-a 200");
    ASSERT_EQ(trace_id.size(), 32U);
    ASSERT_NEAR(static_cast<double>(micros - time), 30e6, 30e6);  // at most a minute ago
    ASSERT_NEAR(static_cast<double>(latency), 5e6, 5e6);
  }
  EXPECT_EQ(lines, 200);
  ::unlink(path.c_str());
}

TEST_F(LoadEngineTest, Iso8583RepliesAreKnownByTheirNumberInAnyOrder) {
  const auto spec = gear::iso8583::load_specification("iso8583-1987-ascii", ".");
  ASSERT_TRUE(spec);
  // Answers two by two, the later one first; a lone request waits for its neighbour.
  TestPeer peer([&, waiting = std::string()](std::string_view bytes) mutable {
    std::string out;
    for (;;) {
      const auto frame = gear::net::next_frame(gear::net::Framing::kLength2, bytes, 4096);
      if (frame.kind != gear::net::Frame::Kind::kMessage) return out;
      gear::Fields fields;
      EXPECT_TRUE(gear::iso8583::decode(**spec, frame.payload, fields));
      fields.set("mti", "0210");
      fields.set("39", "00");
      std::string reply;
      EXPECT_TRUE(gear::iso8583::encode(**spec, fields, reply));
      std::string framed;
      EXPECT_TRUE(gear::net::append_frame(gear::net::Framing::kLength2, reply, framed));
      if (waiting.empty())
        waiting = framed;
      else
        out += framed + std::exchange(waiting, {});
      bytes.remove_prefix(frame.used);
    }
  });
  const SystemClock clock;
  auto protocol = Iso8583Load::make({gear::net::Framing::kLength2, *spec}, clock, random_);
  ASSERT_TRUE(protocol) << protocol.error().message;
  plan_.connections = 1;
  plan_.in_flight = 8;
  const auto done = run(peer.port(), plan_, **protocol);
  EXPECT_EQ(done->statistics.answered_count(), 200U);
  EXPECT_EQ(done->statistics.error_count(), 0U);
}

TEST(LoadTarget, NobodyListeningIsASentence) {
  // A port that was free a moment ago.
  std::uint16_t port = 0;
  {
    port = TestPeer([](std::string_view) { return std::nullopt; }).port();
  }
  const auto found = find_listening("127.0.0.1", port, kNanosPerSecond);
  ASSERT_FALSE(found);
  EXPECT_THAT(found.error().message,
              testing::HasSubstr("cannot connect: Connection refused; is the rack running"));
}

}  // namespace
}  // namespace fluxrig::client
