#include "otlp/test_grpc_peer.hpp"

#include <nghttp2/nghttp2.h>

#include <cstring>

#include "base/assert.hpp"

namespace fluxrig::otlp {
namespace {

std::vector<nghttp2_nv> pairs_of(const TestGrpcPeer::Fields& fields) {
  std::vector<nghttp2_nv> pairs;
  const auto bytes = [](const std::string& text) {
    return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
  };
  for (const auto& [name, value] : fields)
    pairs.push_back({bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
  return pairs;
}

std::string text_of(const std::uint8_t* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

}  // namespace

struct TestGrpcPeer::Callbacks {
  static TestGrpcPeer& self(void* user) { return *static_cast<TestGrpcPeer*>(user); }

  static int on_begin(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    auto& peer = self(user);
    peer.calls_.push_back({.fields = {}, .body = {}, .stream = frame->hd.stream_id});
    Open open{.call = peer.calls_.size() - 1, .reply = {}};
    if (!peer.script_.empty()) {
      open.reply = peer.script_.front();
      peer.script_.pop_front();
    }
    peer.open_.emplace(frame->hd.stream_id, std::move(open));
    return 0;
  }

  static int on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                       std::size_t name_size, const std::uint8_t* value, std::size_t value_size, std::uint8_t,
                       void* user) {
    auto& peer = self(user);
    auto& call = peer.calls_[peer.open_.at(frame->hd.stream_id).call];
    call.fields.emplace(text_of(name, name_size), text_of(value, value_size));
    return 0;
  }

  static int on_data(nghttp2_session*, std::uint8_t, std::int32_t stream, const std::uint8_t* bytes,
                     std::size_t size, void* user) {
    auto& peer = self(user);
    peer.calls_[peer.open_.at(stream).call].body += text_of(bytes, size);
    return 0;
  }

  static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    auto& peer = self(user);
    if (frame->hd.type == NGHTTP2_PING && (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0) ++peer.pongs_;
    const auto open = peer.open_.find(frame->hd.stream_id);
    if (open == peer.open_.end()) return 0;
    const bool is_head = frame->hd.type == NGHTTP2_HEADERS;
    const bool is_whole =
        (is_head || frame->hd.type == NGHTTP2_DATA) && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    peer.calls_[open->second.call].is_whole |= is_whole;
    if (open->second.reply.early ? is_head : is_whole) peer.answer(frame->hd.stream_id);
    return 0;
  }

  static int on_close(nghttp2_session*, std::int32_t stream, std::uint32_t error, void* user) {
    auto& peer = self(user);
    const auto open = peer.open_.find(stream);
    if (open == peer.open_.end()) return 0;
    peer.calls_[open->second.call].closed_with = error;
    peer.open_.erase(open);
    return 0;
  }

  static ssize_t read(nghttp2_session* session, std::int32_t stream, std::uint8_t* buffer, std::size_t size,
                      std::uint32_t* flags, nghttp2_data_source*, void* user) {
    auto& open = self(user).open_.at(stream);
    const auto piece = std::string_view(open.reply.body).substr(open.sent, size);
    std::memcpy(buffer, piece.data(), piece.size());
    open.sent += piece.size();
    if (open.sent < open.reply.body.size()) return static_cast<ssize_t>(piece.size());
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (open.reply.trailers.empty()) return static_cast<ssize_t>(piece.size());
    *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    const auto trailers = pairs_of(open.reply.trailers);
    FR_ASSERT(nghttp2_submit_trailer(session, stream, trailers.data(), trailers.size()) == 0);
    return static_cast<ssize_t>(piece.size());
  }
};

TestGrpcPeer::Reply TestGrpcPeer::trailers_only(Fields more) {
  Reply reply;
  reply.head.insert(reply.head.end(), more.begin(), more.end());
  reply.body.clear();
  reply.trailers.clear();
  return reply;
}

TestGrpcPeer::TestGrpcPeer(std::deque<Reply> script, std::uint32_t window)
    : script_(std::move(script)), session_(nullptr, nghttp2_session_del) {
  nghttp2_session_callbacks* callbacks = nullptr;
  FR_ASSERT(nghttp2_session_callbacks_new(&callbacks) == 0);
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, Callbacks::on_begin);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, Callbacks::on_header);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, Callbacks::on_data);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, Callbacks::on_frame);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, Callbacks::on_close);
  nghttp2_session* session = nullptr;
  FR_ASSERT(nghttp2_session_server_new(&session, callbacks, this) == 0);
  nghttp2_session_callbacks_del(callbacks);
  session_.reset(session);
  const nghttp2_settings_entry setting{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, window};
  FR_ASSERT(nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, &setting, 1) == 0);
}

TestGrpcPeer::~TestGrpcPeer() = default;

bool TestGrpcPeer::take(std::string_view bytes) {
  return nghttp2_session_mem_recv(session_.get(), reinterpret_cast<const std::uint8_t*>(bytes.data()),
                                  bytes.size()) >= 0;
}

std::string TestGrpcPeer::output() {
  std::string out;
  const std::uint8_t* bytes = nullptr;
  for (;;) {
    const auto size = nghttp2_session_mem_send(session_.get(), &bytes);
    if (size <= 0) return out;
    out += text_of(bytes, static_cast<std::size_t>(size));
  }
}

void TestGrpcPeer::ping() { FR_ASSERT(nghttp2_submit_ping(session_.get(), NGHTTP2_FLAG_NONE, nullptr) == 0); }

void TestGrpcPeer::leave(std::int32_t last) {
  FR_ASSERT(nghttp2_submit_goaway(session_.get(), NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, nullptr, 0) ==
            0);
}

void TestGrpcPeer::answer(std::int32_t stream) {
  const auto& reply = open_.at(stream).reply;
  auto* const session = session_.get();
  if (reply.silent) return;
  if (reply.reset) {
    FR_ASSERT(nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, stream, *reply.reset) == 0);
    return;
  }
  const Fields early{{":status", "103"}};
  const auto early_hint = pairs_of(early);
  for (unsigned i = 0; i < reply.interim; ++i)
    FR_ASSERT(nghttp2_submit_headers(session, NGHTTP2_FLAG_NONE, stream, nullptr, early_hint.data(),
                                     early_hint.size(), nullptr) == 0);
  const auto head = pairs_of(reply.head);
  nghttp2_data_provider provider{};
  provider.read_callback = Callbacks::read;
  const bool is_head_only = reply.body.empty() && reply.trailers.empty();
  FR_ASSERT(nghttp2_submit_response(session, stream, head.data(), head.size(),
                                    is_head_only ? nullptr : &provider) == 0);
}

}  // namespace fluxrig::otlp
