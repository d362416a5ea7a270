#include "gear/net/link.hpp"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl.hpp>
#include <optional>
#include <vector>

#include "gear/net/alarm.hpp"

namespace fluxrig::gear::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::size_t kFirstBuffer = 4U << 10;
constexpr std::size_t kUsualBuffer = 64U << 10;  // reads are not made larger than this for speed alone
constexpr std::size_t kSmallestRead = 2U << 10;

class SocketLink final : public Link {
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

  void start_accepted(Accepted accepted) {
    error_code error;
    socket_.assign(accepted.ip6 ? tcp::v6() : tcp::v4(), accepted.socket, error);
    connected();
  }
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
  void write();
  void on_write(const error_code& error, std::size_t size);
  void finish_writing();
  void linger();
  void on_deadline();
  void on_stall();
  void ended(Closed::Reason reason, std::string message);
  [[nodiscard]] std::string tls_words(const error_code& error);

  asio::io_context& io_;
  LinkUser* user_;
  std::shared_ptr<TlsContext> context_;
  std::size_t max_buffer_;
  std::optional<asio::ssl::context> ssl_context_;
  tcp::socket socket_;  // moved into tls_ once connected
  std::optional<asio::ssl::stream<tcp::socket&>> tls_;
  std::unique_ptr<tcp::resolver> resolver_;
  std::string server_name_;
  Alarm deadline_;  // the user's; before on_open: connect and handshake
  Alarm stall_;     // of a write, and of lingering

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

void SocketLink::start_connecting(const ConnectTo& to) {
  server_name_ = to.host;
  deadline_.set(to.timeout);
  error_code error;
  const auto address = asio::ip::make_address(to.host, error);
  if (!error) {
    // No thread for a resolver when there is nothing to resolve.
    return connect(tcp::resolver::results_type::create(tcp::endpoint(address, to.port), to.host, ""));
  }
  resolver_ = std::make_unique<tcp::resolver>(io_);
  resolver_->async_resolve(
      to.host, std::to_string(to.port), tcp::resolver::numeric_service,
      [self = self()](const error_code& failed, const tcp::resolver::results_type& found) {
        if (self->closed_) return;
        if (failed) return self->ended(Closed::Reason::kConnect, failed.message());
        self->connect(found);
      });
}

void SocketLink::connect(const tcp::resolver::results_type& addresses) {
  asio::async_connect(socket_, addresses, [self = self()](const error_code& error, const tcp::endpoint&) {
    if (self->closed_) return;
    if (error) return self->ended(Closed::Reason::kConnect, error.message());
    self->connected();
  });
}

void SocketLink::connected() {
  error_code ignored;
  socket_.set_option(tcp::no_delay(true), ignored);
  socket_.set_option(asio::socket_base::keep_alive(true), ignored);
  if (!context_) {
    // Not from within accept() and connect(): the user does not have the pointer yet.
    asio::post(io_, [self = self()] { self->opened(); });
    return;
  }
  asio::post(io_, [self = self()] { self->handshake(); });
}

void SocketLink::handshake() {
  if (closed_) return;
  const bool server = context_->is_server();
  tls_.emplace(socket_, *ssl_context_);
  auto* ssl = tls_->native_handle();
  if (!server) {
    error_code not_an_address;
    asio::ip::make_address(server_name_, not_an_address);
    // Server names are names: RFC 6066 forbids addresses there. Certificates may hold either.
    if (not_an_address)
      SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, server_name_.data());
    if (context_->verifies()) {
      if (not_an_address) {
        SSL_set1_host(ssl, server_name_.c_str());
      } else {
        X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), server_name_.c_str());
      }
    }
  }
  deadline_.set(kHandshakeTimeout);
  tls_->async_handshake(server ? asio::ssl::stream_base::server : asio::ssl::stream_base::client,
                        [self = self()](const error_code& error) {
                          if (self->closed_) return;
                          if (error) return self->ended(Closed::Reason::kTls, self->tls_words(error));
                          self->opened();
                        });
}

std::string SocketLink::tls_words(const error_code& error) {
  const auto verified = SSL_get_verify_result(tls_->native_handle());
  if (verified != X509_V_OK) return X509_verify_cert_error_string(verified);
  return error.message();
}

void SocketLink::opened() {
  if (closed_) return;
  deadline_.clear();
  open_ = true;
  if (user_ != nullptr) user_->on_open(*this);
  if (!closed_ && !paused_) read();
}

bool SocketLink::make_room() {
  if (begin_ == end_) {
    begin_ = end_ = 0;
    if (buffer_.size() > kUsualBuffer) std::vector<char>().swap(buffer_);
  }
  if (buffer_.empty()) buffer_.resize(std::min(kFirstBuffer, max_buffer_));
  if (buffer_.size() - end_ >= kSmallestRead) return true;
  if (begin_ > 0) {
    std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_),
              buffer_.begin() + static_cast<std::ptrdiff_t>(end_), buffer_.begin());
    end_ -= begin_;
    begin_ = 0;
  }
  if (buffer_.size() - end_ >= kSmallestRead) return true;
  if (buffer_.size() < max_buffer_) buffer_.resize(std::min(max_buffer_, buffer_.size() * 2));
  return end_ < buffer_.size();
}

void SocketLink::read() {
  if (reading_ || closed_ || lingering_) return;
  // The user took less than it promised: ours or its error, and waiting would be for ever.
  if (!make_room()) return ended(Closed::Reason::kLost, "a message is larger than the buffer");
  reading_ = true;
  const auto room = asio::buffer(buffer_.data() + end_, buffer_.size() - end_);
  auto handler = [self = self()](const error_code& error, std::size_t size) { self->on_read(error, size); };
  if (tls_) {
    tls_->async_read_some(room, std::move(handler));
  } else {
    socket_.async_read_some(room, std::move(handler));
  }
}

void SocketLink::on_read(const error_code& error, std::size_t size) {
  reading_ = false;
  if (closed_ || lingering_) return;
  if (error) {
    if (finishing_) return;  // the peer said its last word; ours is still being written
    const bool in_order = error == asio::error::eof || error == asio::ssl::error::stream_truncated;
    // It may have closed only its own side: what was answered before goes out.
    if (in_order && unsent() > 0) return close_after_writing();
    return ended(in_order ? Closed::Reason::kPeer : Closed::Reason::kLost, error.message());
  }
  end_ += size;
  if (finishing_) {
    begin_ = end_ = 0;  // discarded
    return read();
  }
  // A full buffer says that more was there: read more at once next time.
  const bool full = end_ == buffer_.size();
  deliver();
  if (closed_) return;
  if (full && buffer_.size() < std::min(kUsualBuffer, max_buffer_))
    buffer_.resize(std::min({kUsualBuffer, max_buffer_, buffer_.size() * 2}));
  if (!paused_) read();
}

void SocketLink::deliver() {
  delivering_ = true;  // holds back send(): replies to all these bytes leave together
  const auto used = user_->on_bytes(*this, {buffer_.data() + begin_, end_ - begin_});
  delivering_ = false;
  if (closed_) return;
  begin_ += std::min(used, end_ - begin_);
  send();
}

void SocketLink::resume_reading() {
  if (!paused_ || closed_) return;
  paused_ = false;
  // Later, not here: the user is in the middle of something, and a reply to the bytes could come back to it.
  asio::post(io_, [self = self()] {
    if (self->closed_ || self->paused_ || !self->open_ || self->finishing_) return;
    if (self->begin_ < self->end_) self->deliver();
    if (!self->closed_ && !self->paused_) self->read();
  });
}

void SocketLink::send() {
  if (delivering_ || closed_ || !open_) return;
  if (unsent() > kMuchOutput) much_output_ = true;
  if (writing_.empty() && !pending_.empty()) {
    writing_.swap(pending_);
    written_ = 0;
    write();
  } else if (finishing_ && writing_.empty()) {
    finish_writing();
  }
}

void SocketLink::write() {
  stall_.set(kWriteTimeout);
  const auto rest = asio::buffer(writing_.data() + written_, writing_.size() - written_);
  auto handler = [self = self()](const error_code& error, std::size_t size) { self->on_write(error, size); };
  if (tls_) {
    tls_->async_write_some(rest, std::move(handler));
  } else {
    socket_.async_write_some(rest, std::move(handler));
  }
}

void SocketLink::on_write(const error_code& error, std::size_t size) {
  if (closed_) return;
  if (error) return ended(Closed::Reason::kLost, error.message());
  written_ += size;
  if (written_ < writing_.size()) return write();
  stall_.clear();
  writing_.clear();
  written_ = 0;
  if (writing_.capacity() > kMuchOutput) std::string().swap(writing_);
  send();
  if (much_output_ && unsent() < kMuchOutput && !closed_) {
    much_output_ = false;
    if (user_ != nullptr) user_->on_written(*this);
  }
}

void SocketLink::close_after_writing() {
  if (finishing_ || closed_) return;
  if (!open_) return ended(Closed::Reason::kFinished, "closed before it was open");
  finishing_ = true;
  deadline_.clear();
  send();
}

// Everything is written: say so to the peer, then wait for its end.
void SocketLink::finish_writing() {
  if (lingering_) return;
  lingering_ = true;
  stall_.set(kLinger);
  if (!tls_) return linger();
  tls_->async_shutdown([self = self()](const error_code&) {
    if (!self->closed_) self->linger();
  });
}

void SocketLink::linger() {
  error_code ignored;
  socket_.shutdown(tcp::socket::shutdown_send, ignored);
  if (reading_) {  // let that read end first: the buffer is its own
    socket_.cancel(ignored);
  }
  auto discard = std::make_shared<std::vector<char>>(kFirstBuffer);
  auto step = [self = self(), discard](auto again) -> void {
    self->socket_.async_read_some(asio::buffer(*discard),
                                  [self, again](const error_code& error, std::size_t) {
                                    if (self->closed_) return;
                                    if (error) return self->ended(Closed::Reason::kFinished, "closed");
                                    again(again);
                                  });
  };
  step(step);
}

void SocketLink::on_deadline() {
  const auto keep = self();
  if (closed_) return;
  if (!open_) return ended(Closed::Reason::kConnect, "no connection in time");
  if (user_ != nullptr) user_->on_deadline(*this);
}

void SocketLink::on_stall() {
  const auto keep = self();
  if (lingering_) return ended(Closed::Reason::kFinished, "the peer did not close in time");
  ended(Closed::Reason::kStalled, "the peer does not read");
}

void SocketLink::ended(Closed::Reason reason, std::string message) {
  if (closed_) return;
  auto* user = user_;
  close();
  if (user != nullptr) user->on_closed(*this, {reason, std::move(message)});
}

void SocketLink::close() noexcept {
  if (closed_) return;
  closed_ = true;
  user_ = nullptr;
  deadline_.clear();
  stall_.clear();
  error_code ignored;
  if (resolver_) resolver_->cancel();
  socket_.close(ignored);
}

}  // namespace

std::shared_ptr<Link> Link::accept(const Setup& setup, Accepted accepted) {
  auto link = std::make_shared<SocketLink>(setup);
  link->start_accepted(std::move(accepted));
  return link;
}

std::shared_ptr<Link> Link::connect(const Setup& setup, const ConnectTo& to) {
  auto link = std::make_shared<SocketLink>(setup);
  link->start_connecting(to);
  return link;
}

}  // namespace fluxrig::gear::net
