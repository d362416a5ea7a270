// The embedded store of the mixer: one DuckDB file for the hot hours, Parquet files for the closed ones, seen
// by SQL as the views transactions, spans, metrics and logs. docs/formats/store.md says what is guaranteed.
//
// `DuckDbStore` owns the database; `sink()` belongs to one thread (ingest), `queries()` to any. Both are
// valid as long as the store. The destructor waits for running queries (it interrupts them) and closes the
// file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string_view>

#include "base/clock.hpp"
#include "base/diagnostics.hpp"
#include "base/result.hpp"
#include "sink/sink.hpp"

namespace fluxrig::sink {

struct StoreOptions {
  std::filesystem::path directory;  // created when missing; its parent must exist
  std::uint64_t memory_limit_bytes = 512ULL << 20;
  std::uint32_t threads = 1;
  std::uint32_t retention_days = 30;              // of closed days; 0 keeps everything
  std::uint32_t hot_hours = 2;                    // an hour is closed when it ended this many hours ago
  std::uint64_t checkpoint_bytes = 128ULL << 20;  // of DuckDB's log: what a start has to replay
  // Disk space that is taken for the log ahead of each commit, more than the largest batch writes. Where
  // there is none, the commit is refused before DuckDB tries. 0: not looked at.
  std::uint64_t log_room_bytes = 32ULL << 20;
  std::uint32_t select_connections = 4;  // selects at one time; further ones wait within their time limit
  std::uint64_t part_rows = 250'000;     // rows of one Parquet part: the bound of one step of maintain()
  std::int64_t retired_file_grace_ms =
      60'000;  // how long a replaced file stays for selects that still read it
  // Tests only: called with the name of each step of a commit, an export, a compaction; true makes that step
  // fail.
  std::function<bool(std::string_view step)> fail_point;
};

class DuckDbStore {
 public:
  // Any failure is a sentence that names the file, the cause and the next step. `clock` and `diagnostics`
  // must outlive the store.
  [[nodiscard]] static Outcome<std::unique_ptr<DuckDbStore>> open(StoreOptions options, const Clock& clock,
                                                                  Diagnostics& diagnostics);
  ~DuckDbStore();
  DuckDbStore(const DuckDbStore&) = delete;
  DuckDbStore& operator=(const DuckDbStore&) = delete;

  [[nodiscard]] Sink& sink() noexcept;
  [[nodiscard]] Queries& queries() noexcept;

 private:
  struct Parts;
  explicit DuckDbStore(std::unique_ptr<Parts> parts) noexcept;
  std::unique_ptr<Parts> parts_;
};

}  // namespace fluxrig::sink
