// The link over a socket: link.cpp moves bytes, link_open.cpp brings the connection up. Private to the two.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <optional>
#include <vector>

#include "gear/net/alarm.hpp"
#include "gear/net/link.hpp"

namespace fluxrig::gear::net {

class SocketLink final : public Link {
  using error_code = boost::system::error_code;
  using tcp = boost::asio::ip::tcp;

 public:
  explicit SocketLink(const Setup& setup)
      : io_(*setup.io),
        user_(setup.user),
        context_(setup.tls),
        max_buffer_(setup.max_buffer + kSmallestRead),
        socket_(io_),
        deadline_(io_, [this] { on_deadline(); }),
        stall_(io_, [this] { on_stall(); }) {
    if (context_) ssl_context_.emplace(borrow(context_->handle()));
  }
  SocketLink(const SocketLink&) = delete;
  SocketLink& operator=(const SocketLink&) = delete;
  ~SocketLink() override;

  void start_accepted(const Accepted& accepted);
  void start_connecting(const ConnectTo& to);

  std::string& output() noexcept override { return pending_; }
  void send() override;
  std::size_t unsent() const noexcept override { return pending_.size() + writing_.size() - written_; }
  void pause_reading() noexcept override { paused_ = true; }
  void resume_reading() override;
  void set_deadline(std::chrono::milliseconds after) override { deadline_.set(after); }
  void clear_deadline() noexcept override { deadline_.clear(); }
  void close() noexcept override;
  void close_after_writing() override;
  bool open() const noexcept override { return open_ && !closed_ && !finishing_; }

 private:
  static constexpr std::size_t kFirstBuffer = 4U << 10;
  static constexpr std::size_t kUsualBuffer = 64U
                                              << 10;  // reads are not made larger than this for speed alone
  static constexpr std::size_t kSmallestRead = 2U << 10;

  // asio's context takes one reference of its own.
  static SSL_CTX* borrow(SSL_CTX* context) {
    SSL_CTX_up_ref(context);
    return context;
  }
  [[nodiscard]] std::shared_ptr<SocketLink> self() {
    return std::static_pointer_cast<SocketLink>(shared_from_this());
  }

  void connect(const tcp::resolver::results_type& addresses);
  void connected();
  void handshake();
  void opened();
  void read();
  void on_read(const error_code& error, std::size_t size);
  void deliver();
  [[nodiscard]] bool make_room();
  void resize_buffer(std::size_t size);
  void write();
  void on_write(const error_code& error, std::size_t size);
  void finish_writing();
  void linger();
  void on_deadline();
  void on_stall();
  void ended(Closed::Reason reason, std::string message);
  [[nodiscard]] std::string tls_words(const error_code& error);

  boost::asio::io_context& io_;
  LinkUser* user_;
  std::shared_ptr<TlsContext> context_;
  std::size_t max_buffer_;
  std::optional<boost::asio::ssl::context> ssl_context_;
  tcp::socket socket_;  // moved into tls_ once connected
  std::optional<boost::asio::ssl::stream<tcp::socket&>> tls_;
  std::unique_ptr<tcp::resolver> resolver_;
  std::string server_name_;
  Alarm deadline_;  // the user's; before on_open: connect and handshake
  Alarm stall_;     // of a write, and of lingering

  // What was taken out of it, and what was written, is overwritten at once: these bytes are messages.
  std::vector<char> buffer_;
  std::size_t begin_ = 0;  // of what on_bytes has not taken
  std::size_t end_ = 0;
  std::string pending_;  // appended since the write in progress began
  std::string writing_;
  std::size_t written_ = 0;  // of writing_

  bool open_ = false;  // on_open has been called
  bool closed_ = false;
  bool finishing_ = false;  // close_after_writing
  bool lingering_ = false;
  bool reading_ = false;
  bool paused_ = false;
  bool delivering_ = false;
  bool much_output_ = false;
};

}  // namespace fluxrig::gear::net
