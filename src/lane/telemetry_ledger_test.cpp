#include "lane/telemetry_ledger.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace fluxrig::lane {
namespace {

using model::Signal;
using model::SignalCounts;

class TelemetryLedgerTest : public ::testing::Test {
 protected:
  struct Said {
    std::vector<model::LedgerStatement> statements;
    std::vector<model::LostTelemetry> lost;
  };
  Said state(TelemetryLedger::Occasion occasion = TelemetryLedger::Occasion::kRunning,
             std::size_t room = 10'000) {
    Said said;
    ledger_.state(clock_, occasion, [&](const model::Log& log) {
      if (said.statements.size() + said.lost.size() == room) return false;
      if (const auto one = model::ledger_statement(log)) said.statements.push_back(*one);
      if (const auto one = model::lost_telemetry(log)) said.lost.push_back(*one);
      return true;
    });
    return said;
  }
  [[nodiscard]] model::Hour hour() const { return model::Hour::of(clock_.now()); }
  static model::LostTelemetry lost(std::uint64_t first, std::uint64_t last) {
    return {{2}, {first}, {last}, {5}, model::DropCause::kEvicted, {{last - first + 1, 0, 0}}};
  }
  ManualClock clock_;
  TelemetryLedger ledger_;
};

TEST_F(TelemetryLedgerTest, StatesWhatChangedAndThatOnceAMinute) {
  ledger_.add_produced(hour(), {{10, 2, 0}});
  ASSERT_EQ(state().statements.size(), 2U);
  ledger_.add_produced(hour(), SignalCounts::of(Signal::kSpans, 5));
  EXPECT_TRUE(state().statements.empty()) << "too soon";
  clock_.advance(TelemetryLedger::kStateEvery);
  const auto said = state();
  ASSERT_EQ(said.statements.size(), 1U) << "the other signal did not change";
  EXPECT_EQ(said.statements[0].produced, 15U) << "cumulative";
  EXPECT_FALSE(said.statements[0].closed);
  clock_.advance(TelemetryLedger::kStateEvery);
  EXPECT_TRUE(state().statements.empty()) << "nothing changed";
}

TEST_F(TelemetryLedgerTest, DroppedRecordsCountAsProducedToo) {
  ledger_.add_produced(hour(), SignalCounts::of(Signal::kSpans, 10));
  ledger_.add_dropped(hour(), model::DropCause::kQueueFull, SignalCounts::of(Signal::kSpans, 4));
  const auto said = state();
  ASSERT_EQ(said.statements.size(), 1U);
  EXPECT_EQ(said.statements[0].produced, 14U);
  EXPECT_EQ(said.statements[0].dropped[static_cast<std::size_t>(model::DropCause::kQueueFull)], 4U);
}

TEST_F(TelemetryLedgerTest, TheEndOfAnHourIsSaidAtOnceOfEachSignalThatItHad) {
  ledger_.add_produced(hour(), {{10, 2, 0}});
  (void)state();
  const auto before = hour();
  clock_.advance(hour().end().value - clock_.now().value);
  const auto said = state();
  ASSERT_EQ(said.statements.size(), 2U);
  for (const auto& one : said.statements) {
    EXPECT_EQ(one.hour, before);
    EXPECT_TRUE(one.closed);
    EXPECT_FALSE(one.last);
  }
  clock_.advance(TelemetryLedger::kStateEvery);
  EXPECT_TRUE(state().statements.empty()) << "said once";
}

TEST_F(TelemetryLedgerTest, AnHourThatComesBackIsOpenedAgain) {
  ledger_.add_produced(hour(), SignalCounts::of(Signal::kSpans, 10));
  const auto first = hour();
  clock_.advance(model::Hour::kNanos);
  ASSERT_TRUE(state().statements.at(0).closed);
  clock_.jump(-model::Hour::kNanos);
  ledger_.add_produced(first, SignalCounts::of(Signal::kSpans, 1));
  clock_.advance(TelemetryLedger::kStateEvery);
  const auto again = state();
  ASSERT_EQ(again.statements.size(), 1U);
  EXPECT_EQ(again.statements[0].produced, 11U);
  EXPECT_FALSE(again.statements[0].closed);
}

TEST_F(TelemetryLedgerTest, TheEndOfTheEpochIsSaidEvenWhenNothingWasProduced) {
  const auto said = state(TelemetryLedger::Occasion::kLast);
  ASSERT_EQ(said.statements.size(), 1U);
  EXPECT_TRUE(said.statements[0].last);
  EXPECT_EQ(said.statements[0].produced, 0U);
}

TEST_F(TelemetryLedgerTest, TheEndOfTheEpochRepeatsNoHourThatWasClosed) {
  ledger_.add_produced(hour(), SignalCounts::of(Signal::kSpans, 10));
  clock_.advance(model::Hour::kNanos);
  (void)state();
  ledger_.add_produced(hour(), SignalCounts::of(Signal::kMetrics, 3));
  const auto said = state(TelemetryLedger::Occasion::kLast);
  ASSERT_EQ(said.statements.size(), 2U);
  for (const auto& one : said.statements) {
    EXPECT_EQ(one.hour, hour());
    EXPECT_TRUE(one.last && one.closed);
  }
}

TEST_F(TelemetryLedgerTest, WhatIsRefusedIsStatedTheNextTime) {
  ledger_.add_produced(hour(), {{10, 2, 1}});
  ledger_.add_lost(lost(1, 5));
  ledger_.add_lost(lost(9, 9));
  std::size_t said = 0;
  for (int i = 0; i < 5; ++i) {
    const auto some = state(TelemetryLedger::Occasion::kRunning, 1);
    said += some.statements.size() + some.lost.size();
  }
  EXPECT_EQ(said, 5U);
}

TEST_F(TelemetryLedgerTest, ALostRangeThatGrewIsStatedAsOne) {
  ledger_.add_lost(lost(1, 5));
  ledger_.add_lost(lost(1, 8));
  const auto said = state();
  ASSERT_EQ(said.lost.size(), 1U);
  EXPECT_EQ(said.lost[0], lost(1, 8));
}

TEST_F(TelemetryLedgerTest, IsBoundedHoweverOftenTheClockJumps) {
  for (int i = 0; i < 1000; ++i) {
    clock_.jump(model::Hour::kNanos);
    ledger_.add_produced(hour(), SignalCounts::of(Signal::kSpans, 1));
  }
  EXPECT_EQ(state().statements.size(), TelemetryLedger::kMaxHours);
}

}  // namespace
}  // namespace fluxrig::lane
