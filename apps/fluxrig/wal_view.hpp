// What `fluxrig wal ls|cat|verify` prints of a lane's directory. Reads only; a rack may be at work in it. One
// thread.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include "fluxrig/terminal.hpp"
#include "wal/cursor.hpp"
#include "wal/inspect.hpp"

namespace fluxrig::client {

// DIR itself when it holds segments, else DIR/audit when that does: a rack's data directory is as good.
[[nodiscard]] std::string lane_directory(wal::Disk& disk, const std::string& directory);

[[nodiscard]] std::string render_segments(const std::vector<wal::SegmentSummary>& segments,
                                          const Terminal& terminal);
[[nodiscard]] std::string segments_as_json(const std::vector<wal::SegmentSummary>& segments);

[[nodiscard]] std::string render_verification(const wal::Verification& verification,
                                              const std::string& directory, const Terminal& terminal);
[[nodiscard]] std::string verification_as_json(const wal::Verification& verification,
                                               const std::string& directory);

struct CatRequest {
  std::string directory;
  wal::Cursor::Start start;
  std::uint64_t limit = 0;  // records; 0: all
};
struct CatResult {
  std::uint64_t records = 0;
  std::uint64_t undecodable = 0;
  std::uint64_t damages = 0;  // passed over, each named on `complaints`
};
// Records as JSON lines to `out`. An error is the disk's.
[[nodiscard]] Result<CatResult> cat_records(wal::Disk& disk, const CatRequest& request, std::FILE* out,
                                            std::FILE* complaints);

}  // namespace fluxrig::client
