// Exports to OpenTelemetry back ends: a queue, a sender and a connection for each signal that has a target,
// all on one thread of its own. What is offered is never waited for. Owned by the process's main object;
// `offer`, `saturation` and the counters from any thread, the rest on the owner's.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/diagnostics.hpp"
#include "base/result.hpp"
#include "otlp/export_counters.hpp"
#include "otlp/export_queue.hpp"
#include "otlp/settings.hpp"

namespace fluxrig::otlp {

class Exporter {
 public:
  // Connects to nothing yet: a back end that is away is no reason not to start. The problem is one of the
  // settings: a file that cannot be read, or `fault`. `clock` and `diagnostics` outlive the result.
  [[nodiscard]] static Outcome<std::unique_ptr<Exporter>> start(const ExportSettings& settings,
                                                                std::string_view version, const Clock& clock,
                                                                Diagnostics& diagnostics);
  ~Exporter();  // flushes, at most settings.flush_ms; what is left is counted as kShutdown, with a line
  Exporter(const Exporter&) = delete;
  Exporter& operator=(const Exporter&) = delete;

  // nullopt: the signal has no target, and what is offered of it is not counted.
  [[nodiscard]] std::optional<Protocol> protocol(Signal signal) const noexcept;
  void offer(Signal signal, ExportRequest request);
  // What its owner could not even offer: counted as offered and dropped.
  void count_dropped(Signal signal, ExportDrop cause, std::uint64_t items) noexcept;

  // nullptr: the signal has no target.
  [[nodiscard]] const ExportCounters* counters(Signal signal) const noexcept;
  [[nodiscard]] std::size_t queue_bytes(Signal signal) const;
  [[nodiscard]] double saturation() const;  // of the fullest queue: 0 empty, 1 full

 private:
  struct Impl;
  explicit Exporter(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace fluxrig::otlp
