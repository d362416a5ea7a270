#include "rack/metric_page.hpp"

#include <algorithm>

namespace fluxrig::rack {
namespace {

bool before(const otlp::RackPoint& a, const otlp::RackPoint& b) { return a.point.name < b.point.name; }

bool is_series(const model::MetricPoint& a, const model::MetricPoint& b) {
  return a.name == b.name && a.gear == b.gear && a.attributes == b.attributes;
}

// Series come in the same order each time, and now and then one more: the search begins where the last ended.
void carry(const MetricPage::Points& last, MetricPage::Points& next) {
  auto from = last.begin();
  for (auto& [rack, machine_id, point] : next) {
    const auto same = [&one = point](const otlp::RackPoint& old) { return is_series(old.point, one); };
    auto found = std::find_if(from, last.end(), same);
    if (found == last.end()) {
      found = std::find_if(last.begin(), from, same);
      if (found == from) continue;  // a new one
    }
    otlp::carry_exemplars(found->point, point);
    from = found + 1;
  }
}

}  // namespace

MetricPage::MetricPage(std::string rack, const MachineId& machine_id)
    : rack_(std::move(rack)), machine_id_(machine_id), shown_(std::make_shared<const Points>()) {}

void MetricPage::take(const sanitize::CleanRecord& point) {
  if (const auto* one = std::get_if<model::MetricPoint>(&point.value()))
    taken_.push_back({rack_, machine_id_, *one});
}

void MetricPage::turn() {
  // Gears come one after the other, each with all its metrics.
  std::stable_sort(taken_.begin(), taken_.end(), before);
  carry(*shown_, taken_);  // only this thread changes it
  auto next = std::make_shared<const Points>(std::exchange(taken_, {}));
  const std::lock_guard lock(mutex_);
  shown_.swap(next);
}

std::shared_ptr<const MetricPage::Points> MetricPage::shown() const {
  const std::lock_guard lock(mutex_);
  return shown_;
}

}  // namespace fluxrig::rack
