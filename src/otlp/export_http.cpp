#include "otlp/export_http.hpp"

#include <fmt/format.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <optional>

#include "otlp/export_connection.hpp"
#include "otlp/retry_after.hpp"
#include "otlp/timed_transport.hpp"

namespace fluxrig::otlp {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

constexpr std::uint32_t kMaxHeadBytes = 16U << 10;
constexpr std::size_t kMaxBufferBytes = 64U << 10;  // more than a head; bodies are taken out as they come
constexpr std::size_t kMaxInterim = 8;              // answers of status 1xx before the one that counts

std::string head_of(const HttpExportOptions& options) {
  const auto& target = options.target;
  const bool is_ip6 = target.url.host.find(':') != std::string::npos;
  std::string host = is_ip6 ? fmt::format("[{}]", target.url.host) : target.url.host;
  if (target.url.port != (target.url.tls ? 443 : 80)) host += fmt::format(":{}", target.url.port);
  std::string head =
      fmt::format("POST {} HTTP/1.1\r\nhost: {}\r\nuser-agent: {}\r\ncontent-type: {}\r\n", target.url.path,
                  host, options.user_agent,
                  target.protocol == Protocol::kHttpJson ? "application/json" : "application/x-protobuf");
  if (target.compression == Compression::kGzip) head += "content-encoding: gzip\r\n";
  for (const auto& [name, value] : target.headers) head += fmt::format("{}: {}\r\n", name, value);
  return head;
}

// A connection that is no more leaves its late handlers behind: they hold it, and find that nobody wants
// them.
class Exchange final : public std::enable_shared_from_this<Exchange> {
 public:
  Exchange(asio::io_context& io, const Clock& clock, const HttpExportOptions& options,
           asio::ssl::context* tls)
      : clock_(clock),
        fixed_head_(head_of(options)),
        connection_(std::make_shared<ExportConnection>(io, options.target.url, tls)) {}

  // The number of the attempt.
  std::uint64_t send(std::string_view body, std::function<void(Answer)> done) {
    ++attempt_;
    head_ = fmt::format("{}content-length: {}\r\n\r\n", fixed_head_, body.size());
    body_ = body;
    done_ = std::move(done);
    if (connection_->is_open()) {
      write();
    } else {
      connection_->open([self = shared_from_this()](const std::string& why) {
        if (!self->wanted()) return;
        if (!why.empty()) return self->fail(why, {});
        self->write();
      });
    }
    return attempt_;
  }

  // Nothing is called any more.
  void close() noexcept {
    done_ = nullptr;
    connection_->close();
  }

  // The attempt with this number has had its time.
  void expire(std::uint64_t attempt) {
    if (wanted() && attempt == attempt_) fail("no answer within the timeout", {});
  }

  // Whether the next request may go this way: bytes or an end that nobody asked for mean no.
  [[nodiscard]] bool is_usable() {
    return connection_->is_open() && buffer_.size() == 0 && connection_->is_quiet();
  }

 private:
  [[nodiscard]] bool wanted() const { return done_ != nullptr; }

  void write() {
    const std::array<asio::const_buffer, 2> parts{asio::buffer(head_), asio::buffer(body_)};
    connection_->on_stream([&](auto& stream) {
      asio::async_write(stream, parts, [self = shared_from_this()](const error_code& error, std::size_t) {
        if (!self->wanted()) return;
        // A back end that does not want all of it may have said why before it closed.
        self->write_error_ = error;
        self->interim_ = 0;
        self->read();
      });
    });
  }

  void read() {
    parser_.emplace();
    parser_->body_limit(kMaxResponseBytes);
    parser_->header_limit(kMaxHeadBytes);
    connection_->on_stream([&](auto& stream) {
      http::async_read(stream, buffer_, *parser_,
                       [self = shared_from_this()](const error_code& error, std::size_t) {
                         if (self->wanted()) self->take(error);
                       });
    });
  }

  void take(const error_code& error) {
    if (error == http::error::body_limit || error == http::error::header_limit) {
      const unsigned status = parser_->is_header_done() ? parser_->get().result_int() : 0;
      return finish({.kind = Answer::Kind::kTooLarge, .status = status}, /*keep=*/false);
    }
    if (error == http::error::end_of_stream)
      return fail("the connection was cut before the answer", write_error_);
    if (error) return fail("the answer broke off", write_error_ ? write_error_ : error);
    auto& message = parser_->get();
    if (message.result_int() / 100 == 1) {
      if (++interim_ > kMaxInterim) return fail("no answer but interim ones", {});
      return read();
    }
    Answer answer;
    answer.kind = Answer::Kind::kAnswered;
    answer.status = message.result_int();
    if (const auto found = message.find(http::field::retry_after); found != message.end())
      answer.retry_after_nanos =
          parse_retry_after({found->value().data(), found->value().size()}, clock_.now());
    answer.body = std::move(message.body());
    finish(std::move(answer), parser_->keep_alive() && !write_error_);
  }

  void fail(std::string what, const error_code& error) {
    if (error) what += ": " + error.message();
    finish({.kind = Answer::Kind::kNone, .why = std::move(what)}, /*keep=*/false);
  }

  void finish(Answer answer, bool keep) {
    const auto done = std::exchange(done_, nullptr);
    if (!keep) close();
    done(std::move(answer));
  }

  const Clock& clock_;
  const std::string fixed_head_;  // what is the same for all
  const std::shared_ptr<ExportConnection> connection_;
  std::uint64_t attempt_ = 0;
  std::string head_;
  std::string_view body_;
  std::function<void(Answer)> done_;  // null: nobody waits
  boost::beast::flat_buffer buffer_{kMaxBufferBytes};
  std::optional<http::response_parser<http::string_body>> parser_;
  error_code write_error_;
  std::size_t interim_ = 0;
};

}  // namespace

Outcome<std::unique_ptr<ExportTransport>> make_http_transport(asio::io_context& io, const Clock& clock,
                                                              HttpExportOptions options) {
  return make_timed_transport<Exchange>(io, options.target, [&io, &clock, options](asio::ssl::context* tls) {
    return std::make_shared<Exchange>(io, clock, options, tls);
  });
}

}  // namespace fluxrig::otlp
