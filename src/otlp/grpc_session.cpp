#include "otlp/grpc_session.hpp"

#include <fmt/format.h>
#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>
#include <vector>

#include "base/assert.hpp"
#include "otlp/grpc_message.hpp"
#include "otlp/grpc_status.hpp"

namespace fluxrig::otlp {
namespace {

constexpr std::string_view kNoHttp2 = "what it sends is no HTTP/2";

std::string_view text_of(const std::uint8_t* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

// The fields that mean something, of one block of them: a head, or trailers.
struct Fields {
  unsigned http_status = 0;
  bool is_grpc = false;  // by its content type
  std::optional<unsigned> status;
  std::string message;
  std::optional<std::int64_t> retry_delay;
  std::size_t bytes = 0;

  void take(std::string_view name, std::string_view value) {
    bytes += name.size() + value.size();
    if (bytes > GrpcSession::kMaxFieldBytes) return;
    if (name == ":status")
      http_status = parse_grpc_status(value).value_or(0);
    else if (name == "content-type")
      is_grpc = value.starts_with("application/grpc");
    else if (name == "grpc-status")
      status = parse_grpc_status(value).value_or(static_cast<unsigned>(GrpcCode::kUnknown));
    else if (name == "grpc-message")
      message = decode_grpc_message(value);
    else if (name == "grpc-status-details-bin")
      retry_delay = grpc_retry_delay(value);
  }
};

Answer broken_answer(std::string why) { return {.kind = Answer::Kind::kNone, .why = std::move(why)}; }

}  // namespace

struct GrpcSession::Call {
  std::int32_t stream = 0;
  std::string_view message;
  std::size_t sent = 0;
  Fields block;  // being read
  Fields head;   // of the answer
  bool has_head = false;
  unsigned interim = 0;
  std::string body;
};

// libnghttp2 calls these from within take() and output(). A result other than 0 ends the connection.
struct GrpcSession::Callbacks {
  static GrpcSession& self(void* user) { return *static_cast<GrpcSession*>(user); }
  static Call* call_of(GrpcSession& session, std::int32_t stream) {
    return session.call_ && session.call_->stream == stream ? session.call_.get() : nullptr;
  }

  static ssize_t read(nghttp2_session*, std::int32_t stream, std::uint8_t* buffer, std::size_t size,
                      std::uint32_t* flags, nghttp2_data_source*, void* user) {
    auto* const call = call_of(self(user), stream);
    if (call == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;  // answered already
    const auto piece = call->message.substr(call->sent, size);
    std::memcpy(buffer, piece.data(), piece.size());
    call->sent += piece.size();
    if (call->sent == call->message.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(piece.size());
  }

  static int on_begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    if (auto* const call = call_of(self(user), frame->hd.stream_id)) call->block = {};
    return 0;
  }

  static int on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                       std::size_t name_size, const std::uint8_t* value, std::size_t value_size, std::uint8_t,
                       void* user) {
    auto& session = self(user);
    auto* const call = call_of(session, frame->hd.stream_id);
    if (call == nullptr) return 0;
    call->block.take(text_of(name, name_size), text_of(value, value_size));
    if (call->block.bytes <= kMaxFieldBytes) return 0;
    session.settle({.kind = Answer::Kind::kTooLarge, .status = call->block.http_status}, Stream::kReset);
    return 0;
  }

  static int on_data(nghttp2_session*, std::uint8_t, std::int32_t stream, const std::uint8_t* bytes,
                     std::size_t size, void* user) {
    auto& session = self(user);
    auto* const call = call_of(session, stream);
    if (call == nullptr) return 0;
    if (call->body.size() + size > kMaxResponseBytes + kGrpcPrefixBytes)
      session.settle({.kind = Answer::Kind::kTooLarge, .status = call->head.http_status}, Stream::kReset);
    else
      call->body.append(text_of(bytes, size));
    return 0;
  }

  static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    auto& session = self(user);
    if (frame->hd.type == NGHTTP2_GOAWAY) session.is_leaving_ = true;
    auto* const call = call_of(session, frame->hd.stream_id);
    if (call == nullptr) return 0;
    if (frame->hd.type == NGHTTP2_HEADERS && !call->has_head) {
      if (call->block.http_status / 100 != 1) {
        call->has_head = true;
        call->head = call->block;
      } else if (++call->interim > kMaxInterim) {
        session.settle(broken_answer("no answer but interim ones"), Stream::kReset);
        return 0;
      }
    }
    if (frame->hd.type == NGHTTP2_RST_STREAM) {
      session.settle_by_reset(frame->rst_stream.error_code);
    } else if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
      if (frame->hd.type == NGHTTP2_DATA)
        call->block = {};  // the head's: without trailers there is no status
      session.settle_by_fields();
    }
    return 0;
  }

  static int on_close(nghttp2_session*, std::int32_t stream, std::uint32_t error, void* user) {
    auto& session = self(user);
    if (call_of(session, stream) == nullptr) return 0;
    // By libnghttp2 itself: after a GOAWAY that excludes the stream, for a head that is none, or because it
    // ends the connection for what the peer has sent.
    if (error == NGHTTP2_REFUSED_STREAM && !session.is_leaving_)
      session.settle(broken_answer(std::string(kNoHttp2)), Stream::kLeft);
    else
      session.settle_by_reset(error);
    return 0;
  }
};

void GrpcSession::SessionDeleter::operator()(nghttp2_session* session) const noexcept {
  nghttp2_session_del(session);
}

GrpcSession::GrpcSession(GrpcHead head) : head_(std::move(head)) {
  nghttp2_session_callbacks* callbacks = nullptr;
  FR_ASSERT(nghttp2_session_callbacks_new(&callbacks) == 0);  // fails for want of memory only
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, Callbacks::on_begin_headers);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, Callbacks::on_header);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, Callbacks::on_data);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, Callbacks::on_frame);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, Callbacks::on_close);
  nghttp2_session* session = nullptr;
  FR_ASSERT(nghttp2_session_client_new(&session, callbacks, this) == 0);
  nghttp2_session_callbacks_del(callbacks);
  session_.reset(session);
  const std::array<nghttp2_settings_entry, 2> settings{
      {{NGHTTP2_SETTINGS_ENABLE_PUSH, 0}, {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, kMaxFieldBytes}}};
  FR_ASSERT(nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings.data(), settings.size()) == 0);
}

GrpcSession::~GrpcSession() = default;

bool GrpcSession::is_ready() const {
  return !call_ && !answer_ && broken_.empty() && !is_leaving_ &&
         nghttp2_session_check_request_allowed(session_.get()) != 0;
}

bool GrpcSession::is_over() const {
  return !call_ &&
         (is_leaving_ || !broken_.empty() || nghttp2_session_check_request_allowed(session_.get()) == 0);
}

void GrpcSession::call(std::string_view message) {
  const auto timeout = fmt::format("{}m", head_.timeout_ms);
  std::vector<nghttp2_nv> fields;
  const auto add = [&fields](std::string_view name, std::string_view value) {
    // libnghttp2 reads what it takes as mutable.
    const auto bytes = [](std::string_view text) {
      return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
    };
    fields.push_back({bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
  };
  add(":method", "POST");
  add(":scheme", head_.tls ? "https" : "http");
  add(":path", head_.path);
  add(":authority", head_.authority);
  add("te", "trailers");
  add("grpc-timeout", timeout);
  add("content-type", "application/grpc");
  add("user-agent", head_.user_agent);
  if (head_.gzip) add("grpc-encoding", "gzip");
  add("grpc-accept-encoding", "identity");
  for (const auto& [name, value] : head_.metadata) add(name, value);
  call_ = std::make_unique<Call>();
  call_->message = message;
  taken_bytes_ = 0;
  nghttp2_data_provider provider{};
  provider.read_callback = Callbacks::read;
  call_->stream =
      nghttp2_submit_request(session_.get(), nullptr, fields.data(), fields.size(), &provider, nullptr);
  if (call_->stream < 0) settle(broken_answer(nghttp2_strerror(call_->stream)), Stream::kLeft);
}

bool GrpcSession::take(std::string_view bytes) {
  if (!broken_.empty()) return false;
  taken_bytes_ += bytes.size();
  if (taken_bytes_ > (call_ ? kMaxCallBytes : kMaxIdleBytes)) {
    if (call_) settle({.kind = Answer::Kind::kTooLarge, .status = call_->head.http_status}, Stream::kLeft);
    end("it sends more than an answer");
    return false;
  }
  const auto used = nghttp2_session_mem_recv(
      session_.get(), reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  if (used < 0) {
    end(fmt::format("{}: {}", kNoHttp2, nghttp2_strerror(static_cast<int>(used))));
    return false;
  }
  return true;
}

void GrpcSession::end(std::string why) {
  broken_ = std::move(why);
  if (call_) settle(broken_answer(broken_), Stream::kLeft);
}

std::string_view GrpcSession::output() {
  const std::uint8_t* bytes = nullptr;
  const auto size = nghttp2_session_mem_send(session_.get(), &bytes);
  if (size > 0) return text_of(bytes, static_cast<std::size_t>(size));
  // After an error of the peer's libnghttp2 says why, and wants to read no more.
  if (size < 0)
    end(nghttp2_strerror(static_cast<int>(size)));
  else if (nghttp2_session_want_read(session_.get()) == 0)
    end(std::string(kNoHttp2));
  return {};
}

std::optional<Answer> GrpcSession::answer() { return std::exchange(answer_, std::nullopt); }

void GrpcSession::settle(Answer answer, Stream stream) {
  if (stream == Stream::kReset)
    (void)nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, call_->stream, NGHTTP2_CANCEL);
  call_.reset();
  taken_bytes_ = 0;
  answer_ = std::move(answer);
}

void GrpcSession::settle_by_fields() {
  const auto& head = call_->head;
  const auto& trailers = call_->block;
  Answer answer{.kind = Answer::Kind::kAnswered, .is_grpc = true};
  if (trailers.status)
    answer.status = *trailers.status;
  else if (head.http_status != 200 || !head.is_grpc)
    answer.status = static_cast<unsigned>(grpc_code_of_http(head.http_status));
  else
    answer.status = static_cast<unsigned>(GrpcCode::kUnknown);
  answer.retry_after_nanos = trailers.retry_delay;
  answer.why = trailers.status ? trailers.message : fmt::format("HTTP {}, and no status", head.http_status);
  if (const auto message = unframe_grpc(call_->body))
    answer.body = *message;
  else
    answer.is_unreadable = true;
  // An answer may come before all of the request has been sent: it counts, and the rest is not sent.
  settle(std::move(answer), call_->sent == call_->message.size() ? Stream::kLeft : Stream::kReset);
}

void GrpcSession::settle_by_reset(std::uint32_t error) {
  settle({.kind = Answer::Kind::kAnswered,
          .status = static_cast<unsigned>(grpc_code_of_reset(error)),
          .why = fmt::format("the stream was reset: {}", nghttp2_http2_strerror(error)),
          .is_grpc = true},
         Stream::kLeft);
}

}  // namespace fluxrig::otlp
