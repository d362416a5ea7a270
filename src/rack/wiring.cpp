#include "rack/wiring.hpp"

#include <algorithm>
#include <numeric>

#include "base/assert.hpp"

namespace fluxrig::rack {
namespace {

model::SpanKind span_kind(const gear::GearType& type) noexcept {
  if (type.name == "bus_out") return model::SpanKind::kProducer;
  if (type.name == "bus_in") return model::SpanKind::kConsumer;
  switch (type.role) {
    case gear::Role::kIngress:
      return model::SpanKind::kServer;
    case gear::Role::kEgress:
      return model::SpanKind::kClient;
    case gear::Role::kFilter:
      return model::SpanKind::kInternal;
  }
  return model::SpanKind::kInternal;
}

}  // namespace

StationIndex Wiring::add(Part part, tap::Names& names) {
  auto& metrics = metrics_.emplace_back();
  metrics.gear = names.name(part.name);
  Station station;
  station.name = std::move(part.name);
  station.gear = std::move(part.gear);
  station.role = part.type.role;
  station.departs = part.type.role == gear::Role::kEgress && !part.type.answers_itself;
  station.span_kind = span_kind(part.type);
  station.name_id = metrics.gear;
  station.span_name = names.name(part.type.name);
  station.metrics = &metrics;
  FR_ASSERT(stations_.size() < kNowhere);
  stations_.push_back(std::move(station));
  return static_cast<StationIndex>(stations_.size() - 1);
}

void Wiring::wire(StationIndex from, std::uint16_t port, StationIndex to) {
  auto& targets = at(from).targets;
  if (targets.size() <= port) targets.resize(port + 1U, kNowhere);
  targets[port] = to;
}

void Wiring::complete() {
  for (StationIndex i = 0; i < count(); ++i) {
    std::vector<bool> seen(stations_.size(), false);
    collect_codecs(i, seen, stations_[i].codecs_upstream);
  }
}

// Breadth first against the direction of the wires, so that the nearest come first.
void Wiring::collect_codecs(StationIndex start, std::vector<bool>& seen,
                            std::vector<StationIndex>& out) const {
  std::vector<StationIndex> front{start};
  seen[start] = true;
  while (!front.empty()) {
    std::vector<StationIndex> next;
    for (StationIndex i = 0; i < count(); ++i) {
      const auto& targets = stations_[i].targets;
      const bool leads_here = std::any_of(front.begin(), front.end(), [&](StationIndex to) {
        return std::find(targets.begin(), targets.end(), to) != targets.end();
      });
      if (!leads_here || seen[i]) continue;
      seen[i] = true;
      next.push_back(i);
      if (stations_[i].gear->correlates()) out.push_back(i);
    }
    front = std::move(next);
  }
}

std::uint64_t Wiring::spooled() const noexcept {
  return std::accumulate(stations_.begin(), stations_.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const Station& one) { return sum + one.gear->spooled(); });
}

StationIndex Wiring::index_of(const gear::Gear& gear) const noexcept {
  for (StationIndex i = 0; i < count(); ++i)
    if (stations_[i].gear.get() == &gear) return i;
  return kNowhere;
}

}  // namespace fluxrig::rack
