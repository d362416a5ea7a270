// A listening socket. Boost stays in the .cpp. One thread (the io thread).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "base/result.hpp"
#include "gear/net/link.hpp"
#include "gear/settings.hpp"

namespace fluxrig::gear::net {

class Listener {
 public:
  // `accept` gets each new connection and owns its socket; `trouble` the words when accepting fails (out of
  // file descriptors, ...): it is tried again a little later.
  using Accept = std::function<void(const Accepted&)>;
  using Trouble = std::function<void(const std::string&)>;

  Listener(boost::asio::io_context& io, Accept accept, Trouble trouble);
  ~Listener();  // neither is called afterwards

  // Port 0: any free one. The problem names the address, the cause and the next step.
  [[nodiscard]] Outcome<void> open(const Endpoint& endpoint);
  void close() noexcept;
  [[nodiscard]] std::uint16_t port() const noexcept;  // the bound one; 0 when closed

 private:
  struct State;
  std::shared_ptr<State> state_;  // shared with the operation in progress
};

}  // namespace fluxrig::gear::net
