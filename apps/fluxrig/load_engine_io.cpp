// The engine's connections: opening, losing, writing, reading.
#include <sys/epoll.h>

#include <algorithm>

#include "fluxrig/load_engine.hpp"

namespace fluxrig::client {

void LoadEngine::watch(Index index, bool write, bool added) {
  auto& connection = *connections_[index];
  epoll_event event{};
  event.events = EPOLLIN | (write ? EPOLLOUT : 0U);
  event.data.u64 = (std::uint64_t{connection.generation} << 32) | index;
  (void)::epoll_ctl(epoll_, added ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, connection.fd(), &event);
  connection.wants_write = write;
}

void LoadEngine::open(Index index) {
  auto& connection = *connections_[index];
  connection.changed_at = now_;
  const bool opened = connection.open(address_);
  ++connecting_;
  if (!opened) return lose(index, LoadError::kConnect);
  watch(index, true, false);
}

void LoadEngine::close(Index index) {
  auto& connection = *connections_[index];
  if (connection.state() != LoadConnection::State::kReady && connecting_ > 0) --connecting_;
  connection.close();
  connection.changed_at = now_;
}

void LoadEngine::lose(Index index, LoadError error) {
  auto& connection = *connections_[index];
  if (error == LoadError::kConnect) parts_.statistics.connect_failed();
  // With keys, a reply that never came says nothing of the others.
  if (error == LoadError::kTimeout && parts_.protocol.has_keys()) {
    auto& waiting = connection.waiting;
    while (!waiting.empty() && now_ - waiting.front().sent > plan_.timeout) {
      parts_.statistics.lost(error, now_ - waiting.front().due);
      waiting.erase(waiting.begin());
      --waiting_;
    }
    return offer(index);
  }
  for (const auto& request : connection.waiting) parts_.statistics.lost(error, now_ - request.due);
  waiting_ -= connection.waiting.size();
  connection.waiting.clear();
  close(index);
  connection.retry_delay = std::clamp(connection.retry_delay * 2, kFirstRetry, kLongestRetry);
}

void LoadEngine::flush(Index index) {
  auto& connection = *connections_[index];
  const auto flow = connection.flush();
  if (flow == LoadConnection::Flow::kBroken) return lose(index, LoadError::kClosed);
  const bool blocked = flow == LoadConnection::Flow::kBlocked;
  if (blocked != connection.wants_write) watch(index, blocked, true);
}

void LoadEngine::handle(std::uint64_t tag, std::uint32_t events) {
  const auto index = static_cast<Index>(tag & 0xffff'ffffU);
  auto& connection = *connections_[index];
  // An event of a socket that was closed while this batch was worked on.
  if (connection.generation != static_cast<std::uint32_t>(tag >> 32)) return;
  if (connection.state() == LoadConnection::State::kClosed) return;
  if (connection.state() == LoadConnection::State::kConnecting) {
    if ((events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) == 0) return;
    if (!connection.finish_open()) return lose(index, LoadError::kConnect);
    --connecting_;
    watch(index, false, true);
    return offer(index);
  }
  if ((events & EPOLLOUT) != 0) flush(index);
  if ((events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0) read(index);
}

void LoadEngine::read(Index index) {
  auto& connection = *connections_[index];
  if (connection.state() != LoadConnection::State::kReady) return;
  const auto flow = connection.receive();
  if (flow == LoadConnection::Flow::kBlocked) return;
  if (flow == LoadConnection::Flow::kBroken) return lose(index, LoadError::kClosed);
  for (;;) {
    const auto reply = parts_.protocol.parse(connection.input());
    if (reply.kind == LoadReply::Kind::kIncomplete) break;
    if (reply.kind == LoadReply::Kind::kBroken) return lose(index, LoadError::kProtocol);
    if (reply.kind == LoadReply::Kind::kReply && !take_reply(index, reply)) return;
    connection.consume(reply.used);
  }
  offer(index);
}

// False: the connection is closed.
bool LoadEngine::take_reply(Index index, const LoadReply& reply) {
  auto& connection = *connections_[index];
  auto& waiting = connection.waiting;
  auto request = waiting.begin();
  if (parts_.protocol.has_keys())
    request = std::find_if(waiting.begin(), waiting.end(),
                           [&](const WaitingRequest& candidate) { return candidate.key == reply.key; });
  if (request == waiting.end()) {
    parts_.statistics.stray();
    if (parts_.protocol.has_keys()) return true;
    // Bytes that nobody asked for: what follows cannot be told apart any more.
    lose(index, LoadError::kProtocol);
    return false;
  }
  parts_.statistics.answered(now_ - request->due, reply.status, reply.success);
  if (parts_.ledger != nullptr)
    parts_.ledger->append(
        {reply.flux_id, reply.status, request->trace_id, parts_.clock.now(), now_ - request->due});
  waiting.erase(request);
  --waiting_;
  connection.retry_delay = 0;
  if (!reply.last) return true;
  lose(index, LoadError::kClosed);  // counts the pipelined ones, of which HTTP has none
  connection.retry_delay = 0;
  return false;
}

}  // namespace fluxrig::client
