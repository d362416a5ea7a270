// Which racks are there: what hello and heartbeat said last. Written by bus threads, read by the API, and
// handed to the sink by the ingest thread at most every kRememberInterval a rack. Any thread. Bounded by the
// index: only racks with a certificate are let in.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "model/agent.hpp"
#include "sink/sink.hpp"

namespace fluxrig::mixer {

class Presence {
 public:
  static constexpr std::int64_t kRememberInterval = 10 * kNanosPerSecond;
  // Three missed heartbeats.
  static constexpr std::int64_t kAbsentAfter = 15 * kNanosPerSecond;

  void hello(sink::RackPresence presence);
  // `rack` is the name from the index, for a heartbeat that comes before any hello (the mixer was restarted).
  void heartbeat(const MachineId& machine, const std::string& rack, model::Heartbeat heartbeat,
                 UnixNanos now);
  // Those that changed and were not handed out within the interval.
  [[nodiscard]] std::vector<sink::RackPresence> take_due(UnixNanos now);
  [[nodiscard]] std::vector<sink::RackPresence> all() const;
  // What the rack's last heartbeat said of its state; nullopt: none has, or an older rack's.
  [[nodiscard]] std::optional<model::RackPressure> pressure_of(const MachineId& machine) const;
  struct Present {
    MachineId machine_id;
    std::optional<model::RackPressure> pressure;
  };
  // Those that are here.
  [[nodiscard]] std::vector<Present> present(UnixNanos now) const;
  // Since when the rack has been here without interruption, and without anything that it holds back: what it
  // keeps in DIVERT, or sends later in REPLAY, is late and not missing. nullopt: it is absent.
  [[nodiscard]] std::optional<UnixNanos> present_since(const MachineId& machine, UnixNanos now) const;

 private:
  struct Entry {
    void heard(UnixNanos now) {
      if (since.value == 0 || !is_here(now)) since = now;
    }
    [[nodiscard]] bool holds_back() const {
      return pressure && (pressure->state != model::PressureState::kNormal || pressure->backlog_bytes != 0);
    }
    [[nodiscard]] bool is_here(UnixNanos now) const {
      return now.value - presence.last_seen.value <= kAbsentAfter;
    }
    sink::RackPresence presence;
    std::optional<model::RackPressure> pressure;
    UnixNanos remembered;
    UnixNanos since;  // it has been heard of without interruption, and held nothing back
    bool changed = false;
    bool urgent = false;  // a hello: the next call hands it out
  };
  mutable std::mutex mutex_;
  std::map<MachineId, Entry> racks_;
};

}  // namespace fluxrig::mixer
