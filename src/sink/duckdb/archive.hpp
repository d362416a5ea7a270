// Closed hours as Parquet files, and the views over hot and cold rows. The table parquet_files says which
// files count: a file's rows leave the hot table and its name enters that table in one transaction, after the
// file is durable. So a crash at any point leaves either rows in the hot table and a file that nobody lists
// (removed at the next start), or the listed file. One thread (ingest).
#pragma once

#include <vector>

#include "sink/duckdb/parquet_part.hpp"
#include "sink/duckdb/part_check.hpp"
#include "sink/duckdb/schema.hpp"
#include "sink/duckdb/store_core.hpp"

namespace fluxrig::sink {

class Archive {
 public:
  explicit Archive(StoreCore& core) : core_(core) {}

  // Reads parquet_files, drops from it what is no longer on disk, removes what it does not list, makes the
  // views. A new database beside existing Parquet files takes them over, and their sequences into the ledger
  // table.
  [[nodiscard]] Attempt<void> start();
  // One bounded step; true: there is more to do.
  [[nodiscard]] Attempt<bool> step(UnixNanos now);

  // What start() found missing or unreadable: no longer listed.
  [[nodiscard]] const std::vector<PartCheck>& lost() const noexcept { return lost_; }
  // Parts that are due, held against their hashes; every one at least once a day when called each minute.
  // Then note_checked() within a transaction, and take_checked() after it.
  [[nodiscard]] std::vector<PartCheck> check_parts(UnixNanos now);
  [[nodiscard]] Attempt<void> note_checked(const std::vector<PartCheck>& checks, UnixNanos now);
  void take_checked(const std::vector<PartCheck>& checks, UnixNanos now);

  static constexpr std::size_t kMaxSmallParts = 4;

 private:
  struct Retired {
    std::string path;
    MonotonicNanos until;
  };
  // archive_start.cpp
  [[nodiscard]] Attempt<void> load_parts();
  [[nodiscard]] Attempt<void> adopt_files();
  [[nodiscard]] Attempt<bool> adopt(ParquetPart part, Ledger& ledger);
  void remove_leftovers();
  [[nodiscard]] Attempt<void> put_aside_unreadable(const Signal& signal);
  [[nodiscard]] Attempt<void> make_views();
  // archive.cpp
  [[nodiscard]] Attempt<bool> export_hour(const Signal& signal, UnixNanos now);
  [[nodiscard]] Attempt<void> write_part(const std::string& select, ParquetPart& part);
  [[nodiscard]] Attempt<void> list_part(const ParquetPart& part);
  // Notes where the ids of the part's rows are.
  [[nodiscard]] Attempt<void> place(const Signal& signal, const std::string& rows, ParquetPart& part);
  [[nodiscard]] Attempt<bool> place_part();
  [[nodiscard]] Attempt<void> make_view(const Signal& signal, const std::vector<ParquetPart>& parts);
  [[nodiscard]] std::string view_sql(const Signal& signal, const std::vector<ParquetPart>& parts) const;
  [[nodiscard]] std::string quoted_path(const ParquetPart& part) const;
  // archive_upkeep.cpp
  [[nodiscard]] Attempt<bool> compact_hour(const Signal& signal);
  [[nodiscard]] Attempt<bool> retire_day(UnixNanos now);
  // False: one of them is not what was written.
  [[nodiscard]] bool as_written(const std::vector<ParquetPart>& parts);
  [[nodiscard]] Attempt<void> replace(const std::vector<ParquetPart>& gone,
                                      const std::vector<ParquetPart>& fresh);
  [[nodiscard]] Attempt<void> note_retired(const std::vector<ParquetPart>& gone);
  void retire(const std::vector<ParquetPart>& gone);
  bool unlink_retired();
  void unlink_part(const std::string& path);

  StoreCore& core_;
  std::vector<ParquetPart> parts_;  // as committed, by id
  std::vector<Retired> retired_;    // no longer listed; a select that began before may still read them
  std::uint64_t next_id_ = 1;
  std::vector<PartCheck> lost_;
  std::optional<MonotonicNanos> last_check_;
};

}  // namespace fluxrig::sink
