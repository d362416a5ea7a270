// Raw sockets for the tests of the network gears: callers and servers that may say anything. They run on the
// loop of TestServices, so that a test is one thread. Boost stays in the .cpp.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "gear/net/framing.hpp"
#include "gear/net/tls.hpp"
#include "gear/test_services.hpp"

namespace fluxrig::gear::net {

// The payload as one frame.
[[nodiscard]] std::string framed(std::string_view payload, Framing framing = Framing::kLength2);

// A connection to 127.0.0.1 that collects what it reads.
class TestCaller {
 public:
  TestCaller(TestServices& services, std::uint16_t port, std::shared_ptr<TlsContext> tls = nullptr,
             std::string host = "127.0.0.1");
  ~TestCaller();

  void write(std::string_view bytes);
  // Waits until what was read holds `text`; false at the deadline.
  [[nodiscard]] bool read_until(std::string_view text);
  [[nodiscard]] bool read_end();  // until the other side has closed
  void close();

  [[nodiscard]] std::string& received() noexcept;
  [[nodiscard]] const std::string& closed_because() noexcept;

 private:
  class User;
  TestServices& services_;
  std::unique_ptr<User> user_;
};

// A server on 127.0.0.1 that calls `on_bytes` with what has come and sends what that returns; `bytes` is what
// is not taken yet, and is changed by taking.
class TestServer {
 public:
  using Answer = std::function<std::string(std::string& bytes)>;
  TestServer(TestServices& services, Answer answer, std::shared_ptr<TlsContext> tls = nullptr,
             std::uint16_t port = 0);
  ~TestServer();

  [[nodiscard]] std::uint16_t port() const noexcept;
  [[nodiscard]] std::size_t accepted() const noexcept;
  [[nodiscard]] std::string& received() noexcept;  // of all connections
  void send(std::string_view bytes);               // to all
  void close_connections();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Certificates made by OpenSSL for one test; files in a folder of its own that is removed at the end.
class TestCertificates {
 public:
  TestCertificates();
  ~TestCertificates();
  [[nodiscard]] TlsFiles server() const;  // for localhost and 127.0.0.1
  [[nodiscard]] TlsFiles client() const;
  [[nodiscard]] std::string ca() const;
  [[nodiscard]] std::string other_ca() const;  // trusts nobody here

 private:
  std::string folder_;
};

// A gear at the end of a chain that answers each request as the function says.
class AnsweringGear final : public Gear {
 public:
  using Answer = std::function<Step(Transaction&, Message&)>;
  explicit AnsweringGear(Answer answer) : answer_(std::move(answer)) {}
  Step on_request(Transaction& transaction, Message& message) override {
    return answer_(transaction, message);
  }

 private:
  Answer answer_;
};

}  // namespace fluxrig::gear::net
