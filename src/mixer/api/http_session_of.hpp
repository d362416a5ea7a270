// The session over either kind of stream. Private to http_session_plain.cpp and http_session_tls.cpp: each
// instantiates it once, because together they are the slowest compilation of the tree.
#pragma once

#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <optional>

#include "mixer/api/http_session.hpp"
#include "mixer/api/tail.hpp"

namespace fluxrig::mixer::session {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Milliseconds = std::chrono::milliseconds;

template <typename Stream>
class Session : public std::enable_shared_from_this<Session<Stream>> {
  static constexpr bool kTls = !std::is_same_v<Stream, beast::tcp_stream>;

 public:
  template <typename... Arguments>
  explicit Session(SessionParts parts, Arguments&&... arguments)
      : parts_(parts), stream_(std::forward<Arguments>(arguments)...), keepalive_(stream_.get_executor()) {}
  ~Session() { parts_.connections.fetch_sub(1, std::memory_order_relaxed); }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void begin() {
    if constexpr (kTls) {
      lowest().expires_after(Milliseconds(parts_.options.request_ms));
      stream_.async_handshake(asio::ssl::stream_base::server,
                              [self = this->shared_from_this()](beast::error_code error) {
                                if (!error) self->wait_for_request();
                              });
    } else {
      wait_for_request();
    }
  }

 private:
  beast::tcp_stream& lowest() { return beast::get_lowest_layer(stream_); }

  // A kept connection may be idle for long; a request that has begun may not take long.
  void wait_for_request() {
    parser_.emplace();
    parser_->header_limit(parts_.options.header_bytes);
    parser_->body_limit(parts_.options.body_bytes);
    if (buffer_.size() > 0) return read_request();
    lowest().expires_after(Milliseconds(parts_.options.idle_ms));
    stream_.async_read_some(buffer_.prepare(kFirstRead),
                            [self = this->shared_from_this()](beast::error_code error, std::size_t size) {
                              if (error) return self->close();
                              self->buffer_.commit(size);
                              self->read_request();
                            });
  }

  void read_request() {
    lowest().expires_after(Milliseconds(parts_.options.request_ms));
    http::async_read(
        stream_, buffer_, *parser_,
        [self = this->shared_from_this()](beast::error_code error, std::size_t) { self->on_read(error); });
  }

  void on_read(beast::error_code error) {
    if (error) return on_read_error(error);
    auto& message = parser_->get();
    keep_alive_ = message.keep_alive();
    version_ = message.version();
    head_ = message.method() == http::verb::head;
    ApiRequest request;
    request.method = std::string(message.method_string());
    request.accept = std::string(message[http::field::accept]);
    request.authorization = std::string(message[http::field::authorization]);
    request.content_type = std::string(message[http::field::content_type]);
    const auto target = message.target();
    if (!parse_target({target.data(), target.size()}, request))
      return respond(problem_response(400, "the target of the request is malformed"));
    request.body = std::move(message.body());
    handle(std::move(request));
  }

  void on_read_error(beast::error_code error) {
    keep_alive_ = false;
    if (error == http::error::body_limit)
      return respond(problem_response(413, "the body is over the limit of 1 MiB"));
    if (error == http::error::header_limit)
      return respond(problem_response(431, "the header fields are over the limit of 16 KiB"));
    if (error == beast::error::timeout || error == http::error::end_of_stream ||
        error == http::error::partial_message ||
        error.category() != http::make_error_code(http::error::bad_method).category())
      return close();
    respond(problem_response(400, "the request is malformed"));
  }

  void handle(ApiRequest request) {
    if (auto response = parts_.api.quick(request)) return respond(std::move(*response));
    lowest().expires_never();  // the query has its own limit
    auto job = [self = this->shared_from_this(), request = std::move(request)] {
      auto response = std::make_shared<ApiResponse>(self->parts_.api.handle(request));
      asio::post(self->stream_.get_executor(), [self, response] { self->respond(std::move(*response)); });
    };
    if (!parts_.workers.submit(std::move(job)))
      respond(problem_response(503, "too many queries wait already; try again later"));
  }

  void respond(ApiResponse response) {
    if (response.tail) return begin_tail(std::move(response));
    auto& message = response_.emplace(static_cast<http::status>(response.status), version_);
    set_fields(message, response);
    message.keep_alive(keep_alive_);
    message.content_length(response.body.size());
    if (!head_) message.body() = std::move(response.body);
    lowest().expires_after(Milliseconds(parts_.options.write_ms));
    if (head_) {
      head_serializer_.emplace(message);
      http::async_write_header(stream_, *head_serializer_, written());
    } else {
      http::async_write(stream_, message, written());
    }
  }

  auto written() {
    return [self = this->shared_from_this()](beast::error_code error, std::size_t) {
      if (error || !self->keep_alive_) return self->close();
      self->wait_for_request();
    };
  }

  template <typename Message>
  static void set_fields(Message& message, const ApiResponse& response) {
    message.set(http::field::server, "fluxrig-mixer");
    message.set(http::field::content_type, response.content_type);
    message.set(http::field::cache_control, "no-store");
    message.set("X-Content-Type-Options", "nosniff");
    for (const auto& [name, value] : response.headers) message.set(name, value);
  }

  // ---- a stream of lines, until the client goes or the server ends
  void begin_tail(ApiResponse response) {
    tail_ = std::move(response.tail);
    auto header = std::make_shared<http::response<http::empty_body>>(http::status::ok, 11);
    set_fields(*header, response);
    header->chunked(true);
    auto serializer = std::make_shared<http::response_serializer<http::empty_body>>(*header);
    lowest().expires_after(Milliseconds(parts_.options.write_ms));
    writing_ = true;
    http::async_write_header(
        stream_, *serializer,
        [self = this->shared_from_this(), header, serializer](beast::error_code error, std::size_t) {
          self->writing_ = false;
          if (error) return self->close();
          self->follow_tail();
        });
  }

  void follow_tail() {
    // Weak: a subscription must not keep its own connection alive.
    tail_->on_lines([weak = this->weak_from_this(), executor = stream_.get_executor()] {
      asio::post(executor, [weak] {
        if (const auto self = weak.lock()) self->write_lines();
      });
    });
    watch_for_end();
    arm_keepalive();
  }

  // The client sends nothing more; what is read can only be the end of the connection.
  void watch_for_end() {
    stream_.async_read_some(asio::buffer(ignored_),
                            [self = this->shared_from_this()](beast::error_code error, std::size_t) {
                              if (error) return self->close();
                              self->watch_for_end();
                            });
  }

  void arm_keepalive() {
    lowest().expires_after(Milliseconds(parts_.options.write_ms));
    keepalive_.expires_after(Milliseconds(parts_.options.tail_keepalive_ms));
    keepalive_.async_wait([self = this->shared_from_this()](beast::error_code error) {
      if (error || !self->tail_) return;
      self->write_chunk("{\"type\":\"keepalive\"}\n");
      self->arm_keepalive();
    });
  }

  void write_lines() {
    if (!tail_ || writing_) return;
    if (auto lines = tail_->take(); !lines.empty()) write_chunk(std::move(lines));
  }

  void write_chunk(std::string lines) {
    if (writing_) return;  // the lines being written show the client that we live
    writing_ = true;
    chunk_ = std::move(lines);
    asio::async_write(stream_, http::make_chunk(asio::buffer(chunk_)),
                      [self = this->shared_from_this()](beast::error_code error, std::size_t) {
                        self->writing_ = false;
                        if (error) return self->close();
                        self->lowest().expires_after(Milliseconds(self->parts_.options.write_ms));
                        self->write_lines();
                      });
  }

  void close() {
    tail_.reset();
    keepalive_.cancel();
    beast::error_code ignored;
    lowest().socket().shutdown(asio::ip::tcp::socket::shutdown_both, ignored);
    lowest().socket().close(ignored);
  }

  static constexpr std::size_t kFirstRead = 4096;

  SessionParts parts_;
  Stream stream_;
  asio::steady_timer keepalive_;
  beast::flat_buffer buffer_{64U << 10};
  std::optional<http::request_parser<http::string_body>> parser_;
  std::optional<http::response<http::string_body>> response_;
  std::optional<http::response_serializer<http::string_body>> head_serializer_;
  bool keep_alive_ = false;
  bool head_ = false;
  unsigned version_ = 11;
  std::shared_ptr<TailSubscription> tail_;
  bool writing_ = false;
  std::string chunk_;
  std::array<char, 256> ignored_{};
};

}  // namespace fluxrig::mixer::session
