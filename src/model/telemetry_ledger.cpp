#include "model/telemetry_ledger.hpp"

#include <fmt/format.h>

#include <limits>

namespace fluxrig::model {
namespace {

constexpr std::string_view kPrefix = "fluxrig.ledger.";

std::string key(std::string_view name) { return std::string(kPrefix) + std::string(name); }
std::string dropped_key(DropCause cause) { return key("dropped.") + std::string(to_string(cause)); }

Attribute number(std::string_view name, std::uint64_t value) {
  return {key(name), static_cast<std::int64_t>(value)};
}

const Value* find(const Log& log, const std::string& name) {
  for (const auto& attribute : log.attributes)
    if (attribute.key == name) return &attribute.value;
  return nullptr;
}

// Absent: 0. A number that is none, or below zero: false.
template <typename T>
bool read(const Log& log, const std::string& name, T& out) {
  const auto* value = find(log, name);
  if (value == nullptr) return true;
  const auto* number = std::get_if<std::int64_t>(value);
  if (number == nullptr || *number < 0) return false;
  if (static_cast<std::uint64_t>(*number) > std::numeric_limits<T>::max()) return false;
  out = static_cast<T>(*number);
  return true;
}

bool is_true(const Log& log, std::string_view name) {
  const auto* value = find(log, key(name));
  const auto* yes = value == nullptr ? nullptr : std::get_if<bool>(value);
  return yes != nullptr && *yes;
}

// The name of one of the values of an enumeration.
template <typename T, std::size_t N>
std::optional<T> named(const Log& log, std::string_view name) {
  const auto* value = find(log, key(name));
  const auto* text = value == nullptr ? nullptr : std::get_if<std::string>(value);
  for (std::size_t i = 0; text != nullptr && i < N; ++i)
    if (to_string(static_cast<T>(i)) == *text) return static_cast<T>(i);
  return std::nullopt;
}

// Seconds since 1970, of an hour's start.
std::optional<Hour> hour_of(const Log& log) {
  constexpr std::int64_t kSeconds = 3600;
  const auto* value = find(log, key("hour"));
  const auto* start = value == nullptr ? nullptr : std::get_if<std::int64_t>(value);
  if (start == nullptr || *start % kSeconds != 0) return std::nullopt;
  const Hour hour{*start / kSeconds};
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max() / Hour::kNanos - 1;
  if (hour.value < 0 || hour.value > kMost) return std::nullopt;
  return hour;
}

Attribute hour_attribute(Hour hour) { return {key("hour"), hour.start().value / kNanosPerSecond}; }

}  // namespace

Log to_log(const LedgerStatement& statement, UnixNanos now) {
  Log log;
  log.time = now;
  log.event_name = kLedgerEvent;
  log.attributes = {hour_attribute(statement.hour),
                    {key("signal"), std::string(to_string(statement.signal))},
                    number("produced", statement.produced)};
  std::uint64_t dropped = 0;
  for (std::size_t i = 0; i < kDropCauses; ++i) {
    if (statement.dropped[i] == 0) continue;
    dropped += statement.dropped[i];
    log.attributes.push_back(
        {dropped_key(static_cast<DropCause>(i)), static_cast<std::int64_t>(statement.dropped[i])});
  }
  if (statement.closed) log.attributes.push_back({key("closed"), true});
  if (statement.last) log.attributes.push_back({key("last"), true});
  log.body =
      fmt::format("{}: {} produced, {} dropped", to_string(statement.signal), statement.produced, dropped);
  return log;
}

Log to_log(const LostTelemetry& lost, UnixNanos now) {
  Log log;
  log.time = now;
  log.severity = 13;
  log.event_name = kLossEvent;
  log.attributes = {number("epoch", lost.epoch.value),
                    number("first", lost.first.value),
                    number("last", lost.last.value),
                    hour_attribute(lost.hour),
                    {key("cause"), std::string(to_string(lost.cause))}};
  for (const auto signal : kAllSignals)
    if (lost.counts[signal] != 0) log.attributes.push_back(number(to_string(signal), lost.counts[signal]));
  log.body = fmt::format("{} records {}", lost.counts.total(), to_string(lost.cause));
  return log;
}

std::optional<LedgerStatement> ledger_statement(const Log& log) {
  if (log.event_name != kLedgerEvent) return std::nullopt;
  const auto hour = hour_of(log);
  const auto signal = named<Signal, kSignals>(log, "signal");
  if (!hour || !signal) return std::nullopt;
  LedgerStatement statement{*hour, *signal, 0, {}, is_true(log, "closed"), is_true(log, "last")};
  if (!read(log, key("produced"), statement.produced)) return std::nullopt;
  for (std::size_t i = 0; i < kDropCauses; ++i)
    if (!read(log, dropped_key(static_cast<DropCause>(i)), statement.dropped[i])) return std::nullopt;
  return statement;
}

std::optional<LostTelemetry> lost_telemetry(const Log& log) {
  if (log.event_name != kLossEvent) return std::nullopt;
  const auto hour = hour_of(log);
  const auto cause = named<DropCause, kDropCauses>(log, "cause");
  if (!hour || !cause) return std::nullopt;
  LostTelemetry lost;
  lost.hour = *hour;
  lost.cause = *cause;
  bool good = read(log, key("epoch"), lost.epoch.value) && read(log, key("first"), lost.first.value) &&
              read(log, key("last"), lost.last.value);
  for (const auto signal : kAllSignals) good = good && read(log, key(to_string(signal)), lost.counts[signal]);
  const bool possible = lost.epoch.value != 0 && lost.first.value != 0 && lost.first <= lost.last &&
                        lost.counts.total() == lost.last.value - lost.first.value + 1;
  return good && possible ? std::optional(lost) : std::nullopt;
}

}  // namespace fluxrig::model
