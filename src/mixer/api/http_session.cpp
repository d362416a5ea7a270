// Requests in, through Beast's parser; responses out, as text. Every operation has a deadline: one timer,
// which closes the connection.
#include "mixer/api/http_session.hpp"

#include <fmt/format.h>

#include <array>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <optional>

#include "mixer/api/tail.hpp"

namespace fluxrig::mixer {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Milliseconds = std::chrono::milliseconds;
using boost::system::error_code;

std::string head_of(const ApiResponse& response, unsigned version) {
  auto head = fmt::format(
      "HTTP/1.{} {} {}\r\nServer: fluxrig-mixer\r\nContent-Type: {}\r\nCache-Control: no-store\r\n"
      "X-Content-Type-Options: nosniff\r\n",
      version % 10, response.status, status_text(response.status), response.content_type);
  for (const auto& [name, value] : response.headers) head += fmt::format("{}: {}\r\n", name, value);
  return head;
}

class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(std::unique_ptr<ByteStream> stream, const SessionParts& parts)
      : parts_(parts),
        stream_(std::move(stream)),
        deadline_(stream_->executor()),
        keepalive_(stream_->executor()) {}
  ~Session() { parts_.connections.fetch_sub(1, std::memory_order_relaxed); }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void begin() {
    limit(parts_.options.request_ms);
    stream_->handshake([self = shared_from_this()](error_code error, std::size_t) {
      if (error) return self->close();
      self->wait_for_request();
    });
  }

 private:
  // What is under way has so long, then the connection is closed.
  void limit(std::int64_t milliseconds) {
    deadline_.expires_after(Milliseconds(milliseconds));
    deadline_.async_wait([self = shared_from_this()](error_code error) {
      // It may have been set anew while this call was on its way.
      if (!error && self->deadline_.expiry() <= std::chrono::steady_clock::now()) self->close();
    });
  }

  // A kept connection may be idle for long; a request that has begun may not take long.
  void wait_for_request() {
    parser_.emplace();
    parser_->eager(true);
    parser_->header_limit(parts_.options.header_bytes);
    parser_->body_limit(parts_.options.body_bytes);
    limit(buffer_.size() > 0 ? parts_.options.request_ms : parts_.options.idle_ms);
    begun_ = buffer_.size() > 0;
    if (begun_) return parse();
    read_more();
  }

  void read_more() {
    stream_->read_some(buffer_.prepare(kReadBytes),
                       [self = shared_from_this()](error_code error, std::size_t size) {
                         if (error) return self->close();
                         self->buffer_.commit(size);
                         if (!self->begun_) self->limit(self->parts_.options.request_ms);
                         self->begun_ = true;
                         self->parse();
                       });
  }

  void parse() {
    error_code error;
    while (!error && buffer_.size() > 0 && !parser_->is_done())
      buffer_.consume(parser_->put(buffer_.data(), error));
    if (error && error != http::error::need_more) return refuse(error);
    if (parser_->is_done()) return take_request();
    read_more();
  }

  void refuse(error_code error) {
    keep_alive_ = false;
    std::string type;
    if (parser_->is_header_done()) type = std::string(parser_->get()[http::field::content_type]);
    const auto refused = [&](unsigned status, std::string_view detail) {
      respond(parts_.handler.refuse(status, detail, type));
    };
    if (error == http::error::body_limit)
      return refused(413,
                     fmt::format("the body is over the limit of {} MiB", parts_.options.body_bytes >> 20));
    if (error == http::error::header_limit)
      return refused(431, "the header fields are over the limit of 16 KiB");
    refused(400, "the request is malformed");
  }

  void take_request() {
    auto& message = parser_->get();
    keep_alive_ = message.keep_alive();
    version_ = message.version();
    head_ = message.method() == http::verb::head;
    ApiRequest request;
    request.method = std::string(message.method_string());
    request.accept = std::string(message[http::field::accept]);
    request.authorization = std::string(message[http::field::authorization]);
    request.content_type = std::string(message[http::field::content_type]);
    request.content_encoding = std::string(message[http::field::content_encoding]);
    const auto target = message.target();
    if (!parse_target({target.data(), target.size()}, request))
      return respond(
          parts_.handler.refuse(400, "the target of the request is malformed", request.content_type));
    request.body = std::move(message.body());
    handle(std::move(request));
  }

  void handle(ApiRequest request) {
    if (auto response = parts_.handler.quick(request)) return respond(std::move(*response));
    deadline_.cancel();  // what is asked for has its own limit
    const auto type = request.content_type;
    auto job = [self = shared_from_this(), request = std::move(request)] {
      auto response = std::make_shared<ApiResponse>(self->parts_.handler.handle(request));
      asio::post(self->stream_->executor(), [self, response] { self->respond(std::move(*response)); });
    };
    if (!parts_.workers.submit(std::move(job)))
      respond(parts_.handler.refuse(503, "too many requests wait already; try again later", type));
  }

  void respond(ApiResponse response) {
    if (response.tail) return begin_tail(std::move(response));
    out_ = head_of(response, version_);
    const bool said = keep_alive_ == (version_ >= 11);  // what the version means without a word
    if (!said) out_ += keep_alive_ ? "Connection: keep-alive\r\n" : "Connection: close\r\n";
    out_ += fmt::format("Content-Length: {}\r\n\r\n", response.body.size());
    if (!head_) out_ += response.body.text();
    limit(parts_.options.write_ms);
    stream_->write(asio::buffer(out_), [self = shared_from_this()](error_code error, std::size_t) {
      if (error || !self->keep_alive_) return self->close();
      self->wait_for_request();
    });
  }

  // ---- a stream of lines, until the client goes or the server ends
  void begin_tail(ApiResponse response) {
    tail_ = std::move(response.tail);
    out_ = head_of(response, 11) + "Transfer-Encoding: chunked\r\n\r\n";
    limit(parts_.options.write_ms);
    writing_ = true;
    stream_->write(asio::buffer(out_), [self = shared_from_this()](error_code error, std::size_t) {
      self->writing_ = false;
      if (error) return self->close();
      self->follow_tail();
    });
  }

  void follow_tail() {
    // Weak: a subscription must not keep its own connection alive.
    tail_->on_lines([weak = weak_from_this(), executor = stream_->executor()] {
      asio::post(executor, [weak] {
        if (const auto self = weak.lock()) self->write_lines();
      });
    });
    watch_for_end();
    arm_keepalive();
  }

  // The client sends nothing more; what is read can only be the end of the connection.
  void watch_for_end() {
    stream_->read_some(asio::buffer(ignored_), [self = shared_from_this()](error_code error, std::size_t) {
      if (error) return self->close();
      self->watch_for_end();
    });
  }

  void arm_keepalive() {
    limit(parts_.options.write_ms);
    keepalive_.expires_after(Milliseconds(parts_.options.tail_keepalive_ms));
    keepalive_.async_wait([self = shared_from_this()](error_code error) {
      if (error || !self->tail_) return;
      self->write_chunk("{\"type\":\"keepalive\"}\n");
      self->arm_keepalive();
    });
  }

  void write_lines() {
    if (!tail_ || writing_) return;
    if (const auto lines = tail_->take(); !lines.empty()) write_chunk(lines);
  }

  void write_chunk(const std::string& lines) {
    if (writing_) return;  // the lines being written show the client that we live
    writing_ = true;
    out_ = fmt::format("{:x}\r\n{}\r\n", lines.size(), lines);
    stream_->write(asio::buffer(out_), [self = shared_from_this()](error_code error, std::size_t) {
      self->writing_ = false;
      if (error) return self->close();
      self->limit(self->parts_.options.write_ms);
      self->write_lines();
    });
  }

  void close() {
    tail_.reset();
    keepalive_.cancel();
    deadline_.cancel();
    stream_->close();
  }

  static constexpr std::size_t kReadBytes = 4096;

  SessionParts parts_;
  std::unique_ptr<ByteStream> stream_;
  asio::steady_timer deadline_;
  asio::steady_timer keepalive_;
  beast::flat_buffer buffer_{64U << 10};
  std::optional<http::request_parser<http::string_body>> parser_;
  bool begun_ = false;  // a byte of the request has come
  bool keep_alive_ = false;
  bool head_ = false;
  unsigned version_ = 11;
  std::string out_;  // being written
  std::shared_ptr<TailSubscription> tail_;
  bool writing_ = false;
  std::array<char, 256> ignored_{};
};

}  // namespace

void start_session(std::unique_ptr<ByteStream> stream, const SessionParts& parts) {
  std::make_shared<Session>(std::move(stream), parts)->begin();
}

}  // namespace fluxrig::mixer
