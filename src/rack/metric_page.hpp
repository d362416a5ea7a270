// The rack's own metrics as they were last emitted, for those who pull them from the rack itself. Points are
// taken on the pump's thread; what is shown may be asked for on any.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "otlp/open_metrics.hpp"
#include "sanitize/clean_record.hpp"

namespace fluxrig::rack {

class MetricPage {
 public:
  using Points = std::vector<otlp::RackPoint>;

  MetricPage(std::string rack, const MachineId& machine_id);

  // A point of the emission that is under way; other records are none.
  void take(const sanitize::CleanRecord& point);
  // The emission is complete: shown from now on, points of one name beside each other, and with the exemplars
  // of the emissions before (otlp::carry_exemplars).
  void turn();
  // Never null; empty until the first emission.
  [[nodiscard]] std::shared_ptr<const Points> shown() const;

 private:
  const std::string rack_;
  const MachineId machine_id_;
  Points taken_;  // the pump's

  mutable std::mutex mutex_;
  std::shared_ptr<const Points> shown_;  // shared with whoever renders it while the next one is turned to
};

}  // namespace fluxrig::rack
