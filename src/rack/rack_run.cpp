// A rack while it runs: signals, reload, drain, what it tells of itself.
#include <fmt/format.h>

#include <algorithm>
#include <csignal>

#include "rack/footprint.hpp"
#include "rack/io_loop.hpp"
#include "rack/rack_parts.hpp"
#include "rack/reload.hpp"
#include "rack/startup_memory.hpp"

namespace fluxrig::rack {

void Rack::run() {
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) signals_.add(signal);
  await_signal();
  diagnostics_.info("rack", fmt::format("rack '{}' is ready", scenario_.rack),
                    {{"machine_id", to_string(identity_.machine_id)}});
  trim_timer_.expires_after(kTrimAfter);
  // On a thread of its own: reading what is mapped takes milliseconds.
  trim_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) trimmer_ = std::thread([] { (void)release_startup_memory(); });
  });
  IoLoop(io_, clock_, [this] { return runtime_->awaiting_disk(); }).run();
  // The io thread is done: what remains is to bring the records home. Who asks meanwhile is refused.
  monitor_.reset();
  const bool has_link = link_thread_ != nullptr;
  event("fluxrig.rack.stopped", fmt::format("rack {} stopped", scenario_.rack));
  pump_thread_->stop();
  const bool settled = has_link && link_thread_->stop(kShipPatience);
  if (has_link && !settled)
    diagnostics_.warn("rack",
                      "not everything has reached the mixer yet; the rest is sent after the next start");
  if (export_tap_) export_tap_->flush();
  export_.reset();  // flushes; the pump, which would hand over more, has stopped
  diagnostics_.info("rack", fmt::format("rack '{}' has stopped", scenario_.rack));
}

Outcome<void> Rack::start_monitor() {
  if (!scenario_.monitor) return {};
  monitor_ = std::make_unique<Monitor>(
      Monitor::Parts{io_, *metric_page_, diagnostics_, [this] { return why_not_ready(); }});
  return monitor_->open(scenario_.monitor->listen);
}

// Gears that could not start, or a log that could not be opened, have ended the rack before anybody asks.
std::string Rack::why_not_ready() const {
  if (admission_.draining.load(std::memory_order_relaxed)) return "the rack is stopping";
  if (admission_.audit_blocked.load(std::memory_order_relaxed)) return "the audit log cannot be written";
  return {};
}

void Rack::await_signal() {
  signals_.async_wait([this](const boost::system::error_code& error, int signal) {
    if (error) return;
    if (signal == SIGHUP) {
      reload();
      return await_signal();
    }
    shut_down();
  });
}

void Rack::shut_down() {
  diagnostics_.info("rack", "stopping: no new work is accepted, what is in flight is finished");
  runtime_->drain();
  drain_until_ = {clock_.monotonic().value +
                  std::chrono::duration_cast<std::chrono::nanoseconds>(kDrainPatience).count()};
  check_drained();
}

void Rack::check_drained() {
  const MonotonicNanos now = clock_.monotonic();
  // Replies that are on their way over the bus acknowledge their requests when the stream has them: closing
  // before would have those requests delivered again.
  if (runtime_->open() == 0 && bus_ && bus_->unacknowledged() != 0)
    drain_until_ = std::min(drain_until_, MonotonicNanos{now.value + kAcknowledgementPatience});
  const bool settled = runtime_->open() == 0 && (!bus_ || bus_->unacknowledged() == 0);
  if (settled || now >= drain_until_) {
    if (runtime_->open() != 0)
      diagnostics_.warn("rack", fmt::format("{} transactions did not end in time", runtime_->open()));
    runtime_->stop();
    io_.stop();
    return;
  }
  drain_timer_.expires_after(std::chrono::milliseconds(20));
  drain_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) check_drained();
  });
}

void Rack::reload() {
  auto next = load_file(files_, catalogue_);
  if (!next) {
    diagnostics_.error("rack", "the changed scenario is not valid; the running one stays",
                       {{"cause", next.error()}});
    return;
  }
  // The profile is a matter of the start: what it refused then, no file can bring in later.
  if (scenario_.profile == Profile::kProduction && next->log.level == Severity::kDebug) {
    diagnostics_.error(
        "rack",
        "profile: production refuses debug diagnostics, and the profile is not changed by SIGHUP; "
        "break the glass with 'fluxrig rack debug RACK --reason TEXT --for TIME'");
    return;
  }
  glass_->set_usual(next->log.level);
  const auto& sampling = next->telemetry.sampling;
  runtime_->set_sampling(sampling.ratio);
  pump_thread_->set_sampling({sampling.ratio, sampling.slow.count() * kNanosPerMilli});
  pump_bell_.ring();
  event("fluxrig.rack.reloaded", fmt::format("log level and sampling taken over, ratio {}", sampling.ratio));
  diagnostics_.info(
      "rack",
      "log level and sampling were taken over; changes of gears, wires, data and mixer need a restart");
}

std::unique_ptr<BreakGlass> Rack::make_break_glass() {
  return std::make_unique<BreakGlass>(
      BreakGlass::Parts{clock_, diagnostics_, scenario_.data + "/break-glass",
                        [this](model::Log log) {
                          if (!events_.offer(std::move(log)))
                            diagnostics_.warn("rack", "the event queue is full; an event was not recorded");
                          pump_bell_.ring();
                        }},
      scenario_.log.level);
}

// On the io thread.
void Rack::watch_glass() {
  const auto left = glass_->tick();
  if (!left) return;
  glass_timer_.expires_after(std::chrono::nanoseconds(*left));
  glass_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) watch_glass();
  });
}

void Rack::event(std::string name, const std::string& body, std::vector<model::Attribute> attributes) {
  model::Log log;
  log.attributes = std::move(attributes);
  log.time = clock_.now();
  log.event_name = std::move(name);
  log.body = body;
  if (!events_.offer(std::move(log)))
    diagnostics_.warn("rack", "the event queue is full; an event was not recorded");
  pump_bell_.ring();
}

void Rack::emit_metrics(tap::Pump& pump) {
  pump.emit_metrics(runtime_->wiring().metrics());
  const auto& counters = runtime_->counters();
  const auto sum = [&](std::string_view name, std::string_view unit, std::uint64_t value,
                       std::string_view cause = {}) {
    pump.emit_sum({name, unit, value, cause});
  };
  sum("fluxrig.rack.transactions", "{transaction}", counters.begun.value());
  sum("fluxrig.rack.refusals", "{request}", counters.refused_full.value(), "in_flight_limit");
  sum("fluxrig.rack.refusals", "{request}", counters.refused_disk.value(), "audit_disk");
  sum("fluxrig.rack.audit_lost", "{record}", audit_->lost());
  sum("fluxrig.rack.refusals", "{request}", counters.refused_draining.value(), "draining");
  sum("fluxrig.rack.timeouts", "{transaction}", counters.timeouts.value());
  sum("fluxrig.rack.intents", "{transaction}", counters.intents.value());
  sum("fluxrig.rack.refusals", "{request}", counters.departures_refused.value(), "intent_late");
  sum("fluxrig.audit.held_replies", "{transaction}", counters.held_replies.value());
  sum("fluxrig.rack.contexts", "{transaction}", counters.contexts_adopted.value(), "adopted");
  sum("fluxrig.rack.contexts", "{transaction}", counters.contexts_missed.value(), "missed");
  if (scenario_.mixer) pump.emit_gauge({"fluxrig.spool.messages", "{message}", runtime_->wiring().spooled()});
  for (std::size_t i = 0; i < lane::kDropCauses; ++i) {
    const auto cause = static_cast<lane::DropCause>(i);
    sum("fluxrig.telemetry.dropped", "{record}", drops_.count(cause), lane::to_string(cause));
  }
  if (link_) emit_link_metrics(pump);
  if (export_) emit_export_metrics(pump);
  if (metric_page_) metric_page_->turn();
  if (export_) export_tap_->flush();
}

// Of all signals together, in items: spans, data points, log records.
void Rack::emit_export_metrics(tap::Pump& pump) const {
  const auto sum = [&](std::string_view name, auto count, std::string_view cause = {}) {
    std::uint64_t total = 0;
    for (const auto signal : otlp::kAllSignals)
      if (const auto* counters = export_->counters(signal)) total += count(*counters);
    pump.emit_sum({name, "{item}", total, cause});
  };
  sum("fluxrig.export.offered", [](const auto& counters) { return counters.offered.load(); });
  sum("fluxrig.export.delivered", [](const auto& counters) { return counters.delivered.load(); });
  sum("fluxrig.export.rejected", [](const auto& counters) { return counters.rejected.load(); });
  for (std::size_t i = 0; i < otlp::kExportDropNames.size(); ++i)
    sum(
        "fluxrig.export.dropped", [i](const auto& counters) { return counters.dropped[i].load(); },
        otlp::kExportDropNames[i]);
}

// On the pump's thread, which produces all of it.
bool Rack::state_ledger(lane::TelemetryLedger::Occasion occasion) {
  if (occasion == lane::TelemetryLedger::Occasion::kLast)
    telemetry_.finish();
  else
    telemetry_.settle();
  return ledger_.state(clock_, occasion, [this](model::Log log) { return events_.offer(std::move(log)); });
}

namespace {

// Since when telemetry waits at the rack, unix ns; 0: nothing does. What is in memory beside a backlog is
// seconds old: what does not leave goes into it.
std::int64_t held_since(const lane::TelemetryBacklog* backlog, bool memory_is_empty) {
  constexpr std::int64_t kNobodyKnows = 1;
  if (backlog == nullptr) return memory_is_empty ? 0 : kNobodyKnows;
  if (backlog->empty()) return 0;
  const auto oldest = backlog->stats().oldest;
  return oldest ? oldest->value : kNobodyKnows;
}

}  // namespace

// On the link's thread, whose the backlog is.
std::string Rack::status_json() const {
  const Footprint footprint = read_footprint();
  const auto& counters = runtime_->counters();
  std::uint64_t dropped = 0;
  for (std::size_t i = 0; i < lane::kDropCauses; ++i)
    dropped += drops_.count(static_cast<lane::DropCause>(i));
  const auto& sent = link_->counters();
  return fmt::format(
      R"({{"transactions":{},"in_flight_refused":{},"audit":{{"sequence":{},"sent":{},"receipted":{},"resends":{},"damaged":{},"blocked":{}}},)"
      R"("spool":{{"messages":{}}},)"
      R"("telemetry":{{"sent":{},"dropped":{},"queued_bytes":{},"held_since":{}}},)"
      R"("process":{{"resident_bytes":{},"high_water_bytes":{},"cpu_us":{},"threads":{}}},"debug_until":{}}})",
      counters.begun.value(), counters.refused_full.value() + counters.refused_disk.value(),
      audit_->last_synced().value, sent.audit_records_sent.load(), sent.audit_records_receipted.load(),
      sent.audit_resends.load(), sent.audit_damage.load(), admission_.audit_blocked.load() ? "true" : "false",
      runtime_->wiring().spooled(), sent.telemetry_records_sent.load(), dropped, telemetry_.queued_bytes(),
      held_since(backlog_.get(), link_->settled()), footprint.resident_bytes, footprint.high_water_bytes,
      footprint.cpu_micros, footprint.threads, glass_->until().value_or(UnixNanos{}).value);
}

}  // namespace fluxrig::rack
