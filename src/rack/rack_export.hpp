// Exports a rack's own records straight to OpenTelemetry back ends, for sites without a mixer or beside one:
// gathers for a moment what the pump hands over, makes requests of it on a thread of its own, and leaves them
// to the exporter. Nothing here is waited for: what does not fit is dropped and counted. Owned by Rack; offer
// on the pump's thread, the figures from any.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/diagnostics.hpp"
#include "base/result.hpp"
#include "model/block.hpp"
#include "model/telemetry.hpp"
#include "otlp/delta.hpp"
#include "otlp/exporter.hpp"
#include "otlp/resource.hpp"

namespace fluxrig::rack {

// Encoded records as the pump made them: sanitised, audit records and telemetry in their order.
struct ExportChunk {
  struct Piece {
    model::Lane lane = model::Lane::kAudit;
    Sequence first;  // of its first record; zero: not known
    std::uint32_t count = 0;
    std::size_t end = 0;  // of its bytes in `records`
  };
  Bytes records;
  std::vector<Piece> pieces;
  UnixNanos made;
};

class RackExport {
 public:
  static constexpr std::size_t kMaxWaitingBytes = 4U << 20;
  static constexpr std::size_t kManyBytes = 512U << 10;              // no gathering beyond these
  static constexpr auto kGather = std::chrono::milliseconds(1'000);  // so that requests are few

  // nullptr: nothing is to be exported. `clock` and `diagnostics` outlive the result; of `resource` the
  // attributes and the name of the service are the settings'.
  [[nodiscard]] static Outcome<std::unique_ptr<RackExport>> start(const otlp::ExportSettings& settings,
                                                                  otlp::Resource resource, const Clock& clock,
                                                                  Diagnostics& diagnostics);
  ~RackExport();  // what waits is made requests of; then the exporter flushes
  RackExport(const RackExport&) = delete;
  RackExport& operator=(const RackExport&) = delete;

  // Never blocks. False: there is no room; its items are counted as dropped.
  bool offer(ExportChunk chunk);
  // nullptr: the signal is not exported.
  [[nodiscard]] const otlp::ExportCounters* counters(otlp::Signal signal) const noexcept {
    return exporter_->counters(signal);
  }

 private:
  RackExport(otlp::Resource resource, std::unique_ptr<otlp::Exporter> exporter,
             otlp::Temporality temporality);
  void run();
  void encode(const std::vector<ExportChunk>& chunks);
  void count_dropped(const ExportChunk& chunk);

  const otlp::Resource resource_;
  std::unique_ptr<otlp::Exporter> exporter_;
  std::optional<otlp::DeltaConverter> delta_;  // with temporality delta; the thread's

  std::mutex mutex_;  // what is below
  std::condition_variable wake_;
  std::vector<ExportChunk> waiting_;
  std::size_t waiting_bytes_ = 0;
  bool stop_ = false;

  std::thread thread_;
};

}  // namespace fluxrig::rack
