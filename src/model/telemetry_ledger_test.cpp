#include "model/telemetry_ledger.hpp"

#include <gtest/gtest.h>

#include "model/record_codec.hpp"

namespace fluxrig::model {
namespace {

constexpr UnixNanos kNow{1'700'000'000 * kNanosPerSecond};

// As it arrives: through the record's bytes.
Log travelled(const Log& log) {
  Bytes bytes;
  encode(Record(log), bytes);
  const auto decoded = decode(bytes);
  EXPECT_TRUE(decoded);
  return decoded ? std::get<Log>(*decoded) : Log{};
}

LedgerStatement statement() {
  LedgerStatement one{Hour::of(kNow), Signal::kMetrics, 1000, {}, true, false};
  one.dropped[static_cast<std::size_t>(DropCause::kQueueFull)] = 12;
  one.dropped[static_cast<std::size_t>(DropCause::kRestrictedSampling)] = 3;
  return one;
}

LostTelemetry lost() { return {{7}, {101}, {110}, Hour::of(kNow), DropCause::kEvicted, {{8, 2, 0}}}; }

TEST(TelemetryHour, IsTheOneThatHoldsTheTime) {
  EXPECT_EQ(Hour::of({0}).value, 0);
  EXPECT_EQ(Hour::of({Hour::kNanos - 1}).value, 0);
  EXPECT_EQ(Hour::of({Hour::kNanos}).value, 1);
  EXPECT_EQ(Hour::of({-1}).value, -1);
  EXPECT_EQ(Hour::of({-Hour::kNanos}).value, -1);
}

TEST(TelemetryLedgerEvent, AStatementArrivesAsItWasMade) {
  EXPECT_EQ(ledger_statement(travelled(to_log(statement(), kNow))), statement());
  auto last = statement();
  last.last = true;
  last.closed = false;
  EXPECT_EQ(ledger_statement(travelled(to_log(last, kNow))), last);
}

TEST(TelemetryLedgerEvent, ALossArrivesAsItWasMade) {
  EXPECT_EQ(lost_telemetry(travelled(to_log(lost(), kNow))), lost());
}

TEST(TelemetryLedgerEvent, OneIsNotTheOther) {
  EXPECT_FALSE(lost_telemetry(to_log(statement(), kNow)));
  EXPECT_FALSE(ledger_statement(to_log(lost(), kNow)));
}

TEST(TelemetryLedgerEvent, WhatCannotBeIsNoStatement) {
  for (const std::string_view broken : {"fluxrig.ledger.hour", "fluxrig.ledger.signal",
                                        "fluxrig.ledger.produced", "fluxrig.ledger.dropped.queue_full"}) {
    auto log = to_log(statement(), kNow);
    for (auto& attribute : log.attributes)
      if (attribute.key == broken) attribute.value = std::int64_t{-1};
    EXPECT_FALSE(ledger_statement(log)) << broken;
  }
}

TEST(TelemetryLedgerEvent, ALossMustCountWhatItNames) {
  auto other = lost();
  other.counts[Signal::kSpans] += 1;
  EXPECT_FALSE(lost_telemetry(to_log(other, kNow)));
  other = lost();
  other.first = {0};
  EXPECT_FALSE(lost_telemetry(to_log(other, kNow)));
}

TEST(TelemetryLedgerEvent, ACauseOfALaterVersionIsPassedOver) {
  auto log = to_log(statement(), kNow);
  log.attributes.push_back({"fluxrig.ledger.dropped.meteor", std::int64_t{5}});
  EXPECT_EQ(ledger_statement(log), statement());
}

}  // namespace
}  // namespace fluxrig::model
