// Spans of services in the store: beside those of racks, and of no rack's ledger.
#include <gmock/gmock.h>

#include "sink/store_fixture.hpp"

namespace fluxrig::sink {
namespace {

class ReceivedSpansTest : public StoreTest {
 protected:
  std::vector<sanitize::CleanRecord> spans(std::size_t count) {
    std::vector<sanitize::CleanRecord> made;
    for (std::size_t i = 0; i < count; ++i) {
      model::Span span;
      span.trace_id = make_trace_id(random_);
      span.span_id = make_span_id(random_);
      span.name = "checkout";
      span.kind = model::SpanKind::kClient;
      span.start = clock_.now();
      span.end = {clock_.now().value + 5};
      span.attributes = {{"service.name", std::string("web")}, {"service.name", std::string("second")}};
      made.push_back(sanitize::clean(std::move(span)));
    }
    return made;
  }
  Result<void> receive(const std::vector<sanitize::CleanRecord>& made, std::uint64_t first) {
    return sink().store_received({made, {7}, {first}, clock_.now()});
  }
};

TEST_F(ReceivedSpansTest, StandBesideThoseOfRacksWithoutRackOrMachine) {
  open();
  auto made = spans(2);
  made.push_back(sanitize::clean(model::Log{}));  // no span: left out
  ASSERT_TRUE(receive(made, 11));
  const auto table = select(
      "SELECT flux_id, machine_id, rack, gear, lane, epoch, seq, name, kind, duration_ns, "
      "attributes['service.name'], "
      "is_root FROM spans ORDER BY seq");
  ASSERT_EQ(table.rows.size(), 2U);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(table.rows[0][i], std::nullopt) << i;
  EXPECT_EQ(table.rows[0][4], "received");
  EXPECT_EQ(table.rows[0][5], "7");
  EXPECT_EQ(table.rows[0][6], "11");
  EXPECT_EQ(table.rows[1][6], "12");
  EXPECT_EQ(table.rows[0][7], "checkout");
  EXPECT_EQ(table.rows[0][8], "client");
  EXPECT_EQ(table.rows[0][9], "5");
  EXPECT_EQ(table.rows[0][10], "web");
  EXPECT_EQ(table.rows[0][11], "false");
  EXPECT_EQ(cell("SELECT count(*) FROM ledger"), "0");
  EXPECT_EQ(cell("SELECT count(*) FROM telemetry_stored"), "0");
}

TEST_F(ReceivedSpansTest, AFailureLeavesNothingBehindAndTheNextOneWorks) {
  bool failing = true;
  options_.fail_point = [&](std::string_view step) { return failing && step == "received.rows"; };
  open();
  EXPECT_FALSE(receive(spans(3), 1));
  failing = false;
  EXPECT_EQ(cell("SELECT count(*) FROM spans"), "0");
  ASSERT_TRUE(receive(spans(3), 1));
  EXPECT_EQ(cell("SELECT count(*) FROM spans"), "3");
}

TEST_F(ReceivedSpansTest, GoToParquetWithTheirHourAndANewDatabaseTakesThemOver) {
  open();
  ASSERT_TRUE(receive(spans(4), 1));
  store(block(1, {model::Span{}, model::Span{}}, model::Lane::kTelemetry));
  clock_.advance(4 * kHour);
  maintain_fully();
  EXPECT_EQ(cell("SELECT count(*) FROM hot_child_spans"), "0");
  EXPECT_EQ(cell("SELECT count(*) FROM spans WHERE lane = 'received'"), "4");
  store_.reset();
  for (const auto* name : {"store.duckdb", "store.duckdb.wal"})
    std::filesystem::remove(options_.directory / name);
  open();
  EXPECT_EQ(cell("SELECT count(*) FROM spans WHERE lane = 'received'"), "4");
  EXPECT_EQ(sink().ledger().size(), 1U) << "the rack's stream, and nothing of services";
}

}  // namespace
}  // namespace fluxrig::sink
