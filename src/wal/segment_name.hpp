// The name of a segment file: its first sequence, 20 digits, and its epoch: "00000000000000000001-3.wal".
// Ordered by epoch, then sequence. Any thread; values only.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "wal/disk.hpp"

namespace fluxrig::wal {

struct SegmentName {
  Epoch epoch;
  Sequence first;
  friend auto operator<=>(const SegmentName&, const SegmentName&) = default;
};

[[nodiscard]] std::string to_string(const SegmentName& name);
// nullopt for every other file.
[[nodiscard]] std::optional<SegmentName> parse_segment_name(std::string_view file) noexcept;

// The segments of a directory in order.
[[nodiscard]] Result<std::vector<SegmentName>> list_segments(Disk& disk, const std::string& directory);

[[nodiscard]] inline std::string path_of(const std::string& directory, const SegmentName& name) {
  return directory + "/" + to_string(name);
}

}  // namespace fluxrig::wal
