// Reading the stored state of the audit chains back: at the start, and for blocks that come again.
#include <fmt/format.h>

#include <charconv>

#include "sink/duckdb/audit_tables.hpp"
#include "sink/duckdb/ledger_table.hpp"
#include "sink/duckdb/result_table.hpp"

namespace fluxrig::sink {
namespace {

using Row = std::vector<std::optional<std::string>>;

// A row's cells, one after the other; a cell that is not what it should be makes the row bad.
class Cells {
 public:
  explicit Cells(const Row& row) : row_(row) {}

  std::string_view text() {
    const auto& cell = row_[next_++];
    return cell ? std::string_view(*cell) : std::string_view();
  }
  template <typename T>
  T number() {
    T value{};
    const auto cell = text();
    if (cell.empty()) return value;  // NULL
    const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
    good_ = good_ && error == std::errc{} && end == cell.data() + cell.size();
    return value;
  }
  Sequence sequence() { return {number<std::uint64_t>()}; }
  UnixNanos time() { return {number<std::int64_t>()}; }
  bool yes() { return text() == "true"; }
  std::array<std::uint8_t, 32> bytes32() {
    std::array<std::uint8_t, 32> value{};
    const auto cell = text();
    if (cell.empty()) return value;
    const auto bytes = from_hex(cell);
    good_ = good_ && bytes && bytes->size() == value.size();
    if (good_) std::copy(bytes->begin(), bytes->end(), value.begin());
    return value;
  }
  std::optional<StreamKey> stream() {
    const auto machine = text();
    const auto epoch = text();
    auto key = stream_key(machine, "audit", epoch);
    good_ = good_ && key;
    return key;
  }
  [[nodiscard]] bool null() const { return !row_[next_]; }
  [[nodiscard]] bool good() const noexcept { return good_; }

 private:
  const Row& row_;
  std::size_t next_ = 0;
  bool good_ = true;
};

tl::unexpected<DatabaseError> bad_row(const char* message) {
  return database_error(DUCKDB_ERROR_INVALID, message);
}

Attempt<void> load_pieces(Connection& connection, AuditState& state) {
  auto rows =
      read_all(connection,
               "SELECT machine_id, epoch, rack, first_seq, next_seq, before, head, epoch_ns(arrived), "
               "given_up, checkpoints, first_names, last_statement, signed_to, epoch_ns(signed_at), drops "
               "FROM audit_heads ORDER BY machine_id, epoch, piece");
  if (!rows) return tl::unexpected(std::move(rows.error()));
  for (const auto& row : rows->rows) {
    Cells cells(row);
    const auto key = cells.stream();
    const std::string rack(cells.text());
    ChainPiece piece;
    piece.first = cells.sequence();
    piece.next = cells.sequence();
    piece.before = cells.bytes32();
    piece.head = cells.bytes32();
    piece.arrived = cells.time();
    piece.given_up = cells.yes();
    piece.checkpoints = cells.number<std::uint64_t>();
    piece.first_names = cells.bytes32();
    piece.last_statement = cells.bytes32();
    piece.signed_to = cells.sequence();
    piece.signed_at = cells.time();
    piece.drops = cells.text();
    if (!cells.good()) return bad_row("a row of the table audit_heads is not valid");
    auto& chain = state.epochs[*key];
    chain.rack = rack;
    chain.pieces.push_back(std::move(piece));
  }
  return {};
}

// "1-5 9-9"
bool parse_declared(std::string_view text, std::vector<SequencePair>& ranges) {
  while (!text.empty()) {
    SequencePair range;
    const auto* end = text.data() + text.size();
    const auto first = std::from_chars(text.data(), end, range.first.value);
    if (first.ec != std::errc{} || first.ptr == end || *first.ptr != '-') return false;
    const auto last = std::from_chars(first.ptr + 1, end, range.second.value);
    if (last.ec != std::errc{} || (last.ptr != end && *last.ptr != ' ')) return false;
    ranges.push_back(range);
    text.remove_prefix(static_cast<std::size_t>(last.ptr - text.data()));
    if (!text.empty()) text.remove_prefix(1);
  }
  return true;
}

Attempt<void> load_epochs(Connection& connection, AuditState& state) {
  auto rows = read_all(connection,
                       "SELECT machine_id, epoch, rack, declared, untracked, end_seq, end_head, "
                       "epoch_ns(end_arrived), end_given_up FROM audit_epochs ORDER BY ALL");
  if (!rows) return tl::unexpected(std::move(rows.error()));
  for (const auto& row : rows->rows) {
    Cells cells(row);
    const auto key = cells.stream();
    EpochChain read;
    read.rack = cells.text();
    const bool declared = parse_declared(cells.text(), read.declared);
    read.untracked = cells.yes();
    if (!cells.null()) {
      EpochChain::End end;
      end.next = cells.sequence();
      end.head = cells.bytes32();
      end.arrived = cells.time();
      end.given_up = cells.yes();
      read.end = end;
    }
    if (!cells.good() || !declared) return bad_row("a row of the table audit_epochs is not valid");
    auto& chain = state.epochs[*key];
    read.pieces = std::move(chain.pieces);
    chain = std::move(read);
  }
  return {};
}

constexpr std::string_view kAlarms =
    "SELECT coalesce(machine_id, '00000000-0000-0000-0000-000000000000'::UUID), coalesce(epoch, 0), id, "
    "rack, "
    "kind, first_seq, last_seq, what, count, epoch_ns(raised_at), epoch_ns(latest_at), epoch_ns(resolved_at) "
    "FROM audit_alarms WHERE ";

Attempt<std::map<std::uint64_t, AuditAlarm>> read_alarms(Connection& connection, std::string_view which) {
  std::map<std::uint64_t, AuditAlarm> alarms;
  auto rows = read_all(connection, fmt::format("{}{}", kAlarms, which));
  if (!rows) return tl::unexpected(std::move(rows.error()));
  for (const auto& row : rows->rows) {
    Cells cells(row);
    const auto key = cells.stream();
    AuditAlarm alarm;
    alarm.id = cells.number<std::uint64_t>();
    alarm.rack = cells.text();
    const auto kind = parse_alarm_kind(cells.text());
    alarm.first = cells.sequence();
    alarm.last = cells.sequence();
    alarm.what = cells.text();
    alarm.count = cells.number<std::uint64_t>();
    alarm.raised = cells.time();
    alarm.latest = cells.time();
    if (!cells.null()) alarm.resolved = cells.time();
    if (!cells.good() || !kind) return bad_row("a row of the table audit_alarms is not valid");
    alarm.stream = *key;
    alarm.kind = *kind;
    alarms.emplace(alarm.id, std::move(alarm));
  }
  return alarms;
}

Attempt<void> load_alarms(Connection& connection, AuditState& state) {
  auto open = read_alarms(connection, "resolved_at IS NULL");
  if (!open) return tl::unexpected(std::move(open.error()));
  state.open = *std::move(open);
  auto closed =
      read_alarms(connection, "id IN (SELECT alarm FROM operator_actions WHERE action = 'alarm_closed')");
  if (!closed) return tl::unexpected(std::move(closed.error()));
  std::erase_if(*closed, [](const auto& one) { return !is_standing(one.second.kind); });
  for (auto& [id, alarm] : *closed) alarm.closed = true;
  state.closed = *std::move(closed);
  auto most = read_all(connection, "SELECT coalesce(max(id), 0) + 1 FROM audit_alarms");
  if (!most) return tl::unexpected(std::move(most.error()));
  state.next_alarm = std::stoull(most->rows[0][0].value_or("1"));
  return {};
}

Attempt<void> load_keys(Connection& connection, AuditState& state) {
  auto rows =
      read_all(connection, "SELECT machine_id, from_epoch, public_key, epoch_ns(pinned_at) FROM audit_keys");
  if (!rows) return tl::unexpected(std::move(rows.error()));
  for (const auto& row : rows->rows) {
    Cells cells(row);
    const auto key = cells.stream();
    AuditKey pinned;
    pinned.key = cells.bytes32();
    pinned.pinned = cells.time();
    if (!cells.good()) return bad_row("a row of the table audit_keys is not valid");
    state.keys[{key->machine_id, key->epoch}] = pinned;
  }
  return {};
}

}  // namespace

Attempt<AuditState> load_audit(Connection& connection) {
  AuditState state;
  for (const auto load : {load_pieces, load_epochs, load_alarms, load_keys})
    if (auto done = load(connection, state); !done) return tl::unexpected(std::move(done.error()));
  return state;
}

Attempt<std::vector<KnownBlock>> find_blocks(Connection& connection, const Sink::KnownQuestion& question) {
  constexpr std::size_t kHashesAtATime = 1'000;
  std::vector<KnownBlock> known;
  for (std::size_t at = 0; at < question.hashes.size(); at += kHashesAtATime) {
    std::string list;
    for (std::size_t i = at; i < std::min(at + kHashesAtATime, question.hashes.size()); ++i)
      list += fmt::format("{}unhex('{}')", list.empty() ? "" : ", ", to_hex(question.hashes[i]));
    auto rows = read_all(
        connection,
        fmt::format("SELECT hash, previous FROM audit_blocks WHERE machine_id = {0} AND epoch = {1} AND "
                    "first_seq BETWEEN {2} AND {3} AND (hash IN ({4}) OR previous IN ({4}))",
                    quote(to_string(question.stream.machine_id)), question.stream.epoch.value,
                    question.from.value, question.to.value, list));
    if (!rows) return tl::unexpected(std::move(rows.error()));
    for (const auto& row : rows->rows) {
      Cells cells(row);
      KnownBlock block;
      block.hash = cells.bytes32();
      block.previous = cells.bytes32();
      if (!cells.good()) return bad_row("a row of the table audit_blocks is not valid");
      known.push_back(block);
    }
  }
  return known;
}

}  // namespace fluxrig::sink
