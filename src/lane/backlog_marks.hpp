// What the telemetry backlog must know after a crash beside its records: how far it was dropped, how far it
// may have been sent, and what was lost of late. The file `marks` of its directory
// (docs/formats/telemetry-backlog.md). Values; one thread.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "lane/record_reader.hpp"
#include "model/telemetry_ledger.hpp"
#include "wal/disk.hpp"

namespace fluxrig::lane {

// Whether a batch was ever handed to the bus. If it was, the mixer may have it.
enum class Sent : std::uint8_t { kNever, kMaybe };

class BacklogMarks {
 public:
  // The latest that are kept for the next start, which states them again; older ones were stated long ago.
  static constexpr std::size_t kMaxLost = 512;

  struct Lost {
    model::LostTelemetry range;
    Sent sent = Sent::kNever;
    friend bool operator==(const Lost&, const Lost&) = default;
  };

  RecordPosition dropped_to;  // records before it are gone
  RecordPosition sent_to;     // records up to it may have been sent

  // Gives back the range as it is to be stated: together with those before it that were never sent either,
  // for then the mixer holds nothing of them.
  const model::LostTelemetry& add(const Lost& lost);
  [[nodiscard]] const std::vector<Lost>& lost() const noexcept { return lost_; }

  // Crash-atomically.
  [[nodiscard]] Result<void> store(wal::Disk& disk, const std::string& directory) const;
  // Empty where there is no file. kCorrupt, kIo: go on with empty ones; what was sent or lost before may then
  // be counted twice, or not at all.
  [[nodiscard]] static Result<BacklogMarks> load(wal::Disk& disk, const std::string& directory);
  [[nodiscard]] static Result<BacklogMarks> decode(ByteView item);  // hostile bytes
  void encode(Bytes& out) const;
  friend bool operator==(const BacklogMarks&, const BacklogMarks&) = default;

 private:
  std::vector<Lost> lost_;  // oldest first
};

}  // namespace fluxrig::lane
