// Alarms about the store itself: a Parquet file that is not what was written. They name no machine, no epoch
// and no record (StreamKey{}; NULL in the table). Pure; any thread.
#pragma once

#include <span>

#include "sink/duckdb/part_check.hpp"

namespace fluxrig::sink {

// One alarm a file: raised once, counted when it is found again, ended when the file is as it was written.
// Beyond kMostOpenPartAlarms the last one counts on. What an operator has closed is not told again.
inline constexpr std::size_t kMostOpenPartAlarms = 64;
[[nodiscard]] AuditChanges alarms_of(std::span<const PartCheck> checks, const AuditState& state,
                                     UnixNanos now);

}  // namespace fluxrig::sink
