// One Parquet file of the store: `signal=<name>/date=YYYY-MM-DD/hour=HH/part-<id>-<rows>.parquet`. Values;
// any thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "model/block.hpp"

namespace fluxrig::sink {

inline constexpr std::int64_t kMicrosPerHour = 3'600'000'000;
inline constexpr std::int64_t kMicrosPerDay = 24 * kMicrosPerHour;

// Of records' own times, since 1970; a later one than fits is the last.
struct SecondRange {
  std::uint32_t least = 0;
  std::uint32_t most = UINT32_MAX;
};

struct ParquetPart {
  std::uint64_t id = 0;
  std::string signal;
  std::int64_t hour_micros = 0;  // start of the hour, since 1970
  std::string path;              // relative to the Parquet directory, so that a store can be moved
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;
  std::optional<model::Hash> hash = std::nullopt;  // of the file as written; none: not known yet
  UnixNanos checked;                               // against its hash; 0: never
  bool altered = false;                            // found to differ: not to be merged into another
  bool placed = false;                             // where its ids are is noted (id_places.hpp)
  SecondRange seconds = {};                        // of its records, when placed
};

[[nodiscard]] std::string part_path(std::string_view signal, std::int64_t hour_micros, std::uint64_t id,
                                    std::uint64_t rows);
// The part that such a relative path names; nullopt for any other file.
[[nodiscard]] std::optional<ParquetPart> parse_part_path(const std::filesystem::path& relative);
// make_timestamp(...): for SQL.
[[nodiscard]] std::string timestamp_sql(std::int64_t micros);

}  // namespace fluxrig::sink
