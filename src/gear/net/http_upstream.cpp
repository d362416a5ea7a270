#include "gear/net/http_upstream.hpp"

#include "gear/transaction.hpp"

namespace fluxrig::gear::net {

void HttpUpstream::send(HttpCall call) {
  call_ = std::move(call);
  reader_.next(call_->head ? HttpReplyReader::Body::kNone : HttpReplyReader::Body::kExpected);
  reused_ = connected();
  if (reused_) return write();
  connect();
}

void HttpUpstream::connect() {
  drop();
  const auto& options = client_.options_;
  Link::Setup setup;
  setup.io = &client_.services_->io();
  setup.user = this;
  setup.tls = client_.tls_;
  link_ = Link::connect(setup, {options.url.host, options.url.port, options.connect_timeout});
}

void HttpUpstream::drop() noexcept {
  if (link_) link_->close();
  link_.reset();
}

void HttpUpstream::stop() noexcept {
  drop();
  call_.reset();
}

void HttpUpstream::on_open(Link&) {
  if (call_) write();
}

void HttpUpstream::write() {
  const auto left = call_->expires - std::chrono::steady_clock::now();
  link_->set_deadline(std::chrono::ceil<std::chrono::milliseconds>(left));
  // A copy: the request may have to be sent again.
  link_->output().append(call_->bytes);
  link_->send();
}

std::size_t HttpUpstream::on_bytes(Link& link, std::string_view bytes) {
  const auto keep = link.shared_from_this();
  if (!call_) {
    // Nobody asked: the next answer could not be told from this.
    client_.services_->stray(client_, "bytes on a connection that waits for nothing");
    drop();
    return bytes.size();
  }
  const auto used = reader_.read(bytes);
  if (reader_.state() == HttpReplyReader::State::kDone) {
    if (!reader_.keep_alive() || used < bytes.size()) drop();
    answered();
    return bytes.size();
  }
  if (reader_.state() == HttpReplyReader::State::kBad) {
    drop();
    failed({FailureCode::kUnavailable, "the upstream's response is not usable HTTP"});
    return bytes.size();
  }
  return used;
}

void HttpUpstream::answered() {
  const auto call = *std::exchange(call_, std::nullopt);
  if (link_) link_->set_deadline(client_.options_.idle_timeout);
  auto& reply = reader_.reply();
  Message message;
  message.payload = std::move(reply.body);
  message.meta.append("http.response.status_code", std::to_string(reply.status));
  if (!reply.content_type.empty()) message.meta.append("content-type", std::move(reply.content_type));
  if (auto* transaction = client_.services_->find(call.ticket)) {
    transaction->count_bytes(message.payload.size(), 0);
    client_.describe_answer(*transaction, reply.status);
  }
  client_.services_->resume(call.ticket, Step::reply(), std::move(message));
  client_.free(*this);
}

void HttpUpstream::failed(Failure failure) {
  const auto call = *std::exchange(call_, std::nullopt);
  client_.services_->resume(call.ticket, Step::fail(failure), {});
  client_.free(*this);
}

void HttpUpstream::on_deadline(Link&) {
  drop();
  if (call_) failed({FailureCode::kTimeout, "no response in time"});
}

void HttpUpstream::on_closed(Link&, const Closed& closed) {
  link_.reset();
  if (!call_) return;
  if (closed.reason == Closed::Reason::kConnect)
    return failed({FailureCode::kUnavailable, "cannot connect to the upstream"});
  if (closed.reason == Closed::Reason::kTls)
    return failed({FailureCode::kUnavailable, "the TLS handshake with the upstream failed"});
  if (reused_ && !reader_.begun() && call_->may_retry) {
    call_->may_retry = false;
    reused_ = false;
    return connect();
  }
  if (closed.reason == Closed::Reason::kPeer) reader_.end();
  if (reader_.state() == HttpReplyReader::State::kDone) return answered();
  failed({FailureCode::kUnavailable, "the connection was lost before the response"});
}

}  // namespace fluxrig::gear::net
