// What a rack tells of its pressure: each transition as a P1 record, and what leaves by which way as metrics.
#include "rack/rack_parts.hpp"

namespace fluxrig::rack {
namespace {

constexpr std::array<std::string_view, kFlows> kFlowNames{"live_audit", "backlog_audit", "live_telemetry",
                                                          "backlog_telemetry"};
// Of the traces whose child spans are sent in RESTRICT.
constexpr double kRestrictedRatio = 0.1;

}  // namespace

// On the link's thread. Names and figures of our own only.
void Rack::on_transition(const pressure::Transition& transition) {
  pump_->restrict_spans(transition.to == model::PressureState::kRestrict ? kRestrictedRatio : 1.0);
  const auto number = [](auto value) { return static_cast<std::int64_t>(value); };
  const auto text = [](std::string_view word) { return std::string(word); };
  event("fluxrig.pressure.transition", to_string(transition),
        {{"fluxrig.pressure.from", text(name_of(transition.from))},
         {"fluxrig.pressure.to", text(name_of(transition.to))},
         {"fluxrig.pressure.cause", text(name_of(transition.cause.source))},
         {"fluxrig.pressure.mixer_cause", text(name_of(transition.cause.mixer))},
         {"fluxrig.pressure.mixer_level", number(transition.mixer_level)},
         {"fluxrig.pressure.tunnel_level", number(transition.tunnel.level)},
         {"fluxrig.pressure.ack_ns", transition.tunnel.ack_nanos},
         {"fluxrig.pressure.baseline_ns", transition.tunnel.baseline_nanos},
         {"fluxrig.pressure.in_flight_bytes", number(transition.tunnel.in_flight_bytes)},
         {"fluxrig.pressure.backlog_bytes", number(transition.backlog_bytes)},
         {"fluxrig.pressure.lasted_ns", transition.lasted_nanos}});
}

void Rack::emit_link_metrics(tap::Pump& pump) const {
  const auto& counters = link_->counters();
  const auto sum = [&](std::string_view name, std::string_view unit, std::uint64_t value,
                       std::string_view cause = {}) {
    pump.emit_sum({name, unit, value, cause});
  };
  for (std::size_t flow = 0; flow < kFlows; ++flow)
    sum("fluxrig.link.sent", "By", counters.bytes_sent[flow].load(std::memory_order_relaxed),
        kFlowNames[flow]);
  for (std::size_t state = 0; state < counters.nanos_in_state.size(); ++state)
    sum("fluxrig.pressure.time", "ns",
        static_cast<std::uint64_t>(counters.nanos_in_state[state].load(std::memory_order_relaxed)),
        model::kPressureStateNames[state]);
  sum("fluxrig.pressure.transitions", "{transition}", counters.transitions.load(std::memory_order_relaxed));
  const auto gauge = [&](std::string_view name, std::string_view unit, std::uint64_t value) {
    pump.emit_gauge({name, unit, value});
  };
  gauge("fluxrig.pressure.state", "{state}", counters.state.load(std::memory_order_relaxed));
  gauge("fluxrig.link.backlog", "By", counters.backlog_bytes.load(std::memory_order_relaxed));
  gauge("fluxrig.link.window", "By", counters.window_bytes.load(std::memory_order_relaxed));
  gauge("fluxrig.link.chunk", "By", counters.chunk_bytes.load(std::memory_order_relaxed));
}

}  // namespace fluxrig::rack
