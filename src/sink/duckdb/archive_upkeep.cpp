// Compaction and retention: both replace listed files by others (or none) in one transaction and unlink the
// old ones later, when no select can read them any more.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "sink/duckdb/archive.hpp"
#include "sink/duckdb/id_places.hpp"
#include "sink/duckdb/telemetry_accounts.hpp"

namespace fluxrig::sink {
namespace {

constexpr std::size_t kUnlinkedAStep = 256;

tl::unexpected<DatabaseError> injected() { return database_error(DUCKDB_ERROR_IO, "injected by the test"); }

}  // namespace

Attempt<void> Archive::replace(const std::vector<ParquetPart>& gone, const std::vector<ParquetPart>& fresh) {
  auto parts = parts_;
  std::string ids;
  for (const auto& part : gone) {
    ids += fmt::format("{}{}", ids.empty() ? "" : ", ", part.id);
    std::erase_if(parts, [&](const ParquetPart& one) { return one.id == part.id; });
  }
  parts.insert(parts.end(), fresh.begin(), fresh.end());
  auto done = core_.connection().run(fmt::format("DELETE FROM parquet_files WHERE id IN ({})", ids));
  for (const auto& part : fresh)
    if (done) done = list_part(part);
  for (const auto& signal : signals()) {
    const bool touched = std::any_of(gone.begin(), gone.end(),
                                     [&](const ParquetPart& part) { return part.signal == signal.name; });
    if (done && touched) done = make_view(signal, parts);
  }
  return done;
}

void Archive::retire(const std::vector<ParquetPart>& gone) {
  const auto until = core_.clock.monotonic().value + core_.options.retired_file_grace_ms * kNanosPerMilli;
  for (const auto& part : gone) {
    retired_.push_back({part.path, {until}});
    std::erase_if(parts_, [&](const ParquetPart& one) { return one.id == part.id; });
  }
}

// What is merged gets a new hash: nothing that was altered may find its way under it.
bool Archive::as_written(const std::vector<ParquetPart>& parts) {
  bool good = true;
  for (auto& part : parts_) {
    const bool wanted =
        std::any_of(parts.begin(), parts.end(), [&](const ParquetPart& one) { return one.id == part.id; });
    if (!wanted || !part.hash) continue;
    const auto check = check_file(core_.parquet() / part.path, part.hash);
    if (check && check->state == FileState::kGood) continue;
    good = false;
    part.altered = true;
    part.checked = {};  // the next check raises the alarm, or finds that nothing is wrong
  }
  return good;
}

Attempt<bool> Archive::compact_hour(const Signal& signal) {
  // Only small parts are worth merging: a busy hour has many full ones, and rewriting those gains nothing.
  std::map<std::int64_t, std::vector<ParquetPart>> small;
  for (const auto& part : parts_)
    if (part.signal == signal.name && !part.altered && part.rows < core_.options.part_rows / 2)
      small[part.hour_micros].push_back(part);
  const auto crowded = std::find_if(small.begin(), small.end(),
                                    [](const auto& hour) { return hour.second.size() > kMaxSmallParts; });
  if (crowded == small.end()) return false;

  std::vector<ParquetPart> gone;
  std::string files;
  ParquetPart merged;
  merged.signal = signal.name;
  merged.hour_micros = crowded->first;
  merged.placed = true;
  merged.seconds = {UINT32_MAX, 0};
  for (const auto& part : crowded->second) {
    if (merged.rows + part.rows > core_.options.part_rows) break;
    merged.rows += part.rows;
    merged.placed = merged.placed && part.placed;
    merged.seconds = {std::min(merged.seconds.least, part.seconds.least),
                      std::max(merged.seconds.most, part.seconds.most)};
    files += (files.empty() ? "" : ", ") + quoted_path(part);
    gone.push_back(part);
  }
  if (!as_written(gone)) return true;  // the others are enough, or they are not
  auto transaction = StoreTransaction::begin(core_.connection());
  if (!transaction) return tl::unexpected(std::move(transaction.error()));
  auto done = write_part(fmt::format("SELECT {} FROM read_parquet([{}])", signal.columns, files), merged);
  if (done) done = replace(gone, {merged});
  if (done && core_.fails_at("part.listed")) return injected();
  if (done) done = transaction->commit();
  if (!done) return tl::unexpected(std::move(done.error()));
  ++next_id_;
  retire(gone);
  parts_.push_back(merged);
  if (core_.fails_at("part.committed")) return injected();
  return true;
}

Attempt<bool> Archive::retire_day(UnixNanos now) {
  if (core_.options.retention_days == 0) return false;
  const auto today = now.value / kNanosPerMicro / kMicrosPerDay;
  const auto first_kept = today - core_.options.retention_days;
  std::int64_t day = first_kept;
  for (const auto& part : parts_) day = std::min(day, part.hour_micros / kMicrosPerDay);
  if (day >= first_kept) return false;
  std::vector<ParquetPart> gone;
  std::copy_if(parts_.begin(), parts_.end(), std::back_inserter(gone),
               [&](const ParquetPart& part) { return part.hour_micros / kMicrosPerDay == day; });
  if (auto room = core_.room(StoreCore::Need::kLittle); !room) return tl::unexpected(std::move(room.error()));
  auto transaction = StoreTransaction::begin(core_.connection());
  if (!transaction) return tl::unexpected(std::move(transaction.error()));
  auto done = note_retired(gone);
  if (done) done = replace(gone, {});
  if (done) done = forget_accounts(core_.connection(), first_kept);
  if (done) done = forget_places(core_.connection(), first_kept * kMicrosPerDay);
  if (done) done = transaction->commit();
  if (!done) return tl::unexpected(std::move(done.error()));
  retire(gone);
  if (core_.fails_at("day.committed")) return injected();
  return true;
}

// Up to where each epoch's audit blocks are gone by intent: a verifier holds everything else against the
// store.
Attempt<void> Archive::note_retired(const std::vector<ParquetPart>& gone) {
  std::string files;
  std::error_code error;
  for (const auto& part : gone)
    if (part.signal == signal_of(SignalKind::kAuditBlocks).name &&
        std::filesystem::exists(core_.parquet() / part.path, error))
      files += (files.empty() ? "" : ", ") + quoted_path(part);
  if (files.empty()) return {};
  return core_.connection().run(fmt::format(
      "CREATE TEMP TABLE retiring AS SELECT machine_id, epoch, max(next_seq) AS next_seq FROM (SELECT "
      "machine_id, epoch, first_seq + count AS next_seq FROM read_parquet([{}]) UNION ALL SELECT * FROM "
      "audit_retired) GROUP BY ALL;DELETE FROM audit_retired;INSERT INTO audit_retired SELECT * FROM "
      "retiring;DROP TABLE retiring;",
      files));
}

void Archive::unlink_part(const std::string& path) {
  std::error_code error;
  const auto file = core_.parquet() / path;
  std::filesystem::remove(file, error);
  if (error) {
    core_.diagnostics.warn("sink", "a Parquet file that is no longer needed cannot be removed",
                           {{"file", file.string()}, {"cause", error.message()}});
    return;
  }
  // The folders of an hour and a day go with their last file; a folder with files stays.
  auto folder = file.parent_path();
  for (int level = 0; level < 2 && std::filesystem::remove(folder, error); ++level)
    folder = folder.parent_path();
}

// True: others of them wait for nothing but the next step.
bool Archive::unlink_retired() {
  const auto now = core_.clock.monotonic();
  std::size_t unlinked = 0;
  while (!retired_.empty() && retired_.front().until <= now && unlinked < kUnlinkedAStep) {
    unlink_part(retired_.front().path);
    retired_.erase(retired_.begin());
    ++unlinked;
  }
  return !retired_.empty() && retired_.front().until <= now;
}

}  // namespace fluxrig::sink
