// Hello and heartbeat of the racks. Heartbeats are taken on the bus's thread; a hello makes consumers and
// permissions, which blocks, so it waits in a bounded queue for this object's own thread, which also watches
// the streams' fill.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/diagnostics.hpp"
#include "mixer/api/api.hpp"
#include "mixer/nats_server.hpp"
#include "mixer/presence.hpp"
#include "mixer/rack_index.hpp"
#include "model/agent.hpp"
#include "snake/streams.hpp"

namespace fluxrig::mixer {

class Control {
 public:
  struct Parts {  // none owned, all outlive this
    snake::NatsBus& bus;
    snake::StreamAdmin& streams;  // this object's thread alone uses it from now on
    NatsServer* server;           // nullptr: another runs it, and its permissions are not ours to change
    const RackIndex& racks;
    Presence& presence;
    const Clock& clock;
    Diagnostics& diagnostics;
    std::function<void(const MachineId&)> welcomed;  // it waits for receipts and a lease
  };
  static constexpr std::size_t kMaxWaitingHellos = 256;

  [[nodiscard]] static Outcome<std::unique_ptr<Control>> start(Parts parts);
  ~Control();
  Control(const Control&) = delete;
  Control& operator=(const Control&) = delete;

  // No hello is answered, and nothing is called, after it returns. Called once, or by the destructor.
  void stop();
  [[nodiscard]] std::vector<StreamFill> fill() const;  // as last seen; any thread

 private:
  explicit Control(Parts parts) : parts_(std::move(parts)) {}
  void enqueue(snake::Delivery delivery);
  void heartbeat(const snake::Delivery& delivery);
  void run();
  void answer(const snake::Delivery& delivery);
  // Empty: welcome.
  [[nodiscard]] std::string welcome(const MachineId& machine, const model::Hello& hello);
  void look_at_streams();

  Parts parts_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<snake::Delivery> hellos_;
  std::vector<StreamFill> fill_;
  int looks_ = 0;
  bool stop_ = false;
  std::unique_ptr<snake::Subscription> hello_subscription_;
  std::unique_ptr<snake::Subscription> heartbeat_subscription_;
  std::thread thread_;
};

}  // namespace fluxrig::mixer
