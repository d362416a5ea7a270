// Reads one segment from end to end and says all that is true of it: what it holds, where it was cut off by a
// crash, where it is damaged. Recovery, release and inspection build on it. One thread; changes nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "wal/control_body.hpp"
#include "wal/disk.hpp"
#include "wal/segment_name.hpp"

namespace fluxrig::wal {

struct Damage {
  std::string file;
  std::uint64_t offset = 0;
  Epoch epoch;
  Sequence sequence;      // the one expected there
  const char* what = "";  // a literal
};

struct SegmentScan {
  SegmentName name;
  std::uint64_t file_bytes = 0;
  std::uint64_t tail = 0;        // where the last valid frame ends
  std::uint64_t torn_bytes = 0;  // bytes after the tail up to the last that is not zero
  std::uint64_t blocks = 0;
  std::uint64_t records = 0;
  Sequence end;  // one more than the last record's
  bool sealed = false;
  MachineId machine_id;  // of the header; zeros without one
  model::Lane lane = model::Lane::kAudit;
  std::optional<EpochLink> link;  // of the header
  model::Hash first_previous{};   // what the first block names as the one before it
  model::Hash head{};             // of the last valid block; zeros without one
  std::vector<Damage> damages;    // the first kMaxDamages
  std::uint64_t damage_count = 0;

  static constexpr std::size_t kMaxDamages = 64;
};

[[nodiscard]] Result<SegmentScan> scan_segment(const File& file, const SegmentName& name);
[[nodiscard]] Result<SegmentScan> scan_segment(Disk& disk, const std::string& directory,
                                               const SegmentName& name);

}  // namespace fluxrig::wal
