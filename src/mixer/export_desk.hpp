// Hands what was committed to the exporter: one rack's records after the other become OTLP requests of three
// signals, on a thread of its own, so that neither encoding nor a back end ever holds up the ingest. What it
// may keep waiting is bounded; what does not fit is dropped and counted. Owned by the mixer; offer and the
// figures from any thread.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.hpp"
#include "base/diagnostics.hpp"
#include "base/result.hpp"
#include "mixer/api/reply_text.hpp"
#include "mixer/fresh_records.hpp"
#include "mixer/presence.hpp"
#include "otlp/delta.hpp"
#include "otlp/encode.hpp"
#include "otlp/exporter.hpp"
#include "otlp/settings.hpp"

namespace fluxrig::mixer {

class ExportDesk {
 public:
  // Racks that are gone and starts that are over are forgotten by the conversion to deltas after a day.
  static constexpr std::int64_t kForgetAfter = 24 * 3'600 * kNanosPerSecond;
  static constexpr std::int64_t kForgetEvery = 600 * kNanosPerSecond;

  // Batches of the ingest that wait to be encoded, in bytes as they came; one is never too large.
  static constexpr std::size_t kMaxWaitingBytes = 32U << 20;

  // What is known of one start of a rack; any thread.
  using Lookup = std::function<std::optional<Presence::RackResource>(const MachineId&, Epoch)>;

  // nullptr: nothing is to be exported. `clock` and `diagnostics` outlive the result, and what `lookup` asks.
  [[nodiscard]] static Outcome<std::unique_ptr<ExportDesk>> start(const otlp::ExportSettings& settings,
                                                                  const Clock& clock,
                                                                  Diagnostics& diagnostics, Lookup lookup);
  ~ExportDesk();  // encodes what waits, then flushes as the exporter does
  ExportDesk(const ExportDesk&) = delete;
  ExportDesk& operator=(const ExportDesk&) = delete;

  // Never blocks. `bytes`: what the blocks were on the bus.
  void offer(std::vector<FreshBlock> blocks, std::size_t bytes);

  // 0 to 1, of the fullest of all that waits here.
  [[nodiscard]] double saturation() const;
  // Items that back ends have answered for, whatever they said.
  [[nodiscard]] std::uint64_t taken() const;
  // "export" of /api/v1/status: an object, by signal.
  [[nodiscard]] ReplyText status_json() const;

 private:
  struct Waiting {
    std::vector<FreshBlock> blocks;
    std::size_t bytes = 0;
  };

  ExportDesk(const otlp::ExportSettings& settings, std::unique_ptr<otlp::Exporter> exporter, Lookup lookup,
             const Clock& clock);
  void run();
  void encode(std::vector<FreshBlock> blocks);
  // Forgets series that are gone, and shows what had to be left out.
  void note_deltas();
  void count_dropped(const std::vector<FreshBlock>& blocks);

  const std::string service_name_;
  std::vector<model::Attribute> resource_attributes_;
  const Lookup lookup_;
  const Clock& clock_;
  std::unique_ptr<otlp::Exporter> exporter_;
  // Set with temporality delta only; the desk's thread.
  std::optional<otlp::DeltaConverter> delta_;
  UnixNanos forgot_at_;
  // Of delta_->counters(), in the order of kDeltaCauses; written by the desk's thread, each alone: relaxed.
  std::array<std::atomic<std::uint64_t>, 4> left_out_{};

  mutable std::mutex mutex_;  // what is below
  std::condition_variable wake_;
  std::deque<Waiting> waiting_;
  std::size_t waiting_bytes_ = 0;
  bool stop_ = false;

  std::thread thread_;
};

}  // namespace fluxrig::mixer
