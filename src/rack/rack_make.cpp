// The parts of a rack that run: its wiring, the pump and the link, put together from what the start opened.
#include <algorithm>
#include <boost/asio/post.hpp>

#include "otlp/process_resource.hpp"
#include "rack/rack_parts.hpp"
#include "rack/version.hpp"

namespace fluxrig::rack {

Wiring Rack::make_wiring() {
  Wiring wiring;
  for (const auto& entry : scenario_.gears)
    wiring.add({entry.name, *entry.type, entry.type->make(entry.settings)}, *names_);
  for (const auto& wire : scenario_.wires)
    wiring.wire(static_cast<StationIndex>(wire.from), wire.port, static_cast<StationIndex>(wire.to));
  return wiring;
}

void Rack::make_pump() {
  const tap::Sampling sampling{scenario_.telemetry.sampling.ratio,
                               scenario_.telemetry.sampling.slow.count() * kNanosPerMilli};
  tap::AuditOutput& audit = export_tap_ ? static_cast<tap::AuditOutput&>(*export_tap_) : *audit_;
  tap::TelemetryOutput& telemetry =
      export_tap_ ? static_cast<tap::TelemetryOutput&>(*export_tap_) : telemetry_;
  pump_ = std::make_unique<tap::Pump>(
      tap::Pump::Parts{ring_, events_, tap::Assembler(*names_, *sanitizer_, ticks_), ticks_, audit, telemetry,
                       clock_},
      sampling);
  if (scenario_.monitor) {
    metric_page_ = std::make_unique<MetricPage>(scenario_.rack, identity_.machine_id);
    pump_->show_points_to([this](const sanitize::CleanRecord& point) { metric_page_->take(point); });
  }
  pump_thread_ = std::make_unique<PumpThread>(
      PumpThread::Parts{*pump_, ticks_, *audit_, pump_bell_, admission_, clock_, diagnostics_,
                        scenario_.telemetry.audit.durability, scenario_.telemetry.audit.interval,
                        scenario_.telemetry.metrics_interval,
                        [this](tap::RingPosition position) { runtime_->publish_durable(position); },
                        [this] {
                          if (link_) link_->work_arrived();
                        },
                        [this](tap::Pump& pump) { emit_metrics(pump); },
                        [this](lane::TelemetryLedger::Occasion occasion) { return state_ledger(occasion); },
                        scenario_.telemetry.audit.on_full == OnFull::kRefuse});
}

void Rack::make_link() {
  link_ = std::make_unique<Link>(Link::Parts{
      *bus_,
      clock_,
      link_random_,
      diagnostics_,
      identity_.machine_id,
      model::Hello{scenario_.rack, std::string(kVersion), audit_->writer().epoch(), runtime_->consumers(),
                   started_, audit_->writer().recovered().before, otlp::process_attributes()},
      disk_,
      audit_->writer().directory(),
      audit_->writer().durable(),
      std::move(stored_receipts_),
      telemetry_,
      backlog_.get(),
      [this](const model::Receipt& receipt) {
        audit_->deliver_receipt(receipt);
        pump_bell_.ring();
      },
      [this] { return status_json(); },
      [this] { link_bell_.ring(); },
      connection_changed_,
      [this] { return audit_->live_position(); },
      [this](std::string_view file) {
        audit_->deliver_damage(file);
        pump_bell_.ring();
      },
      [this] {
        audit_->begin_segment();
        pump_bell_.ring();
      },
      [this](const pressure::Transition& transition) { on_transition(transition); },
      [this](std::size_t bytes) {
        const std::size_t records = bytes - std::min(bytes, model::kMaxBlockHeadBytes);
        pump_->set_batch_bytes(records);
        telemetry_.set_batch_bytes(records);
      },
      business_,
      [this] { command_desk_->turn(); },
      [this] { return admission_.audit_blocked.load(std::memory_order_relaxed); },
      [this] { return runtime_->wiring().spooled(); }});
  command_desk_ = std::make_unique<CommandDesk>(
      CommandDesk::Parts{*bus_, clock_, diagnostics_, identity_.machine_id,
                         [this](std::optional<pressure::Forced> forced) { return link_->force(forced); },
                         [this](model::Log log) {
                           const bool taken = events_.offer(std::move(log));
                           if (taken) pump_bell_.ring();
                           return taken;
                         },
                         [this] { link_->work_arrived(); },
                         [this](std::uint64_t duration_ms) {
                           auto set = glass_->set(duration_ms);
                           boost::asio::post(io_, [this] { watch_glass(); });
                           return set;
                         }});
  link_thread_ = std::make_unique<LinkThread>(*link_, link_bell_, clock_);
}

}  // namespace fluxrig::rack
