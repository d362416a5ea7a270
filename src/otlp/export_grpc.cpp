#include "otlp/export_grpc.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <cctype>
#include <utility>

#include "otlp/export_connection.hpp"
#include "otlp/grpc_session.hpp"
#include "otlp/timed_transport.hpp"

namespace fluxrig::otlp {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr std::size_t kWriteBytes = 64U << 10;  // of frames, for one write
constexpr std::size_t kReadBytes = 16U << 10;

// A connection that is no more leaves its late handlers behind: they hold it, and find it closed.
class GrpcConnection final : public std::enable_shared_from_this<GrpcConnection> {
 public:
  GrpcConnection(asio::io_context& io, const Url& url, asio::ssl::context* tls, const GrpcHead& head)
      : io_(io), connection_(std::make_shared<ExportConnection>(io, url, tls)), session_(head) {}

  // The number of the attempt. Needs is_usable().
  std::uint64_t send(std::string_view message, std::function<void(Answer)> done) {
    done_ = std::move(done);
    session_.call(message);
    if (connection_->is_open())
      asio::post(io_, [self = shared_from_this()] { self->go_on(); });  // `done` never from within send()
    else
      open();
    return ++attempt_;
  }

  // Nothing is called any more.
  void close() noexcept {
    done_ = nullptr;
    is_closed_ = true;
    connection_->close();
  }

  // The attempt with this number has had its time.
  void expire(std::uint64_t attempt) {
    if (done_ && attempt == attempt_) fail("no answer within the timeout");
  }

  [[nodiscard]] bool is_usable() {
    return !is_closed_ && session_.is_ready() && connection_->is_open() && !connection_->has_ended();
  }

 private:
  void open() {
    connection_->open([self = shared_from_this()](const std::string& why) {
      if (self->is_closed_) return;
      if (!why.empty()) return self->fail(why);
      if (!self->connection_->has_chosen("h2")) return self->fail("it does not offer HTTP/2 (ALPN h2)");
      self->read();
      self->go_on();
    });
  }

  void read() {
    connection_->on_stream([&](auto& stream) {
      stream.async_read_some(
          asio::buffer(input_), [self = shared_from_this()](const error_code& error, std::size_t size) {
            if (self->is_closed_) return;
            if (error) return self->fail("the connection was cut before the answer: " + error.message());
            const bool is_sound = self->session_.take({self->input_.data(), size});
            self->go_on();
            if (self->is_closed_) return;
            if (!is_sound) return self->close();
            self->read();
          });
    });
  }

  // Sends what there is to be sent, and hands over the answer when there is one.
  void go_on() {
    if (is_closed_) return;
    write();
    auto answer = session_.answer();
    const bool is_over = session_.is_over();
    const auto done = answer ? std::exchange(done_, nullptr) : nullptr;
    if (is_over && !is_writing_) close();
    if (done) done(std::move(*answer));
  }

  void write() {
    if (is_writing_) return;
    output_.clear();
    while (output_.size() < kWriteBytes) {
      const auto piece = session_.output();
      if (piece.empty()) break;
      output_ += piece;
    }
    if (output_.empty()) return;
    is_writing_ = true;
    connection_->on_stream([&](auto& stream) {
      asio::async_write(stream, asio::buffer(output_),
                        [self = shared_from_this()](const error_code& error, std::size_t) {
                          self->is_writing_ = false;
                          // A peer that does not want all of it may have said why: reading ends it.
                          if (!error) self->go_on();
                        });
    });
  }

  void fail(std::string why) {
    session_.end(std::move(why));
    auto answer = session_.answer();
    const auto done = std::exchange(done_, nullptr);
    close();
    if (done && answer) done(std::move(*answer));
  }

  asio::io_context& io_;
  const std::shared_ptr<ExportConnection> connection_;
  GrpcSession session_;
  std::function<void(Answer)> done_;  // null: nobody waits
  std::uint64_t attempt_ = 0;
  bool is_closed_ = false;
  bool is_writing_ = false;
  std::string output_;
  std::array<char, kReadBytes> input_{};
};

std::string_view service_of(Signal signal) {
  switch (signal) {
    case Signal::kSpans:
      return "trace.v1.TraceService";
    case Signal::kMetrics:
      return "metrics.v1.MetricsService";
    case Signal::kLogs:
      break;
  }
  return "logs.v1.LogsService";
}

// HTTP/2 wants neither capitals in a name nor spaces around a value.
std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

std::string trimmed(std::string_view text) {
  const auto begin = std::min(text.find_first_not_of(" \t"), text.size());
  return std::string(text.substr(begin, text.find_last_not_of(" \t") + 1 - begin));
}

GrpcHead head_of(const GrpcExportOptions& options) {
  const auto& target = options.target;
  const bool is_ip6 = target.url.host.find(':') != std::string::npos;
  GrpcHead head{
      .tls = target.url.tls,
      .authority = fmt::format("{}:{}", is_ip6 ? fmt::format("[{}]", target.url.host) : target.url.host,
                               target.url.port),
      .path = fmt::format("/opentelemetry.proto.collector.{}/Export", service_of(options.signal)),
      .user_agent = options.user_agent,
      .timeout_ms = target.timeout_ms,
      .gzip = target.compression == Compression::kGzip,
      .metadata = {},
  };
  for (const auto& [name, value] : target.headers) head.metadata.emplace_back(lower(name), trimmed(value));
  return head;
}

}  // namespace

Outcome<std::unique_ptr<ExportTransport>> make_grpc_transport(asio::io_context& io,
                                                              const GrpcExportOptions& options) {
  return make_timed_transport<GrpcConnection>(
      io, options.target, [&io, url = options.target.url, head = head_of(options)](asio::ssl::context* tls) {
        return std::make_shared<GrpcConnection>(io, url, tls, head);
      });
}

}  // namespace fluxrig::otlp
