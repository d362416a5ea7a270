// One line of the telemetry's ledger: what a rack states to have produced and dropped in one hour, held
// against what the store counted. docs/formats/telemetry-ledger.md. Pure; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "model/telemetry.hpp"

namespace fluxrig::mixer {

struct TelemetryAccount {
  std::optional<std::uint64_t> produced;  // nullopt: the rack has stated nothing yet
  std::uint64_t stored = 0;
  std::array<std::uint64_t, model::kDropCauses> dropped{};
  bool closed = false;      // the rack says that the hour is over
  bool ended = false;       // the rack has said the last of this epoch
  bool superseded = false;  // the rack has begun a later epoch
  bool counted = true;      // the store's count covers all of the epoch
};

enum class AccountState : std::uint8_t {
  kRunning,     // the statement may be a minute old: more may be stored than it says
  kClosed,      // the hour is over
  kFinal,       // the epoch is over, in good order
  kUnfinished,  // the rack died before it could say the last of it
  kUncounted,   // the store was made anew, or is older than its counting
};
[[nodiscard]] std::string_view to_string(AccountState state) noexcept;

struct TelemetryBalance {
  AccountState state = AccountState::kRunning;
  std::uint64_t waiting = 0;                // at the rack or in the stream
  std::optional<std::int64_t> unaccounted;  // nullopt: nobody can know
  [[nodiscard]] bool exact() const noexcept { return unaccounted == 0; }
};
// `may_come`: what is missing may still be at the rack or in the stream.
[[nodiscard]] TelemetryBalance balance(const TelemetryAccount& account, bool may_come) noexcept;

}  // namespace fluxrig::mixer
