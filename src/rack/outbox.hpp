// What telemetry has on the wire: pieces handed to the bus inside one adaptive window
// (pressure::TunnelWindow) over all their lanes, and what became of each. P0 does not pass here: it is live
// at once, and this window leaves the link to it. One thread (the link's); callbacks of the bus leave their
// word in what they share with it, which may outlive it.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.hpp"
#include "pressure/tunnel_sensor.hpp"
#include "pressure/tunnel_window.hpp"
#include "rack/timed_bus.hpp"
#include "snake/bus.hpp"

namespace fluxrig::rack {

enum class Flow : std::uint8_t { kLiveAudit, kBacklogAudit, kLiveTelemetry, kBacklogTelemetry };
inline constexpr std::size_t kFlows = 4;

class Outbox {
 public:
  // Any thread: something happened that the link should look at.
  using Wake = std::function<void()>;
  // Called by settle(): the stream has the piece, or it does not.
  using Done = std::function<void(bool taken)>;
  struct Piece {
    Flow flow = Flow::kLiveAudit;
    std::string subject;
    sanitize::CleanBytes payload;
    Done done;
  };

  // `clock` outlives the bus. `others`: messages of other lanes, which met the same queue; looked at in
  // settle(); may be null.
  Outbox(snake::Bus& bus, const Clock& clock, Wake wake, std::shared_ptr<DelayLog> others = nullptr);
  ~Outbox();
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;

  // How large the next piece should be.
  [[nodiscard]] std::size_t chunk_bytes() const noexcept;
  // False: not now. The next outcome, or the time next_send() names, wakes the link.
  [[nodiscard]] bool has_room(std::size_t bytes);
  // False: the bus did not take it; `done` is dropped, and nothing is in flight.
  [[nodiscard]] bool send(Piece piece);
  // The words that came since the last call, in their order.
  void settle();
  // The connection is gone, and the next one may take another path.
  void disconnected();
  // The end: nobody waits for what is in flight any more, and `done` hears that it was not taken.
  void abandon();

  [[nodiscard]] bool empty() const noexcept { return in_flight_.empty(); }
  [[nodiscard]] std::size_t in_flight(Flow flow) const noexcept {
    return counts_[static_cast<std::size_t>(flow)];
  }
  // When pacing lets the next piece go; nullopt: nothing waits for that.
  [[nodiscard]] std::optional<MonotonicNanos> next_send() const noexcept { return paced_until_; }
  // When to look again because of what did not go, at the latest: on a narrow link the turn of the next
  // piece, or soon for an outcome. nullopt: any time will do.
  [[nodiscard]] std::optional<MonotonicNanos> look_again() const noexcept { return look_again_; }
  [[nodiscard]] const pressure::TunnelWindow& window() const noexcept { return window_; }
  // How the tunnel does by what it acknowledges.
  [[nodiscard]] pressure::TunnelReading reading() const { return sensor_.read(clock_.monotonic()); }
  // When the reading may change by time alone; nullopt: not while nothing is sent.
  [[nodiscard]] std::optional<MonotonicNanos> next_reading() const;

 private:
  struct Shared;
  struct InFlight {
    Flow flow;
    pressure::TunnelWindow::Ticket ticket;
    Done done;
  };
  // The stream's word on a piece.
  enum class Word : std::uint8_t {
    kTaken,
    kRefused,   // full, or not permitted
    kNoAnswer,  // in time
    kLost,      // with the connection
  };
  [[nodiscard]] static Word word_of(const Result<snake::PublishReceipt>& receipt) noexcept;
  void note(const InFlight& one, Word word, MonotonicNanos at);

  snake::Bus& bus_;
  const Clock& clock_;
  pressure::TunnelWindow window_;
  pressure::TunnelSensor sensor_{{}};
  std::shared_ptr<Shared> shared_;
  std::shared_ptr<DelayLog> others_;
  std::unordered_map<std::uint64_t, InFlight> in_flight_;
  std::array<std::size_t, kFlows> counts_{};
  std::uint64_t next_id_ = 1;
  std::optional<MonotonicNanos> paced_until_, look_again_;
};

}  // namespace fluxrig::rack
