// Re-reads the listed files, a few at a time, so that each is held against its hash at least once a day.
#include <fmt/format.h>

#include <algorithm>

#include "sink/duckdb/archive.hpp"

namespace fluxrig::sink {
namespace {

constexpr std::int64_t kDueAfter = 12 * 3'600 * kNanosPerSecond;
// Those that are due are read within this: with kDueAfter, a day.
constexpr std::int64_t kRoundTakes = 11 * 3'600 * kNanosPerSecond;
constexpr std::int64_t kStepsApart = 5 * kNanosPerSecond;
constexpr std::int64_t kLongestApart = 60 * kNanosPerSecond;  // as the mixer calls when it is busy
constexpr std::uint64_t kLeastBytesOfStep = 8U << 20;
constexpr std::size_t kLeastFilesOfStep = 64;
constexpr std::int64_t kAgainAfter = 60 * kNanosPerSecond;

bool is_due(const ParquetPart& part, UnixNanos now) {
  return part.checked.value > now.value || now.value - part.checked.value >= kDueAfter;
}

}  // namespace

// What a step reads grows with the store, so that a round is done in time whatever its size.
std::vector<PartCheck> Archive::check_parts(UnixNanos now) {
  const auto at = core_.clock.monotonic();
  const auto since = last_check_ ? at.value - last_check_->value : kStepsApart;
  if (since < kStepsApart) return {};
  last_check_ = at;
  std::vector<ParquetPart*> due;
  std::uint64_t all_bytes = 0;
  for (auto& part : parts_) {
    all_bytes += part.bytes;
    if (is_due(part, now)) due.push_back(&part);
  }
  std::stable_sort(due.begin(), due.end(),
                   [](const auto* a, const auto* b) { return a->checked < b->checked; });
  const auto steps = static_cast<std::uint64_t>(kRoundTakes / std::min(since, kLongestApart));
  const auto most_bytes = std::max(kLeastBytesOfStep, all_bytes / steps + 1);
  const auto most_files = std::max<std::size_t>(kLeastFilesOfStep, parts_.size() / steps + 1);
  std::vector<PartCheck> checks;
  std::uint64_t bytes = 0;
  for (auto* part : due) {
    if (bytes >= most_bytes || checks.size() >= most_files) break;
    auto check = check_file(core_.parquet() / part->path, part->hash);
    if (!check) {
      core_.diagnostics.warn("sink", "a Parquet file could not be checked; trying again",
                             {{"file", part->path}, {"cause", to_string(check.error())}});
      part->checked = {now.value - kDueAfter + kAgainAfter};
      break;
    }
    check->id = part->id;
    check->path = part->path;
    bytes += part->bytes;
    checks.push_back(*std::move(check));
  }
  return checks;
}

Attempt<void> Archive::note_checked(const std::vector<PartCheck>& checks, UnixNanos now) {
  std::string ids;
  std::string sql;
  for (const auto& check : checks) {
    ids += fmt::format("{}{}", ids.empty() ? "" : ", ", check.id);
    if (check.state == FileState::kUnhashed)
      sql += fmt::format("UPDATE parquet_files SET sha256 = {} WHERE id = {};",
                         quote(to_hex(check.found.hash)), check.id);
  }
  return core_.connection().run(
      sql +
      fmt::format("UPDATE parquet_files SET checked_at = make_timestamp_ns({}::BIGINT) WHERE id IN ({});",
                  std::max<std::int64_t>(now.value, 0), ids));
}

void Archive::take_checked(const std::vector<PartCheck>& checks, UnixNanos now) {
  for (const auto& check : checks) {
    const auto part = std::find_if(parts_.begin(), parts_.end(),
                                   [&](const ParquetPart& one) { return one.id == check.id; });
    if (part == parts_.end()) continue;
    part->checked = now;
    part->altered = check.state != FileState::kGood && check.state != FileState::kUnhashed;
    if (check.state == FileState::kUnhashed) part->hash = check.found.hash;
  }
}

}  // namespace fluxrig::sink
