// Of single audit records: whether their chain is whole up to them, and which checkpoint signs them.
#include <fmt/core.h>

#include <charconv>
#include <utility>

#include "mixer/api/api_audit.hpp"

namespace fluxrig::mixer {
namespace {

// A trace has a record for each rack; a machine's list has a few.
constexpr std::size_t kMostRecords = 64;
// A checkpoint comes within seconds: that is how far ahead it is looked for.
constexpr std::uint64_t kCheckpointWithin = 1'000'000;

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

std::optional<std::string> checkpoint_after(sink::Queries& queries, const std::string& machine,
                                            std::uint64_t epoch, std::uint64_t sequence) {
  const auto table = queries.select(
      fmt::format(
          "SELECT min(first_seq) FROM audit_blocks WHERE machine_id = CAST($1 AS UUID) AND epoch = {} "
          "AND kind = 'checkpoint' AND first_seq BETWEEN {} AND {}",
          epoch, sequence + 1, sequence + kCheckpointWithin),
      std::vector<std::string>{machine}, sink::QueryLimits{});
  return table && !table->rows.empty() ? table->rows[0][0] : std::nullopt;
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
      const auto machine = row[columns.machine_id].value_or("");
      const auto epoch = number(row[columns.epoch]);
      const auto sequence = number(row[columns.sequence]);
      auto [known, fresh] = heads.try_emplace({machine, epoch});
      if (fresh) known->second = head_of(queries, machine, epoch);
      verified = sequence < known->second.next ? "true" : "false";
      if (sequence < known->second.signed_to)
        checkpoint = checkpoint_after(queries, machine, epoch, sequence);
    }
    row.push_back(std::move(verified));
    row.push_back(std::move(checkpoint));
  }
}

}  // namespace fluxrig::mixer
