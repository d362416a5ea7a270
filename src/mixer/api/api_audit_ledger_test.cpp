// GET /api/v1/audit/ledger over a real store.
#include <gmock/gmock.h>

#include "mixer/api/api_audit.hpp"
#include "model/telemetry_ledger.hpp"
#include "sink/store_fixture.hpp"

namespace fluxrig::mixer {
namespace {

using model::DropCause;
using ::testing::HasSubstr;
using ::testing::Not;

class ApiAuditLedgerTest : public sink::StoreTest {
 protected:
  ApiAuditLedgerTest() { open(); }

  void telemetry(std::uint64_t first, std::size_t spans, std::uint32_t epoch = 1) {
    auto one = block(first, std::vector<model::Record>(spans, model::Record(model::Span{})),
                     model::Lane::kTelemetry);
    one.head.time = clock_.now();
    one.head.epoch = {epoch};
    store(one);
  }
  void state(std::uint64_t produced, std::uint64_t queue_full, bool closed, std::uint32_t epoch = 1) {
    model::LedgerStatement statement;
    statement.hour = model::Hour::of(clock_.now());
    statement.produced = produced;
    statement.dropped[static_cast<std::size_t>(DropCause::kQueueFull)] = queue_full;
    statement.closed = closed;
    event(model::to_log(statement, clock_.now()), epoch);
  }
  void lose(std::uint64_t first, std::uint64_t last) {
    event(model::to_log(model::LostTelemetry{{1},
                                             {first},
                                             {last},
                                             model::Hour::of(clock_.now()),
                                             DropCause::kEvicted,
                                             {{last - first + 1, 0, 0}}},
                        clock_.now()),
          1);
  }
  void event(const model::Log& log, std::uint32_t epoch) {
    auto one = block(++audit_sequence_, {model::Record(log)});
    one.head.epoch = {epoch};
    store(one);
  }
  // The rack says that it holds nothing, and the stream is empty.
  void heartbeat(std::string status_json) {
    presence_.heartbeat(machine_, "edge", {{1}, std::move(status_json), std::nullopt}, clock_.now());
  }
  void everything_has_arrived() {
    clock_.advance(60 * kNanosPerSecond);
    heartbeat(R"({"telemetry":{"held_since":0}})");
  }
  ApiResponse ask(std::vector<std::pair<std::string, std::string>> query = {}) {
    counters_.pulling.store(true);
    const ApiParts parts{store_->queries(), presence_, racks_, counters_, tail_, clock_, "", {}, "", {}, [] {
                           Readiness readiness;
                           readiness.bus_connected = true;
                           readiness.streams.push_back({"FLUX_TELEMETRY", 0, 0, 1, {}});
                           return readiness;
                         }};
    ApiRequest request;
    request.method = "GET";
    request.query = std::move(query);
    return audit_response(parts, "ledger", request);
  }

  std::uint64_t audit_sequence_ = 0;
  Presence presence_;
  RackIndex racks_;
  IngestCounters counters_;
  TailHub tail_;
};

TEST_F(ApiAuditLedgerTest, AnHourIsExactWhenEverythingIsStoredOrDropped) {
  telemetry(1, 90);
  state(100, 10, true);
  const auto body = ask().body.text();
  EXPECT_THAT(body, HasSubstr(R"("signal":"spans","state":"closed","produced":100,"stored":90,)"
                              R"("dropped":{"queue_full":10},"waiting":0,"unaccounted":0)"));
  EXPECT_THAT(body, HasSubstr(R"("exact":true)"));
}

TEST_F(ApiAuditLedgerTest, WhatIsMissingWaitsUntilItCannotComeAnyMore) {
  telemetry(1, 90);
  state(100, 5, true);
  EXPECT_THAT(ask().body.text(), HasSubstr(R"("waiting":5,"unaccounted":0)"));
  everything_has_arrived();
  const auto body = ask().body.text();
  EXPECT_THAT(body, HasSubstr(R"("waiting":0,"unaccounted":5)"));
  EXPECT_THAT(body, HasSubstr(R"("exact":false)"));
}

TEST_F(ApiAuditLedgerTest, WhatTheRackStillHoldsOfThatHourMayCome) {
  telemetry(1, 90);
  state(100, 5, true);
  everything_has_arrived();
  const auto held = model::Hour::of(clock_.now()).start().value;
  heartbeat("{\"telemetry\":{\"held_since\":" + std::to_string(held) + "}}");
  EXPECT_THAT(ask().body.text(), HasSubstr(R"("waiting":5,"unaccounted":0)"));
  const auto later = held + model::Hour::kNanos;
  heartbeat("{\"telemetry\":{\"held_since\":" + std::to_string(later) + "}}");
  EXPECT_THAT(ask().body.text(), HasSubstr(R"("waiting":0,"unaccounted":5)"));
}

TEST_F(ApiAuditLedgerTest, ALostBatchThatWasStoredAfterAllCountsOnce) {
  telemetry(1, 10);
  telemetry(21, 10);
  lose(11, 20);
  lose(21, 30);
  state(30, 0, true);
  const auto body = ask().body.text();
  EXPECT_THAT(body, HasSubstr(R"("produced":30,"stored":20,"dropped":{"evicted":10},"waiting":0)"));
  EXPECT_THAT(body, HasSubstr(R"("exact":true)"));
}

TEST_F(ApiAuditLedgerTest, AnEpochThatEndedWithoutItsLastStatementIsNotExact) {
  telemetry(1, 10);
  state(5, 0, false);
  EXPECT_THAT(ask().body.text(), HasSubstr(R"("state":"running")"));
  EXPECT_THAT(ask().body.text(), HasSubstr(R"("exact":true)"));
  telemetry(1, 1, 2);
  const auto body = ask().body.text();
  EXPECT_THAT(body, HasSubstr(R"("epoch":1,"signal":"spans","state":"unfinished")"));
  EXPECT_THAT(body, HasSubstr(R"("unaccounted":null)"));
  EXPECT_THAT(body, HasSubstr(R"("exact":false)"));
}

TEST_F(ApiAuditLedgerTest, MoreThanTheRackProducedIsNotExact) {
  telemetry(1, 11);
  state(10, 0, true);
  EXPECT_THAT(ask().body.text(), HasSubstr(R"("waiting":0,"unaccounted":-1)"));
  EXPECT_THAT(ask().body.text(), HasSubstr(R"("exact":false)"));
}

TEST_F(ApiAuditLedgerTest, OneHourAndOneRackCanBeAskedFor) {
  telemetry(1, 10);
  state(10, 0, true);
  const auto first = to_rfc3339(model::Hour::of(clock_.now()).start());
  clock_.advance(model::Hour::kNanos);
  telemetry(11, 7);
  state(7, 0, true);
  const auto hour = ask({{"hour", "0s"}}).body.text();
  EXPECT_THAT(hour, HasSubstr(R"("stored":7)"));
  EXPECT_THAT(hour, Not(HasSubstr(R"("stored":10)")));
  EXPECT_THAT(ask({{"hour", first}}).body.text(), HasSubstr(R"("stored":10)"));
  EXPECT_THAT(ask({{"since", first}}).body.text(), HasSubstr(R"("stored":7)"));
  EXPECT_EQ(ask({{"rack", "other"}}).body.text(), "{\"ledger\":[],\"exact\":true,\"truncated\":false}\n");
  EXPECT_EQ(ask({{"hour", "soon"}}).status, 400);
  EXPECT_EQ(ask({{"epoch", "1"}}).status, 400);
}

}  // namespace
}  // namespace fluxrig::mixer
