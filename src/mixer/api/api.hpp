// The HTTP API without HTTP: a request in, a response out. docs/openapi.yaml describes it for its users. Any
// thread; what it is made of outlives it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "mixer/api/http_handler.hpp"
#include "mixer/api/message.hpp"
#include "mixer/api/tail.hpp"
#include "mixer/decision.hpp"
#include "mixer/ingest_counters.hpp"
#include "mixer/metric_board.hpp"
#include "mixer/presence.hpp"
#include "mixer/rack_index.hpp"
#include "mixer/receive_figures.hpp"
#include "model/control.hpp"
#include "model/pressure.hpp"
#include "sink/sink.hpp"

namespace fluxrig {
class Diagnostics;
}
namespace fluxrig::snake {
class DeadLetterBox;
}

namespace fluxrig::mixer {

struct StreamFill {
  std::string name;
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
  std::uint64_t max_bytes = 0;
  UnixNanos oldest;  // of its messages; 0: there is none
};

// What the mixer asks of its racks, and what it can grant them.
struct PressureStanding {
  UnixNanos started;  // of this numbering of leases
  std::uint8_t level = 0;
  model::PressureCause cause = model::PressureCause::kNone;
  double figure = 0;  // of the cause (pressure/sensor.hpp)
  std::uint64_t changes = 0;
  std::uint64_t leases = 0;
  std::uint64_t capacity_bytes_per_s = 0;  // of the store, as learnt
  std::size_t racks = 0;                   // that are here, with the sums of what they say
  std::uint64_t live_bytes_per_s = 0;
  std::uint64_t backlog_bytes = 0;
  std::uint64_t replay_bytes_per_s = 0;  // granted
};

struct Readiness {
  bool bus_connected = false;
  std::vector<StreamFill> streams;  // as last seen
  PressureStanding pressure;
  ReplyText exporting;                      // a JSON object; empty: nothing is exported
  std::optional<ReceiveFigures> receiving;  // nullopt: no spans of services are taken
};

struct ApiParts {
  sink::Queries& queries;
  Presence& presence;
  const RackIndex& racks;
  const IngestCounters& counters;
  TailHub& tail;
  const Clock& clock;
  std::string token;
  ReplyText openapi;
  std::string version;
  UnixNanos started;
  std::function<Readiness()> readiness;  // any thread, does not block
  snake::DeadLetterBox* dead_letters = nullptr;
  Diagnostics* diagnostics = nullptr;
  // Blocks until the rack has answered or does not; gives the command its id. Empty: there is no bus yet.
  std::function<Result<model::ControlAnswer>(const MachineId&, model::ControlCommand&)> command = {};
  DecisionDesk* decisions = nullptr;
  const MetricBoard* board = nullptr;  // null: /metrics holds the mixer's own only
};

class Api final : public HttpHandler {
 public:
  explicit Api(ApiParts parts) : parts_(std::move(parts)) {}

  // What needs no query and may be answered on the socket's thread: probes, refusals, tail. nullopt: call
  // handle().
  [[nodiscard]] std::optional<ApiResponse> quick(const ApiRequest& request) const override;
  // May take as long as QueryLimits allow.
  [[nodiscard]] ApiResponse handle(const ApiRequest& request) const override;

 private:
  [[nodiscard]] ApiResponse ready() const;
  [[nodiscard]] ApiResponse status() const;
  [[nodiscard]] ApiResponse tail(const ApiRequest& request) const;
  [[nodiscard]] ApiResponse racks() const;
  // api_metrics.cpp: for Prometheus and its kin.
  [[nodiscard]] ApiResponse metrics(const ApiRequest& request) const;
  [[nodiscard]] ApiResponse sql(const ApiRequest& request) const;

  ApiParts parts_;
};

// The two of api_trace.cpp and api_lists.cpp.
[[nodiscard]] ApiResponse trace_response(sink::Queries& queries, const std::string& id);
// GET /api/v1/{transactions,spans,metrics,logs}: `list` is the last word of the path.
[[nodiscard]] ApiResponse list_response(sink::Queries& queries, std::string_view list,
                                        const ApiRequest& request, UnixNanos now);
// api_dead_letters.cpp: everything at and below /api/v1/dead-letters. `box` null: 503.
[[nodiscard]] bool is_dead_letters_path(std::string_view path);
[[nodiscard]] ApiResponse dead_letters_response(const ApiParts& parts, const ApiRequest& request);

// api_audit_decisions.cpp: a decision without its `what`; the problem is a 400's.
[[nodiscard]] Outcome<Decision> decision_of(std::optional<std::string> who,
                                            std::optional<std::string> reason);

// api_pressure.cpp: POST /api/v1/racks/{rack}/pressure.
[[nodiscard]] bool is_rack_pressure_path(std::string_view path);
[[nodiscard]] ApiResponse rack_pressure_response(const ApiParts& parts, const ApiRequest& request);

// api_debug.cpp: POST /api/v1/racks/{rack}/debug.
[[nodiscard]] bool is_rack_debug_path(std::string_view path);
[[nodiscard]] ApiResponse rack_debug_response(const ApiParts& parts, const ApiRequest& request);

// api_doubt.cpp
[[nodiscard]] ApiResponse doubt_response(sink::Queries& queries, const ApiRequest& request, UnixNanos now);

}  // namespace fluxrig::mixer
