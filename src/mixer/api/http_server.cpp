#include "mixer/api/http_server.hpp"

#include <fmt/core.h>
#include <sys/socket.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <optional>
#include <thread>

#include "mixer/api/http_session.hpp"
#include "mixer/api/worker_pool.hpp"

namespace fluxrig::mixer {

namespace asio = boost::asio;
using asio::ip::tcp;

class HttpServer::Impl {
 public:
  Impl(HttpOptions options, const HttpHandler& handler, Diagnostics& diagnostics)
      : options_(std::move(options)), handler_(handler), diagnostics_(diagnostics) {}

  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  ~Impl() {
    asio::post(context_, [this] {
      boost::system::error_code ignored;
      acceptor_.close(ignored);
    });
    workers_.reset();  // joins: no job posts to the context after this
    context_.stop();
    if (thread_.joinable()) thread_.join();
  }

  Outcome<void> open() {
    if (!options_.certificate.empty()) {
      tls_.emplace(asio::ssl::context::tls_server);
      boost::system::error_code error;
      tls_->set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_tlsv1 |
                        asio::ssl::context::no_tlsv1_1);
      tls_->use_certificate_chain_file(options_.certificate, error);
      if (error)
        return problem(fmt::format("{}: no usable certificate: {}", options_.certificate, error.message()));
      tls_->use_private_key_file(options_.key, asio::ssl::context::pem, error);
      if (error) return problem(fmt::format("{}: no usable key: {}", options_.key, error.message()));
    }
    const auto& listen = options_.listen;
    boost::system::error_code error;
    tcp::resolver resolver(context_);
    const auto found =
        resolver.resolve(listen.host, std::to_string(listen.port), tcp::resolver::passive, error);
    if (error || found.empty())
      return problem(fmt::format("{}: '{}' is no address of this machine: {}", options_.key_path, listen.host,
                                 error.message()));
    const tcp::endpoint endpoint = found.begin()->endpoint();
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error)
      return problem(fmt::format("{}: cannot listen on {}:{}: {}; stop what uses it, or set another address",
                                 options_.key_path, listen.host, listen.port, error.message()));
    return {};
  }

  void run() {
    workers_.emplace(options_.workers, options_.queued_queries);
    accept();
    thread_ = std::thread([this] { context_.run(); });
  }

  [[nodiscard]] std::uint16_t port() const noexcept {
    boost::system::error_code ignored;
    return acceptor_.local_endpoint(ignored).port();
  }

 private:
  void accept() {
    acceptor_.async_accept([this](boost::system::error_code error, tcp::socket socket) {
      if (!acceptor_.is_open()) return;
      if (error) return pause_after(error);
      if (connections_.load(std::memory_order_relaxed) >= options_.connections) {
        diagnostics_.warn(options_.area, "a connection was closed: the limit is reached",
                          {{"limit", std::to_string(options_.connections)}});
      } else {
        connections_.fetch_add(1, std::memory_order_relaxed);
        start(std::move(socket), {options_, handler_, *workers_, connections_});
      }
      accept();
    });
  }

  void start(tcp::socket socket, const SessionParts& parts) {
    start_session(tls_ ? make_tls_stream(std::move(socket), *tls_) : make_plain_stream(std::move(socket)),
                  parts);
  }

  // Out of descriptors, say: accepting again at once would spin.
  void pause_after(boost::system::error_code error) {
    diagnostics_.warn(options_.area, "accepting failed", {{"why", error.message()}});
    pause_.expires_after(std::chrono::milliseconds(100));
    pause_.async_wait([this](boost::system::error_code stopped) {
      if (!stopped) accept();
    });
  }

  HttpOptions options_;
  const HttpHandler& handler_;
  Diagnostics& diagnostics_;
  std::atomic<std::size_t> connections_{0};
  std::optional<asio::ssl::context> tls_;
  asio::io_context context_{1};
  tcp::acceptor acceptor_{context_};
  asio::steady_timer pause_{context_};
  std::optional<WorkerPool> workers_;
  std::thread thread_;
};

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() = default;
std::uint16_t HttpServer::port() const noexcept { return impl_->port(); }

Outcome<std::unique_ptr<HttpServer>> HttpServer::start(HttpOptions options, const HttpHandler& handler,
                                                       Diagnostics& diagnostics) {
  auto impl = std::make_unique<Impl>(std::move(options), handler, diagnostics);
  if (auto opened = impl->open(); !opened) return tl::unexpected(opened.error());
  impl->run();
  return std::make_unique<HttpServer>(std::move(impl));
}

}  // namespace fluxrig::mixer
