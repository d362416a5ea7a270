// One attempt after the other over a connection that is kept while it is usable, each with its time: what
// OTLP over HTTP and over gRPC have in common. Includes Boost: private to the module. All calls on the thread
// that runs `io`.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>

#include "otlp/export_tls.hpp"
#include "otlp/export_transport.hpp"

namespace fluxrig::otlp {

// An Exchange has is_usable(); send(body, done), which gives the number of the attempt; expire(attempt);
// close(), after which nothing is called any more.
template <typename Exchange>
class TimedTransport final : public ExportTransport {
 public:
  // A new one; the context is nullptr without TLS.
  using Open = std::function<std::shared_ptr<Exchange>(boost::asio::ssl::context*)>;

  TimedTransport(boost::asio::io_context& io, std::chrono::milliseconds patience,
                 std::unique_ptr<boost::asio::ssl::context> tls, Open open)
      : patience_(patience), tls_(std::move(tls)), open_(std::move(open)), timer_(io) {}
  ~TimedTransport() override { cancel(); }
  TimedTransport(const TimedTransport&) = delete;
  TimedTransport& operator=(const TimedTransport&) = delete;

  void send(std::string_view body, std::function<void(Answer)> done) override {
    if (exchange_ && !exchange_->is_usable()) drop();
    if (!exchange_) exchange_ = open_(tls_.get());
    const auto attempt = exchange_->send(body, [this, done = std::move(done)](Answer answer) {
      timer_.cancel();
      done(std::move(answer));
    });
    timer_.expires_after(patience_);
    timer_.async_wait([exchange = std::weak_ptr(exchange_), attempt](const boost::system::error_code& error) {
      const auto held = exchange.lock();
      if (held && !error) held->expire(attempt);
    });
  }

  void cancel() noexcept override {
    timer_.cancel();
    drop();
  }

 private:
  void drop() noexcept {
    if (exchange_) exchange_->close();
    exchange_.reset();
  }

  const std::chrono::milliseconds patience_;
  std::unique_ptr<boost::asio::ssl::context> tls_;
  Open open_;
  boost::asio::steady_timer timer_;  // of the attempt
  std::shared_ptr<Exchange> exchange_;
};

// Reads the PEM files of the target now, where it has TLS.
template <typename Exchange>
Outcome<std::unique_ptr<ExportTransport>> make_timed_transport(boost::asio::io_context& io,
                                                               const ExportTarget& target,
                                                               typename TimedTransport<Exchange>::Open open) {
  std::unique_ptr<boost::asio::ssl::context> tls;
  if (target.url.tls) {
    auto made = make_tls_context(target);
    if (!made) return tl::unexpected(made.error());
    tls = std::move(*made);
  }
  return std::make_unique<TimedTransport<Exchange>>(io, std::chrono::milliseconds(target.timeout_ms),
                                                    std::move(tls), std::move(open));
}

}  // namespace fluxrig::otlp
