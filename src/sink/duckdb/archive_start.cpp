// What the archive does when the store is opened: believe parquet_files, and make the disk agree with it.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "sink/duckdb/archive.hpp"
#include "sink/duckdb/ledger_table.hpp"
#include "sink/duckdb/result_table.hpp"

namespace fluxrig::sink {
namespace {

namespace fs = std::filesystem;

// Every regular file below the Parquet directory, relative to it; what cannot be read is left out.
std::vector<fs::path> files_below(const fs::path& root) {
  std::vector<fs::path> files;
  std::error_code error;
  for (auto entry = fs::recursive_directory_iterator(root, error); !error && entry != fs::end(entry);
       entry.increment(error))
    if (entry->is_regular_file(error)) files.push_back(entry->path().lexically_relative(root));
  return files;
}

}  // namespace

Attempt<void> Archive::load_parts() {
  auto rows = read_all(
      core_.connection(),
      "SELECT id, signal, epoch_us(hour_start), path, row_count, bytes, sha256, epoch_ns(checked_at), "
      "coalesce(placed, false), least_second, most_second FROM parquet_files ORDER BY id");
  if (!rows) return tl::unexpected(std::move(rows.error()));
  std::string missing;
  for (const auto& row : rows->rows) {
    auto part = parse_part_path(row[3].value_or(""));
    if (!part || std::to_string(part->id) != row[0].value_or(""))
      return database_error(DUCKDB_ERROR_INVALID, "a row of the table parquet_files is not valid");
    part->bytes = std::stoull(row[5].value_or("0"));
    const auto hash = from_hex(row[6].value_or(""));
    if (hash && hash->size() == sizeof(model::Hash))
      std::copy(hash->begin(), hash->end(), part->hash.emplace().begin());
    part->checked.value = std::stoll(row[7].value_or("0"));
    part->placed = row[8] == "true";
    if (part->placed && row[9] && row[10])
      part->seconds = {static_cast<std::uint32_t>(std::stoul(*row[9])),
                       static_cast<std::uint32_t>(std::stoul(*row[10]))};
    next_id_ = std::max(next_id_, part->id + 1);
    std::error_code error;
    if (fs::exists(core_.parquet() / part->path, error)) {
      parts_.push_back(std::move(*part));
      continue;
    }
    // One lost file must not make every query fail: it is reported and no longer listed.
    core_.diagnostics.error(
        "sink", "a Parquet file of the store is missing: its rows are lost",
        {{"file", (core_.parquet() / part->path).string()}, {"rows", row[4].value_or("")}});
    lost_.push_back({part->id, part->path, FileState::kMissing, {}});
    missing += fmt::format("{}{}", missing.empty() ? "" : ", ", part->id);
  }
  if (missing.empty()) return {};
  return core_.connection().run(fmt::format("DELETE FROM parquet_files WHERE id IN ({})", missing));
}

void Archive::remove_leftovers() {
  std::set<std::string> listed;
  for (const auto& part : parts_) listed.insert(part.path);
  for (const auto& file : files_below(core_.parquet())) {
    const bool ours = parse_part_path(file).has_value() || file.extension() == ".tmp";
    if (ours && !listed.contains(file.generic_string())) unlink_part(file.generic_string());
  }
}

// False: not readable, put aside under another name.
Attempt<bool> Archive::adopt(ParquetPart part, Ledger& ledger) {
  auto& connection = core_.connection();
  const bool has_records = part.signal != signal_of(SignalKind::kAuditBlocks).name;
  // Runs of sequences: within one, sequence minus rank is constant.
  auto runs = read_all(
      connection,
      !has_records
          ? fmt::format("SELECT * FROM read_parquet({}) LIMIT 0", quoted_path(part))
          : fmt::format(
                "SELECT machine_id, lane, epoch, min(seq), max(seq), sum(count(*)) OVER () FROM (SELECT "
                "machine_id, "
                "lane, epoch, seq, seq::HUGEINT - row_number() OVER (PARTITION BY machine_id, lane, epoch "
                "ORDER BY "
                "seq) AS run FROM read_parquet({})) GROUP BY machine_id, lane, epoch, run",
                quoted_path(part)));
  std::error_code error;
  const auto file = core_.parquet() / part.path;
  if (!runs) {
    if (runs.error().invalidates() || runs.error().type == DUCKDB_ERROR_OUT_OF_MEMORY)
      return tl::unexpected(std::move(runs.error()));
    auto aside = file;
    aside += ".damaged";
    fs::rename(file, aside, error);
    core_.diagnostics.error("sink", "a Parquet file cannot be read and was put aside",
                            {{"file", aside.string()}});
    lost_.push_back({part.id, part.path, FileState::kUnreadable, {}});
    return false;
  }
  for (const auto& row : runs->rows) {
    auto key = stream_key(row[0].value_or(""), row[1].value_or(""), row[2].value_or(""));
    if (!key) continue;
    ledger[*key].add({std::stoull(row[3].value_or("0"))}, {std::stoull(row[4].value_or("0"))});
  }
  // What it was written with is not known any more: from now on it must stay as it is.
  if (const auto hashed = hash_file(file, false)) {
    part.bytes = hashed->bytes;
    part.hash = hashed->hash;
    part.checked = core_.clock.now();
  }
  if (auto listed = list_part(part); !listed) return tl::unexpected(std::move(listed.error()));
  next_id_ = std::max(next_id_, part.id + 1);
  parts_.push_back(std::move(part));
  return true;
}

// A database without the mark is new: Parquet files beside it are the history of one that was moved aside.
Attempt<void> Archive::adopt_files() {
  auto& connection = core_.connection();
  auto marked = read_all(connection, "SELECT 1 FROM store_marks WHERE mark = 'parquet_files is complete'");
  if (!marked) return tl::unexpected(std::move(marked.error()));
  if (!marked->rows.empty()) return {};
  auto transaction = StoreTransaction::begin(connection);
  if (!transaction) return tl::unexpected(std::move(transaction.error()));
  Ledger ledger;
  for (const auto& file : files_below(core_.parquet())) {
    auto part = parse_part_path(file);
    if (!part) continue;
    if (auto adopted = adopt(std::move(*part), ledger); !adopted)
      return tl::unexpected(std::move(adopted.error()));
  }
  for (const auto& [key, ranges] : ledger)
    if (auto stored = store_ranges(connection, key, {}, ranges); !stored) return stored;
  auto done = connection.run("INSERT INTO store_marks VALUES ('parquet_files is complete')");
  if (done) done = transaction->commit();
  if (done && !parts_.empty())
    core_.diagnostics.warn("sink", "a new database took over the Parquet files beside it",
                           {{"files", std::to_string(parts_.size())}});
  return done;
}

// One damaged file must neither keep the mixer from starting nor make every query fail. Looks at what a query
// reads before any row: the end of each file.
Attempt<void> Archive::put_aside_unreadable(const Signal& signal) {
  auto& connection = core_.connection();
  const auto readable = [&](const std::string& files) {
    return connection.run(fmt::format("SELECT count(*) FROM read_parquet([{}])", files));
  };
  std::string all;
  for (const auto& part : parts_)
    if (part.signal == signal.name) all += (all.empty() ? "" : ", ") + quoted_path(part);
  if (all.empty()) return {};
  if (auto good = readable(all); good || good.error().invalidates()) return good;
  std::string damaged;
  std::vector<ParquetPart> left;
  for (auto& part : parts_) {
    if (part.signal != signal.name || readable(quoted_path(part))) {
      left.push_back(std::move(part));
      continue;
    }
    const auto file = core_.parquet() / part.path;
    std::error_code error;
    fs::rename(file, file.string() + ".damaged", error);
    core_.diagnostics.error(
        "sink", "a Parquet file of the store cannot be read and was put aside: its rows are missing",
        {{"file", file.string() + ".damaged"}, {"rows", std::to_string(part.rows)}});
    lost_.push_back({part.id, part.path, FileState::kUnreadable, {}});
    damaged += fmt::format("{}{}", damaged.empty() ? "" : ", ", part.id);
  }
  parts_ = std::move(left);
  if (damaged.empty()) return {};
  return connection.run(fmt::format("DELETE FROM parquet_files WHERE id IN ({})", damaged));
}

// A start that finds all as it was writes nothing: it works on a full disk.
Attempt<void> Archive::make_views() {
  auto& connection = core_.connection();
  auto found =
      read_all(connection, "SELECT view_name, comment FROM duckdb_views() WHERE comment IS NOT NULL");
  if (!found) return tl::unexpected(std::move(found.error()));
  std::map<std::string, std::string> marks;
  for (const auto& row : found->rows) marks[row[0].value_or("")] = row[1].value_or("");
  const auto derived = derived_views_sql();
  bool current = marks[std::string(kLastDerivedView)] == view_mark(derived);
  for (const auto& signal : signals())
    current = current && marks[std::string(signal.name)] == view_mark(view_sql(signal, parts_));
  if (current) return {};
  auto transaction = StoreTransaction::begin(connection);
  if (!transaction) return tl::unexpected(std::move(transaction.error()));
  Attempt<void> done;
  for (const auto& signal : signals())
    if (done) done = make_view(signal, parts_);
  if (done) done = connection.run(derived + view_mark_sql(kLastDerivedView, derived));
  return done ? transaction->commit() : done;
}

Attempt<void> Archive::start() {
  parts_.clear();
  retired_.clear();
  lost_.clear();
  next_id_ = 1;
  auto done = load_parts();
  if (done) done = adopt_files();
  if (!done) return done;
  std::sort(parts_.begin(), parts_.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  remove_leftovers();
  for (const auto& signal : signals())
    if (done) done = put_aside_unreadable(signal);
  return done ? make_views() : done;
}

}  // namespace fluxrig::sink
