// The tables telemetry_stored (how many records of lane telemetry the store took, by machine, epoch, hour and
// signal), telemetry_stated (what racks state to have produced and dropped) and telemetry_lost (batches that
// they name as lost): docs/formats/telemetry-ledger.md. Of one batch of the ingest, in its transaction, so
// that each record counts exactly once. One thread.
#pragma once

#include <compare>
#include <map>
#include <string>
#include <tuple>

#include "model/telemetry_ledger.hpp"
#include "sink/duckdb/database.hpp"
#include "sink/sink.hpp"

namespace fluxrig::sink {

class TelemetryAccounts {
 public:
  // A record that the ledger did not know.
  void see(const IncomingBlock& block, std::size_t index);
  [[nodiscard]] Attempt<void> finish(Connection& connection) const;

 private:
  struct Account {
    MachineId machine_id;
    Epoch epoch;
    model::Hour hour;
    model::Signal signal = model::Signal::kSpans;
    friend auto operator<=>(const Account&, const Account&) = default;
  };
  struct Stored {
    std::string rack;
    std::uint64_t records = 0;
  };
  struct Stated {
    std::string rack;
    std::uint64_t sequence = 0;  // of the statement: the latest counts, in whatever order they come
    model::LedgerStatement statement;
    UnixNanos time;
    UnixNanos received;
  };
  struct Lost {
    std::string rack;
    model::LostTelemetry lost;
  };
  void see_event(const IncomingBlock& block, std::uint64_t sequence, const model::Log& log);

  std::map<Account, Stored> stored_;
  std::map<Account, Stated> stated_;
  std::map<std::tuple<MachineId, Epoch, Sequence>, Lost> lost_;
};

// Epochs that ended before this day (since 1970) in the three tables: their records are past the retention.
// An epoch that goes on keeps all its hours, which are compared with the ledger as one sum.
[[nodiscard]] Attempt<void> forget_accounts(Connection& connection, std::int64_t first_kept_day);

}  // namespace fluxrig::sink
