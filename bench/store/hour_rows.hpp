// An hour of one rack's records as SQL that inserts them into the hot tables, in the shape that ingest
// stores: card payments with 8 attributes, three child spans each with 2, the audit blocks that brought them
// and a checkpoint each 5 s. Ids follow from the number of a transaction. Values only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"

namespace fluxrig::bench {

inline constexpr std::string_view kMachine = "0192f3c1-7a44-7c10-9a51-3d5e0c9b1f02";

struct HourOfRows {
  std::int64_t start_micros = 0;
  std::uint64_t first = 0;  // number of its first transaction
  std::uint64_t count = 0;
  std::int64_t apart_nanos = 0;  // from one transaction to the next

  [[nodiscard]] std::vector<std::string> insert_sql() const;
};

// What ledger, chain and presence say when all of that has come.
struct Standing {
  std::uint64_t transactions = 0;
  UnixNanos now;
};
[[nodiscard]] std::string standing_sql(const Standing& standing);

}  // namespace fluxrig::bench
