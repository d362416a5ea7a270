// Of single audit records: whether their chain is whole up to them, and which checkpoint signs them.
#include <fmt/core.h>

#include <charconv>
#include <utility>

#include "mixer/api/api_audit.hpp"
#include "mixer/api/statement.hpp"

namespace fluxrig::mixer {
namespace {

// A trace has a record for each rack; a machine's list has a few.
constexpr std::size_t kMostRecords = 64;
// A checkpoint comes within seconds: that is how far ahead it is looked for.
constexpr std::uint64_t kCheckpointWithin = 1'000'000;
constexpr std::int64_t kCheckpointSoon = 600 * kNanosPerSecond;

struct Head {
  std::uint64_t next = 0;
  std::uint64_t signed_to = 0;
};

std::uint64_t number(const std::optional<std::string>& cell) {
  std::uint64_t value = 0;
  if (cell) (void)std::from_chars(cell->data(), cell->data() + cell->size(), value);
  return value;
}

Head head_of(sink::Queries& queries, const std::string& machine, std::uint64_t epoch) {
  const auto table = queries.select(
      fmt::format(
          "SELECT next_seq, signed_to FROM audit_heads WHERE machine_id = CAST($1 AS UUID) AND epoch = "
          "{} AND piece = 0 AND before = repeat('0', 64)",
          epoch),
      std::vector<std::string>{machine}, sink::QueryLimits{});
  if (!table || table->rows.empty()) return {};
  return {number(table->rows[0][0]), number(table->rows[0][1])};
}

struct Place {
  std::string machine;
  std::uint64_t epoch = 0;
  std::uint64_t sequence = 0;
  std::optional<UnixNanos> answered;
};

// Its checkpoint is of the same hour, or of the next one; only where a clock went wrong is it filed
// elsewhere.
std::optional<std::string> checkpoint_after(sink::Queries& queries, const Place& place) {
  const auto sql = fmt::format(
      "SELECT min(first_seq) FROM audit_blocks WHERE machine_id = CAST($1 AS UUID) AND epoch = {} "
      "AND kind = 'checkpoint' AND first_seq BETWEEN {} AND {}",
      place.epoch, place.sequence + 1, place.sequence + kCheckpointWithin);
  const std::vector<std::string> parameters{place.machine};
  const auto first = [](const Outcome<sink::QueryTable>& table) {
    return table && !table->rows.empty() ? table->rows[0][0] : std::nullopt;
  };
  if (place.answered) {
    const UnixNanos until{place.answered->value + kCheckpointSoon};
    const sink::Nearby hours{.by = sink::Nearby::By::kHours, .from = *place.answered, .to = until};
    if (auto found = first(queries.select_near(hours, sql, parameters, sink::QueryLimits{}))) return found;
  }
  return first(queries.select(sql, parameters, sink::QueryLimits{}));
}

}  // namespace

void add_chain_standing(sink::Queries& queries, sink::QueryTable& records, const RecordColumns& columns) {
  records.columns.push_back({"chain_verified", "BOOLEAN", false});
  records.columns.push_back({"checkpoint", "UBIGINT", true});
  std::map<std::pair<std::string, std::uint64_t>, Head> heads;
  std::size_t looked = 0;
  for (auto& row : records.rows) {
    std::optional<std::string> verified;
    std::optional<std::string> checkpoint;
    if (looked++ < kMostRecords) {
      const Place place{row[columns.machine_id].value_or(""), number(row[columns.epoch]),
                        number(row[columns.sequence]), parse_time(row[columns.answered_at].value_or(""), {})};
      auto [known, fresh] = heads.try_emplace({place.machine, place.epoch});
      if (fresh) known->second = head_of(queries, place.machine, place.epoch);
      verified = place.sequence < known->second.next ? "true" : "false";
      if (place.sequence < known->second.signed_to) checkpoint = checkpoint_after(queries, place);
    }
    row.push_back(std::move(verified));
    row.push_back(std::move(checkpoint));
  }
}

}  // namespace fluxrig::mixer
