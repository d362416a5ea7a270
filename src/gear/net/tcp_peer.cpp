#include "gear/net/tcp_peer.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "gear/net/tcp_client.hpp"
#include "gear/transaction.hpp"

namespace fluxrig::gear::net {

TcpPeer::TcpPeer(TcpClient& client)
    : client_(client),
      retry_(client.services_->io(), [this] { connect(); }),
      timeout_(client.services_->io(), [this] { expire(); }),
      backoff_(client.options_.reconnect_min) {}

void TcpPeer::connect() {
  const auto& options = client_.options_;
  Link::Setup setup;
  setup.io = &client_.services_->io();
  setup.user = this;
  setup.tls = client_.tls_;
  setup.max_buffer = options.max_frame + 16;
  link_ = Link::connect(setup, {options.connect.host, options.connect.port, options.connect_timeout});
}

void TcpPeer::stop() noexcept {
  if (link_) link_->close();
  link_.reset();
  retry_.clear();
  timeout_.clear();
  pending_.clear();
  by_key_.clear();
}

bool TcpPeer::has_room() const noexcept {
  return pending_.size() < client_.options_.max_in_flight && link_->unsent() <= Link::kMuchOutput;
}

Step TcpPeer::send(Ticket ticket, const std::string& key, std::string_view payload) {
  if (client_.correlates_ && by_key_.contains(key))
    return Step::fail(FailureCode::kRejected, "another request with the same keys is waiting");
  if (!append_frame(client_.options_.framing, payload, link_->output()))
    return Step::fail(FailureCode::kOversize, "the framing cannot carry the request");
  const auto expires = std::chrono::steady_clock::now() + client_.options_.reply_timeout;
  pending_.push_back({ticket, key, expires});
  if (client_.correlates_) by_key_.emplace(key, std::prev(pending_.end()));
  if (pending_.size() == 1) timeout_.set_at(expires);
  link_->send();
  return Step::wait();
}

void TcpPeer::on_open(Link& link) {
  backoff_ = client_.options_.reconnect_min;
  warned_ = false;
  touch(link);
  client_.services_->diagnostics().info("gear.tcp_client", "connected",
                                        {{"gear", std::string(client_.services_->name_of(client_))}});
}

void TcpPeer::touch(Link& link) {
  if (client_.options_.idle_timeout.count() > 0) link.set_deadline(client_.options_.idle_timeout);
}

std::size_t TcpPeer::on_bytes(Link& link, std::string_view bytes) {
  const auto keep = link_;
  touch(link);
  std::size_t used = 0;
  while (link.open()) {
    const auto frame = next_frame(client_.options_.framing, bytes.substr(used), client_.options_.max_frame);
    if (frame.kind == Frame::Kind::kIncomplete) break;
    used += frame.used;
    if (frame.kind == Frame::Kind::kMessage) {
      on_reply(frame.payload);
    } else if (frame.kind == Frame::Kind::kPoll) {
      client_.services_->stray(client_, "an empty frame");
    } else {
      client_.services_->stray(client_, "a frame that breaks the framing or its limit");
      disconnect("the peer broke the framing");
    }
  }
  return used;
}

TcpPeer::Queue::iterator TcpPeer::request_of(std::string_view payload) {
  if (!client_.correlates_) return pending_.begin();
  for (const auto& key : client_.services_->correlation_keys(client_, payload)) {
    const auto found = by_key_.find(key);
    if (found != by_key_.end()) return found->second;
  }
  return pending_.end();
}

void TcpPeer::on_reply(std::string_view payload) {
  const auto request = request_of(payload);
  if (request == pending_.end())
    return client_.services_->stray(client_, "a message that no request waits for");
  const auto ticket = request->ticket;
  if (client_.correlates_) by_key_.erase(request->key);
  pending_.erase(request);
  if (pending_.empty()) timeout_.clear();
  Message message;
  message.payload.assign(payload);
  client_.services_->resume(ticket, Step::reply(), std::move(message));
}

void TcpPeer::expire() {
  const auto now = std::chrono::steady_clock::now();
  Queue late;
  while (!pending_.empty() && pending_.front().expires <= now) {
    if (client_.correlates_) by_key_.erase(pending_.front().key);
    late.splice(late.end(), pending_, pending_.begin());
  }
  if (!pending_.empty()) timeout_.set_at(pending_.front().expires);
  const auto failure = Step::fail(FailureCode::kTimeout, "no reply in time");
  for (const auto& request : late) client_.services_->resume(request.ticket, failure, {});
  // Without keys the late reply would be taken for that of the next request: only a new connection is sure.
  if (!late.empty() && !client_.correlates_)
    disconnect("the connection was reset after a reply that did not come");
}

void TcpPeer::on_deadline(Link& link) {
  if (!pending_.empty()) return touch(link);
  disconnect("the connection was idle");
}

void TcpPeer::disconnect(const char* reason) {
  if (!link_) return;
  link_->close();
  link_.reset();
  fail_all(reason);
  reconnect_later();
}

void TcpPeer::on_closed(Link&, const Closed& closed) {
  if (!warned_) {
    warned_ = true;
    const auto& to = client_.options_.connect;
    client_.services_->diagnostics().warn("gear.tcp_client", "not connected; trying again until it works",
                                          {{"gear", std::string(client_.services_->name_of(client_))},
                                           {"address", fmt::format("{}:{}", to.host, to.port)},
                                           {"cause", closed.message}});
  }
  link_.reset();
  fail_all("the connection was lost before the reply");
  reconnect_later();
}

// Not sent again: the peer may have acted on them.
void TcpPeer::fail_all(const char* reason) {
  by_key_.clear();
  timeout_.clear();
  const auto lost = std::exchange(pending_, {});
  for (const auto& request : lost)
    client_.services_->resume(request.ticket, Step::fail(FailureCode::kUnavailable, reason), {});
}

void TcpPeer::reconnect_later() {
  // Half of the time is random: racks that lost the same peer do not come back at the same moment.
  const auto half = backoff_.count() / 2;
  const auto jitter = client_.services_->random().below(static_cast<std::uint64_t>(half) + 1);
  retry_.set(std::chrono::milliseconds(backoff_.count() - half + static_cast<std::int64_t>(jitter)));
  backoff_ = std::min(backoff_ * 2, client_.options_.reconnect_max);
}

}  // namespace fluxrig::gear::net
