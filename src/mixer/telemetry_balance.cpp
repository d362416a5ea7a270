#include "mixer/telemetry_balance.hpp"

#include <algorithm>
#include <numeric>

namespace fluxrig::mixer {
namespace {

AccountState state_of(const TelemetryAccount& account) noexcept {
  if (!account.counted) return AccountState::kUncounted;
  if (account.produced && account.ended) return AccountState::kFinal;
  if (account.produced && account.closed) return AccountState::kClosed;
  return account.superseded ? AccountState::kUnfinished : AccountState::kRunning;
}

}  // namespace

std::string_view to_string(AccountState state) noexcept {
  constexpr std::array<std::string_view, 5> kNames = {"running", "closed", "final", "unfinished",
                                                      "uncounted"};
  return kNames[static_cast<std::size_t>(state)];
}

TelemetryBalance balance(const TelemetryAccount& account, bool may_come) noexcept {
  TelemetryBalance balance{state_of(account), 0, std::nullopt};
  const auto dropped = std::accumulate(account.dropped.begin(), account.dropped.end(), std::uint64_t{0});
  const auto missing = static_cast<std::int64_t>(account.produced.value_or(account.stored + dropped)) -
                       static_cast<std::int64_t>(account.stored) - static_cast<std::int64_t>(dropped);
  if (missing > 0 && may_come) balance.waiting = static_cast<std::uint64_t>(missing);
  if (balance.state == AccountState::kUnfinished || balance.state == AccountState::kUncounted) return balance;
  // What the store has and the rack did not yet state will be in its next statement.
  const std::int64_t least = balance.state == AccountState::kRunning ? 0 : missing;
  balance.unaccounted = missing > 0 ? (may_come ? 0 : missing) : std::min<std::int64_t>(least, 0);
  return balance;
}

}  // namespace fluxrig::mixer
