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
#include "base/diagnostics.hpp"
#include "model/agent.hpp"
#include "sink/sink.hpp"

namespace fluxrig::mixer {

class Presence {
 public:
  static constexpr std::int64_t kRememberInterval = 10 * kNanosPerSecond;
  // Until the store takes them; more say nothing new.
  static constexpr std::size_t kMostOldCopies = 1024;
  // Three missed heartbeats.
  static constexpr std::int64_t kAbsentAfter = 15 * kNanosPerSecond;

  // The epochs that the store remembers of the racks; before anything is heard of them.
  void recall(sink::Queries& queries, Diagnostics& diagnostics);
  // `before`: the epoch of the rack's start before, as it says.
  // `resource`: what it says of its host and process.
  void hello(sink::RackPresence presence, std::optional<Epoch> before = std::nullopt,
             std::vector<model::Attribute> resource = {});
  // What a start of a rack said of itself in its hello to this mixer.
  struct RackResource {
    std::string version;
    std::vector<model::Attribute> attributes;
  };
  // nullopt: it has not, or another start has since.
  [[nodiscard]] std::optional<RackResource> resource_of(const MachineId& machine, Epoch epoch) const;
  // `rack` is the name from the index, for a heartbeat that comes before any hello (the mixer was restarted).
  void heartbeat(const MachineId& machine, const std::string& rack, model::Heartbeat heartbeat,
                 UnixNanos now);
  // Those that changed and were not handed out within the interval.
  [[nodiscard]] std::vector<sink::RackPresence> take_due(UnixNanos now);
  [[nodiscard]] std::vector<sink::RackPresence> all() const;
  // A rack whose directory does not know of a start that said hello: it was lost, or an older copy came back.
  struct OldCopy {
    MachineId machine_id;
    std::string rack;
    Epoch epoch;
    Epoch before;  // as it says; 0: none
    Epoch known;   // that said hello since
  };
  // Handed out once; give those back that could not be stored.
  [[nodiscard]] std::vector<OldCopy> take_old_copies();
  void give_back(std::vector<OldCopy> copies);
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
    std::vector<model::Attribute> resource;
    UnixNanos remembered;
    UnixNanos since;  // it has been heard of without interruption, and held nothing back
    bool changed = false;
    bool urgent = false;  // a hello: the next call hands it out
  };
  mutable std::mutex mutex_;
  std::map<MachineId, Entry> racks_;
  std::map<MachineId, Epoch> epochs_;  // said last
  std::vector<OldCopy> old_copies_;    // at most kMostOldCopies
};

}  // namespace fluxrig::mixer
