#include "gear/net/listener.hpp"

#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/steady_timer.hpp>

namespace fluxrig::gear::net {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

struct Listener::State : std::enable_shared_from_this<State> {
  State(asio::io_context& io, Accept on_accept, Trouble on_trouble)
      : acceptor(io), socket(io), retry(io), accept(std::move(on_accept)), trouble(std::move(on_trouble)) {}

  void next();
  void on_accepted(const error_code& error);
  [[nodiscard]] Outcome<void> bind(const tcp::endpoint& address, const std::string& words);

  static constexpr std::chrono::milliseconds kRetry{100};
  tcp::acceptor acceptor;
  tcp::socket socket;
  asio::steady_timer retry;
  Accept accept;
  Trouble trouble;
  std::uint16_t port = 0;
};

void Listener::State::next() {
  acceptor.async_accept(socket,
                        [self = shared_from_this()](const error_code& error) { self->on_accepted(error); });
}

void Listener::State::on_accepted(const error_code& error) {
  if (!accept || !acceptor.is_open()) return;
  if (error) {
    trouble(error.message());
    retry.expires_after(kRetry);
    retry.async_wait([self = shared_from_this()](const error_code& cancelled) {
      if (!cancelled && self->acceptor.is_open()) self->next();
    });
    return;
  }
  error_code failed;
  const auto peer = socket.remote_endpoint(failed);
  Accepted accepted;
  accepted.ip6 = peer.address().is_v6();
  auto address = peer.address();
  // A caller over IPv4 on a socket for both: write it as it is known to people.
  if (address.is_v6() && address.to_v6().is_v4_mapped())
    address = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
  accepted.peer_address = address.to_string();
  if (failed) {  // gone already
    socket.close(failed);
    return next();
  }
  accepted.socket = socket.release(failed);
  accept(accepted);
  if (acceptor.is_open()) next();
}

Outcome<void> Listener::State::bind(const tcp::endpoint& address, const std::string& words) {
  error_code error;
  acceptor.open(address.protocol(), error);
  if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
  error_code ignored;
  if (address.address().is_v6() && address.address().is_unspecified())
    acceptor.set_option(asio::ip::v6_only(false), ignored);
  if (!error) acceptor.bind(address, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (!error) {
    port = acceptor.local_endpoint(ignored).port();
    next();
    return {};
  }
  acceptor.close(ignored);
  if (error == asio::error::address_in_use)
    return problem(
        fmt::format("port {} is taken: cannot listen on {}; stop the program that uses it ('ss -ltnp sport = "
                    ":{}' names it) or "
                    "choose another port",
                    address.port(), words, address.port()));
  if (error == asio::error::access_denied)
    return problem(
        fmt::format("cannot listen on {}: not permitted; choose a port from 1024 upwards, or give the "
                    "program CAP_NET_BIND_SERVICE",
                    words));
  return problem(
      fmt::format("cannot listen on {}: {}; choose an address of this machine", words, error.message()));
}

Listener::Listener(asio::io_context& io, Accept accept, Trouble trouble)
    : state_(std::make_shared<State>(io, std::move(accept), std::move(trouble))) {}

Listener::~Listener() {
  close();
  state_->accept = nullptr;
}

Outcome<void> Listener::open(const Endpoint& endpoint) {
  const auto words = fmt::format("{}:{}", endpoint.host.empty() ? "*" : endpoint.host, endpoint.port);
  if (endpoint.host.empty()) {
    // Both families on one socket; IPv4 alone where the machine has no IPv6.
    auto both = state_->bind({asio::ip::address_v6::any(), endpoint.port}, words);
    if (both || both.error().message.find("is taken") != std::string::npos) return both;
    return state_->bind({asio::ip::address_v4::any(), endpoint.port}, words);
  }
  error_code error;
  const auto address = asio::ip::make_address(endpoint.host, error);
  if (!error) return state_->bind({address, endpoint.port}, words);
  tcp::resolver resolver(state_->acceptor.get_executor());
  const auto found = resolver.resolve(endpoint.host, std::to_string(endpoint.port), error);
  if (error || found.empty())
    return problem(fmt::format("cannot listen on {}: the name does not resolve; write an IP address", words));
  return state_->bind(found.begin()->endpoint(), words);
}

void Listener::close() noexcept {
  error_code ignored;
  state_->acceptor.close(ignored);
  state_->retry.cancel();
  state_->port = 0;
}

std::uint16_t Listener::port() const noexcept { return state_->port; }

}  // namespace fluxrig::gear::net
