// The traces behind a histogram: for each gear the slowest and the latest duration since the last emission,
// with the ids that lead to their trace (OpenTelemetry data model, "exemplars", trace-based: only
// transactions whose spans are kept). One thread (the pump).
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "model/records.hpp"
#include "tap/names.hpp"

namespace fluxrig::tap {

class Exemplars {
 public:
  void see(NameId gear, const model::Exemplar& exemplar) {
    auto& of_gear = gears_[gear.value];
    if (!of_gear.any || exemplar.value > of_gear.slowest.value) of_gear.slowest = exemplar;
    of_gear.latest = exemplar;
    of_gear.any = true;
  }
  // Those of `gear`, which is then empty again.
  [[nodiscard]] std::vector<model::Exemplar> take(NameId gear) {
    const auto found = gears_.find(gear.value);
    if (found == gears_.end() || !found->second.any) return {};
    found->second.any = false;
    std::vector<model::Exemplar> out{found->second.slowest};
    if (found->second.latest != found->second.slowest) out.push_back(found->second.latest);
    return out;
  }

 private:
  struct OfGear {
    model::Exemplar slowest;
    model::Exemplar latest;
    bool any = false;
  };
  std::unordered_map<std::uint16_t, OfGear> gears_;  // at most one entry a gear
};

}  // namespace fluxrig::tap
