// One connection of tcp_client: keeps itself connected, and knows which requests wait for a reply on it. One
// thread. Owned by its TcpClient; let go by stop().
#pragma once

#include <chrono>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "gear/net/alarm.hpp"
#include "gear/net/link.hpp"
#include "gear/services.hpp"

namespace fluxrig::gear::net {

class TcpClient;

class TcpPeer final : public LinkUser {
 public:
  explicit TcpPeer(TcpClient& client);
  ~TcpPeer() override { stop(); }

  void connect();
  void stop() noexcept;

  [[nodiscard]] bool open() const noexcept { return link_ != nullptr && link_->open(); }
  [[nodiscard]] bool has_room() const noexcept;
  // Step::wait() when sent. `key` is empty unless replies are found by keys.
  [[nodiscard]] Step send(Ticket ticket, const std::string& key, std::string_view payload);

  void on_open(Link& link) override;
  std::size_t on_bytes(Link& link, std::string_view bytes) override;
  void on_deadline(Link& link) override;
  void on_closed(Link& link, const Closed& closed) override;

 private:
  using Time = Alarm::Time;
  struct Pending {
    Ticket ticket;
    std::string key;
    Time expires;
  };
  using Queue = std::list<Pending>;

  void on_reply(std::string_view payload);
  [[nodiscard]] Queue::iterator request_of(std::string_view payload);
  void expire();
  void disconnect(const char* reason);
  void fail_all(const char* reason);
  void reconnect_later();
  void touch(Link& link);

  TcpClient& client_;
  std::shared_ptr<Link> link_;
  Queue pending_;  // in order of sending, and so of expiry
  std::unordered_map<std::string, Queue::iterator> by_key_;
  Alarm retry_;
  Alarm timeout_;
  std::chrono::milliseconds backoff_;
  bool warned_ = false;  // one line for each loss, not one for each attempt
};

}  // namespace fluxrig::gear::net
