// The gears of a rack and how they are joined. Built once at start, then fixed. One thread.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gear/gear.hpp"
#include "gear/settings.hpp"
#include "model/records.hpp"
#include "tap/gear_metrics.hpp"

namespace fluxrig::rack {

using StationIndex = std::uint16_t;

// One gear at its place.
struct Station {
  std::string name;
  std::unique_ptr<gear::Gear> gear;
  gear::Role role = gear::Role::kFilter;
  bool departs = false;  // what this gear is given leaves the rack
  model::SpanKind span_kind = model::SpanKind::kInternal;
  tap::NameId name_id;
  tap::NameId span_name;  // until the gear names its span itself: the type's name
  tap::GearMetrics* metrics = nullptr;
  std::vector<StationIndex> targets;          // by port; kNowhere where no wire leads on
  std::vector<StationIndex> codecs_upstream;  // that correlate, nearest first
};
inline constexpr StationIndex kNowhere = UINT16_MAX;

class Wiring {
 public:
  struct Part {
    std::string name;
    const gear::GearType& type;
    std::unique_ptr<gear::Gear> gear;
  };
  StationIndex add(Part part, tap::Names& names);
  void wire(StationIndex from, std::uint16_t port, StationIndex to);
  // After the last wire: finds the codecs upstream of each gear.
  void complete();

  [[nodiscard]] Station& at(StationIndex index) noexcept { return stations_[index]; }
  [[nodiscard]] const Station& at(StationIndex index) const noexcept { return stations_[index]; }
  [[nodiscard]] StationIndex index_of(
      const gear::Gear& gear) const noexcept;  // kNowhere when it is not one of ours
  [[nodiscard]] std::deque<Station>& stations() noexcept { return stations_; }
  // Of all gears (gear::Gear::spooled). Any thread after the start.
  [[nodiscard]] std::uint64_t spooled() const noexcept;
  [[nodiscard]] const std::deque<tap::GearMetrics>& metrics() const noexcept { return metrics_; }

 private:
  [[nodiscard]] StationIndex count() const noexcept { return static_cast<StationIndex>(stations_.size()); }
  void collect_codecs(StationIndex at, std::vector<bool>& seen, std::vector<StationIndex>& out) const;

  std::deque<Station> stations_;
  std::deque<tap::GearMetrics> metrics_;
};

}  // namespace fluxrig::rack
