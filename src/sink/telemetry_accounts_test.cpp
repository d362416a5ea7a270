// What the store counts of lane telemetry, and what it keeps of the racks' own statements.
#include "model/telemetry_ledger.hpp"
#include "sink/store_fixture.hpp"

namespace fluxrig::sink {
namespace {

using model::DropCause;
using model::Signal;

class TelemetryAccountsTest : public StoreTest {
 protected:
  void SetUp() override { open(); }

  IncomingBlock telemetry(std::uint64_t first, std::size_t spans, std::size_t metrics) {
    std::vector<model::Record> records;
    for (std::size_t i = 0; i < spans; ++i) records.emplace_back(model::Span{});
    for (std::size_t i = 0; i < metrics; ++i) records.emplace_back(model::MetricPoint{});
    auto one = block(first, std::move(records), model::Lane::kTelemetry);
    one.head.time = clock_.now();
    return one;
  }
  IncomingBlock event(std::uint64_t sequence, const model::Log& log) {
    return block(sequence, {model::Record(log)});
  }
  model::LedgerStatement statement(std::uint64_t produced) {
    model::LedgerStatement one;
    one.hour = model::Hour::of(clock_.now());
    one.produced = produced;
    one.dropped[static_cast<std::size_t>(DropCause::kQueueFull)] = produced / 10;
    return one;
  }
  std::string stored(std::string_view signal) {
    return cell("SELECT sum(records) FROM telemetry_stored WHERE signal = $1", {std::string(signal)});
  }
};

TEST_F(TelemetryAccountsTest, EachRecordCountsOnceHoweverOftenItComes) {
  store(telemetry(1, 8, 2));
  store(telemetry(1, 8, 2));
  store(telemetry(11, 5, 0));
  EXPECT_EQ(stored("spans"), "13");
  EXPECT_EQ(stored("metrics"), "2");
}

TEST_F(TelemetryAccountsTest, TheBlocksTimeDecidesTheHour) {
  store(telemetry(1, 3, 0));
  clock_.advance(kHour);
  store(telemetry(4, 4, 0));
  EXPECT_EQ(cell("SELECT string_agg(records::VARCHAR, ' ' ORDER BY hour_start) FROM telemetry_stored"),
            "3 4");
}

// An epoch that goes on keeps its hours: its sum is held against the ledger.
TEST_F(TelemetryAccountsTest, AccountsGoWithTheLastHourOfTheirEpoch) {
  options_.retention_days = 2;
  open();
  const auto of_epoch = [this](std::uint32_t epoch, std::uint64_t first) {
    auto one = telemetry(first, 1, 0);
    one.head.epoch = {epoch};
    return one;
  };
  store(of_epoch(1, 1));
  store(of_epoch(2, 1));
  for (int day = 0; day < 5; ++day) {
    clock_.advance(24 * kHour);
    store(of_epoch(2, 2 + static_cast<std::uint64_t>(day)));
    for (int step = 0; step < 100; ++step) {
      const auto more = sink().maintain(clock_.now());
      ASSERT_TRUE(more);
      if (!*more) break;
    }
  }
  EXPECT_EQ(cell("SELECT string_agg(DISTINCT epoch::VARCHAR, ' ') FROM telemetry_stored"), "2");
  EXPECT_EQ(cell("SELECT sum(records) FROM telemetry_stored"), "6");
}

TEST_F(TelemetryAccountsTest, AFailedCommitCountsNothingAndTheNextTryOnce) {
  bool failing = true;
  options_.fail_point = [&](std::string_view step) { return failing && step == "commit.audit"; };
  open();
  const auto one = telemetry(1, 8, 2);
  EXPECT_FALSE(sink().commit({&one, 1}));
  failing = false;
  EXPECT_EQ(stored("spans"), "NULL");
  store(one);
  EXPECT_EQ(stored("spans"), "8");
}

TEST_F(TelemetryAccountsTest, CountsOutliveARestart) {
  store(telemetry(1, 8, 2));
  open();
  store(telemetry(11, 1, 0));
  EXPECT_EQ(stored("spans"), "9");
}

TEST_F(TelemetryAccountsTest, RecordsOfTheAuditLaneAreNotCounted) {
  store(transactions(1, 3));
  EXPECT_EQ(cell("SELECT count(*) FROM telemetry_stored"), "0");
}

TEST_F(TelemetryAccountsTest, TheLatestStatementCountsInWhateverOrderTheyCome) {
  store(event(1, to_log(statement(100), clock_.now())));
  store(event(7, to_log(statement(300), clock_.now())));
  store(event(5, to_log(statement(200), clock_.now())));
  EXPECT_EQ(cell("SELECT produced FROM telemetry_stated"), "300");
  EXPECT_EQ(cell("SELECT queue_full FROM telemetry_stated"), "30");
  auto closed = statement(300);
  closed.closed = true;
  closed.last = true;
  store(event(8, to_log(closed, clock_.now())));
  EXPECT_EQ(cell("SELECT closed AND last FROM telemetry_stated"), "true");
}

TEST_F(TelemetryAccountsTest, StatementsInOneBatchAreTakenInTheirOrder) {
  std::vector<IncomingBlock> batch;
  batch.push_back(event(2, to_log(statement(200), clock_.now())));
  batch.push_back(event(1, to_log(statement(100), clock_.now())));
  ASSERT_TRUE(sink().commit(batch));
  EXPECT_EQ(cell("SELECT produced FROM telemetry_stated"), "200");
}

TEST_F(TelemetryAccountsTest, ALostRangeThatIsStatedAgainIsKnownByItsBeginning) {
  const auto hour = model::Hour::of(clock_.now());
  const auto lost = [&](std::uint64_t last) {
    return model::LostTelemetry{{1}, {11}, {last}, hour, DropCause::kEvicted, {{last - 10, 0, 0}}};
  };
  store(event(1, to_log(lost(20), clock_.now())));
  store(event(2, to_log(lost(50), clock_.now())));
  store(event(3, to_log(lost(20), clock_.now())));
  EXPECT_EQ(cell("SELECT count(*) || ' ' || max(last_seq) || ' ' || sum(spans) FROM telemetry_lost"),
            "1 50 40");
}

// Only the audit lane speaks for the rack.
TEST_F(TelemetryAccountsTest, AStatementInTheTelemetryLaneSaysNothing) {
  auto one = block(1, {model::Record(to_log(statement(100), clock_.now()))}, model::Lane::kTelemetry);
  one.head.time = clock_.now();
  store(one);
  EXPECT_EQ(cell("SELECT count(*) FROM telemetry_stated"), "0");
  EXPECT_EQ(stored("logs"), "1");
}

TEST_F(TelemetryAccountsTest, ARackNameOfAnyBytesIsStored) {
  auto one = telemetry(1, 1, 0);
  one.rack = "o'brien";
  store(one);
  EXPECT_EQ(cell("SELECT rack FROM telemetry_stored"), "o'brien");
}

}  // namespace
}  // namespace fluxrig::sink
