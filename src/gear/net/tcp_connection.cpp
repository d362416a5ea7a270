#include "gear/net/tcp_connection.hpp"

#include "gear/net/tcp_server.hpp"
#include "gear/transaction.hpp"

namespace fluxrig::gear::net {

TcpConnection::TcpConnection(TcpServer& server, std::uint32_t id, std::string peer_address)
    : server_(server), id_(id), peer_address_(std::move(peer_address)) {}

void TcpConnection::start(const Accepted& accepted) {
  Link::Setup setup;
  setup.io = &server_.services_->io();
  setup.user = this;
  setup.tls = server_.tls_;
  setup.max_buffer = server_.options_.max_frame + 16;
  link_ = Link::accept(setup, accepted);
}

void TcpConnection::on_open(Link& link) { link.set_deadline(server_.options_.idle_timeout); }

std::size_t TcpConnection::on_bytes(Link& link, std::string_view bytes) {
  const auto keep = shared_from_this();
  const auto& options = server_.options_;
  std::size_t used = 0;
  if (!last_) link.set_deadline(options.idle_timeout);
  while (!last_ && link.open()) {
    if (waiting_.size() >= options.max_in_flight || link.unsent() > Link::kMuchOutput) {
      paused_ = true;
      link.pause_reading();
      return used;
    }
    const auto frame = next_frame(options.framing, bytes.substr(used), options.max_frame);
    if (frame.kind == Frame::Kind::kIncomplete) break;
    used += frame.used;
    if (frame.kind == Frame::Kind::kMessage) {
      begin(frame.payload, frame.used, std::nullopt);
    } else if (frame.kind == Frame::Kind::kPoll) {
      server_.services_->stray(server_, "an empty frame");
    } else {
      // Where the next frame begins is not known any more: answer, then close.
      last_ = true;
      begin({}, 0,
            frame.kind == Frame::Kind::kOversize
                ? Failure{FailureCode::kOversize, "the frame is over the limit"}
                : Failure{FailureCode::kMalformed, "the frame has no valid length"});
    }
  }
  partial_ = !last_ && used < bytes.size();
  return last_ ? bytes.size() : used;
}

void TcpConnection::begin(std::string_view payload, std::size_t wire_bytes, std::optional<Failure> refusal) {
  const auto number = waiting_.push({{}, false, refusal});
  Arrival arrival;
  arrival.name = server_.span_;
  arrival.bytes = wire_bytes;
  arrival.cookie = (std::uint64_t{id_} << 32) | number;
  Message message;
  message.payload.assign(payload);
  message.meta.append("client.address", peer_address_);
  const auto started = server_.services_->begin(server_, std::move(arrival), std::move(message));
  auto* still = waiting_.find(number);
  if (still == nullptr) return;  // answered already
  if (!started) return unanswered(number);
  still->ticket = *started;
  still->begun = true;
}

void TcpConnection::respond(std::uint32_t number, std::string_view payload) {
  const auto keep = shared_from_this();
  if (waiting_.find(number) == nullptr) return;
  if (!append_frame(server_.options_.framing, payload, link_->output())) {
    server_.services_->stray(server_, "a reply that the framing cannot carry");
    return unanswered(number);
  }
  link_->send();
  done(number);
}

void TcpConnection::unanswered(std::uint32_t number) {
  const auto keep = shared_from_this();
  if (waiting_.find(number) == nullptr) return;
  if (server_.options_.close_on_failure) last_ = true;
  done(number);
}

void TcpConnection::done(std::uint32_t number) {
  waiting_.finish(number);
  if (last_ && waiting_.empty()) return link_->close_after_writing();
  resume(*link_);
}

void TcpConnection::resume(Link& link) {
  if (!paused_ || waiting_.size() >= server_.options_.max_in_flight || link.unsent() > Link::kMuchOutput)
    return;
  paused_ = false;
  link.resume_reading();
}

void TcpConnection::drain() {
  // A frame that has begun is still taken; the connection closes when all is answered and it is silent.
  if (waiting_.empty() && !partial_) return link_->close_after_writing();
  last_ = last_ || !partial_;
}

void TcpConnection::on_deadline(Link& link) {
  const auto keep = shared_from_this();
  if (!waiting_.empty()) return link.set_deadline(server_.options_.idle_timeout);
  if (partial_) server_.services_->stray(server_, "a frame that did not end in time");
  last_ = true;
  link.close_after_writing();
}

void TcpConnection::on_closed(Link&, const Closed& closed) {
  const auto keep = shared_from_this();
  auto& services = *server_.services_;
  if (closed.reason == Closed::Reason::kTls) services.stray(server_, "the TLS handshake failed");
  if (closed.reason != Closed::Reason::kFinished && partial_)
    services.stray(server_, "the connection ended within a frame");
  waiting_.for_each([&](Waiting& waiting) {
    if (waiting.begun) services.abandon(waiting.ticket);
  });
  server_.forget(id_);
}

}  // namespace fluxrig::gear::net
