// What operators decide, from the API through the ingest thread's half into a real DuckDB and back.
#include "mixer/decision.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <future>
#include <thread>

#include "mixer/api/api_audit.hpp"
#include "mixer/ingest.hpp"
#include "mixer/test_chain.hpp"
#include "sink/store_fixture.hpp"
#include "snake/subjects.hpp"

namespace fluxrig::mixer {
namespace {

using testing::ChainRack;
using ::testing::HasSubstr;
using ::testing::Not;

// Takes everything and says nothing.
class SilentBus final : public snake::Bus {
 public:
  Result<void> publish_stream(snake::Outgoing, snake::PublishDone) override { return {}; }
  Result<void> publish(std::string_view, const sanitize::CleanBytes&) override { return {}; }
  Result<Bytes> request(std::string_view, const sanitize::CleanBytes&, std::chrono::milliseconds) override {
    return Bytes{};
  }
  Result<std::unique_ptr<snake::Subscription>> subscribe(std::string_view, snake::DeliveryHandler) override {
    return fail(ErrorCode::kUnsupported, "not in this test");
  }
  Result<void> acknowledge(std::string_view) override { return {}; }
  Result<void> redeliver_after(std::string_view, std::chrono::milliseconds) override { return {}; }
  Result<void> terminate(std::string_view) override { return {}; }
  bool connected() const noexcept override { return true; }
  std::size_t unacknowledged() const noexcept override { return 0; }
};

class DecisionTest : public sink::StoreTest {
 protected:
  DecisionTest() : rack_(machine_) {
    racks_.replace({{machine_, "edge"}});
    rack_.time = clock_.now();
    start();
  }
  void start() {
    ingest_.reset();
    open();
    ingest_ = std::make_unique<Ingest>(
        Ingest::Parts{sink(), bus_, racks_, clock_, diagnostics_, counters_, nullptr, &desk_},
        IngestLimits{});
    ingest_->watch_presence([](const MachineId&) { return std::optional(UnixNanos{}); });
  }
  void send(const std::vector<Bytes>& blocks) {
    for (const auto& block : blocks) {
      snake::Delivery delivery;
      delivery.subject = snake::audit_subject(machine_);
      delivery.payload = block;
      delivery.reply = "reply";
      ingest_->add(std::move(delivery), model::Lane::kAudit);
    }
    ASSERT_TRUE(ingest_->flush());
  }
  // The rack was here all the time, so what is missing by now is a gap.
  void look() {
    clock_.advance(121 * kNanosPerSecond);
    ASSERT_TRUE(ingest_->look_for_gaps());
  }
  // On a thread of the API, while this one is the ingest thread.
  [[nodiscard]] ApiResponse ask(const char* method, const std::string& target, const std::string& body = {}) {
    ApiRequest request;
    request.method = method;
    request.body = body;
    EXPECT_TRUE(parse_target(target, request));
    ApiParts parts{store_->queries(), presence_, racks_, counters_, tail_, clock_, "", {}, "", {}, {}};
    parts.decisions = &desk_;
    auto response = std::async(std::launch::async, [&] {
      return audit_response(parts, std::string_view(request.path).substr(14), request);
    });
    while (response.wait_for(std::chrono::milliseconds(1)) != std::future_status::ready)
      ingest_->answer_decisions();
    return response.get();
  }
  [[nodiscard]] ApiResponse close(int alarm,
                                  const std::string& body = R"({"who":"ana@ops","reason":"seen"})") {
    return ask("POST", "/api/v1/audit/alarms/" + std::to_string(alarm) + "/close", body);
  }
  [[nodiscard]] ApiResponse accept(int alarm, std::uint8_t seed) {
    return ask("POST", "/api/v1/audit/alarms/" + std::to_string(alarm) + "/accept-key",
               fmt::format(R"({{"who":"ana@ops","reason":"set up anew","public_key":"{}"}})",
                           to_hex(wal::SigningKey::from_seed({seed}).public_key())));
  }
  [[nodiscard]] std::string open_kinds() {
    return cell(
        "SELECT coalesce(string_agg(kind, ' ' ORDER BY id), '') FROM audit_alarms WHERE resolved_at IS NULL");
  }
  void make_gap() {
    std::vector<Bytes> blocks = {rack_.header(), rack_.records(5)};
    (void)rack_.records(2);
    blocks.push_back(rack_.records(3));
    send(blocks);
    look();
    ASSERT_EQ(open_kinds(), "gap");
  }

  SilentBus bus_;
  RackIndex racks_;
  Presence presence_;
  TailHub tail_;
  IngestCounters counters_;
  DecisionDesk desk_;
  ChainRack rack_;
  std::unique_ptr<Ingest> ingest_;
};

TEST_F(DecisionTest, AClosedAlarmEndsAndIsStillListedWithWhoWhenAndWhy) {
  make_gap();
  EXPECT_EQ(close(1).status, 200U);
  EXPECT_EQ(counters_.alarms_open, 0U);
  EXPECT_EQ(ask("GET", "/api/v1/audit/alarms?open=true").body.text(), "{\"alarms\":[]}\n");
  const auto listed = ask("GET", "/api/v1/audit/alarms").body.text();
  EXPECT_THAT(listed, HasSubstr(R"("closed_by":"ana@ops","close_reason":"seen")"));
  EXPECT_THAT(listed, Not(HasSubstr(R"("resolved_at":null)")));
  EXPECT_EQ(cell("SELECT action || ' ' || who || ' ' || reason || ' ' || alarm || ' ' || CAST(machine_id AS "
                 "VARCHAR) FROM operator_actions WHERE epoch_ns(time) = " +
                 std::to_string(clock_.now().value)),
            "alarm_closed ana@ops seen 1 " + to_string(machine_));
}

TEST_F(DecisionTest, AClosedGapIsNotToldAgainEvenAfterARestartButAnotherOneIs) {
  make_gap();
  ASSERT_EQ(close(1).status, 200U);
  send({rack_.records(1)});
  look();
  start();
  send({rack_.records(1)});
  look();
  EXPECT_EQ(open_kinds(), "");
  (void)rack_.records(1);
  send({rack_.records(1)});
  look();
  EXPECT_EQ(open_kinds(), "gap");
  EXPECT_EQ(cell("SELECT first_seq FROM audit_alarms WHERE resolved_at IS NULL"), "13");
}

TEST_F(DecisionTest, WhoMadeATokenIsKeptWithTheTokenAndNothingElseIs) {
  const std::string token = "tok_k1_" + std::string(32, 'b');
  const auto use = [&](const std::string& what, const std::string& reason) {
    return ask("POST", "/api/v1/audit/token-uses",
               fmt::format(R"({{"who":"ana@ops","reason":"{}","token":"{}"}})", reason, what))
        .status;
  };
  EXPECT_EQ(use(token, "INC-42 4111111111111111"), 200U);
  EXPECT_EQ(cell("SELECT action || ' ' || who || ' ' || reason || ' ' || detail FROM operator_actions"),
            "token_made ana@ops INC-42 411111******1111 {\"token\":\"" + token + "\"}");
  for (const std::string wrong :
       {"4111111111111111", "tok_k1_", "tok__", "", "tok_k1_4111111111111111bbbbbbbbbbbbbbbb"})
    EXPECT_EQ(use(wrong, "x"), 400U) << wrong;
  EXPECT_EQ(use(token, ""), 400U);
  EXPECT_EQ(cell("SELECT count(*) FROM operator_actions"), "1");
}

TEST_F(DecisionTest, ADecisionNeedsSomebodyAReasonAndAnOpenAlarm) {
  make_gap();
  EXPECT_EQ(close(1, R"({"who":"ana"})").status, 400U);
  EXPECT_EQ(close(1, R"({"who":" ","reason":"seen"})").status, 400U);
  EXPECT_EQ(close(1, R"({"who":"ana","reason":"two\nlines"})").status, 400U);
  EXPECT_EQ(close(1, "no JSON").status, 400U);
  EXPECT_EQ(close(2).status, 404U);
  EXPECT_EQ(ask("POST", "/api/v1/audit/alarms/x/close").status, 400U);
  EXPECT_EQ(ask("POST", "/api/v1/audit/alarms/1/forget", R"({"who":"a","reason":"b"})").status, 404U);
  EXPECT_EQ(open_kinds(), "gap");
  EXPECT_EQ(close(1).status, 200U);
  EXPECT_EQ(close(1).status, 404U);
  EXPECT_EQ(cell("SELECT count(*) FROM operator_actions"), "1");
}

TEST_F(DecisionTest, AnAcceptedKeyHoldsFromItsEpochOnAndTheOldOneBeforeIt) {
  send({rack_.header(), rack_.records(5)});
  auto late = rack_;
  rack_.seed = 2;
  rack_.start_again();
  send({rack_.header(), rack_.records(1)});
  ASSERT_EQ(open_kinds(), "key_changed");
  ASSERT_EQ(accept(1, 2).status, 200U);
  EXPECT_EQ(open_kinds(), "");
  send({rack_.checkpoint(), late.checkpoint()});
  start();
  rack_.start_again();
  send({rack_.header(), rack_.records(1), rack_.checkpoint()});
  EXPECT_EQ(open_kinds(), "") << cell("SELECT what FROM audit_alarms WHERE resolved_at IS NULL LIMIT 1");
  const auto heads = ask("GET", "/api/v1/audit/heads").body.text();
  EXPECT_THAT(heads, HasSubstr(R"("epoch":1,)"));
  EXPECT_THAT(heads, HasSubstr(to_hex(wal::SigningKey::from_seed({1}).public_key())));
  EXPECT_THAT(heads, HasSubstr(to_hex(wal::SigningKey::from_seed({2}).public_key())));
  EXPECT_THAT(ask("GET", "/api/v1/audit/status").body.text(),
              HasSubstr(to_hex(wal::SigningKey::from_seed({2}).public_key())));
  EXPECT_EQ(cell("SELECT action || ' ' || detail FROM operator_actions"),
            "key_accepted " + to_hex(wal::SigningKey::from_seed({2}).public_key()));
}

TEST_F(DecisionTest, TheOldKeyIsAnAlarmAgainOnceANewOneIsAccepted) {
  send({rack_.header(), rack_.records(5)});
  rack_.seed = 2;
  rack_.start_again();
  send({rack_.header()});
  ASSERT_EQ(accept(1, 2).status, 200U);
  rack_.seed = 1;
  rack_.start_again();
  send({rack_.header(), rack_.records(1), rack_.checkpoint()});
  EXPECT_EQ(open_kinds(), "key_changed bad_signature");
}

TEST_F(DecisionTest, OnlyTheKeyThatTheAlarmTellsOfCanBeAccepted) {
  make_gap();
  rack_.seed = 2;
  rack_.start_again();
  send({rack_.header(), rack_.records(1)});
  EXPECT_EQ(accept(2, 3).status, 409U);
  EXPECT_EQ(accept(1, 2).status, 409U) << "a gap tells of no key";
  EXPECT_EQ(
      ask("POST", "/api/v1/audit/alarms/2/accept-key", R"({"who":"ana","reason":"b","public_key":"00"})")
          .status,
      400U);
  EXPECT_EQ(open_kinds(), "gap key_changed");
  EXPECT_EQ(cell("SELECT count(*) FROM audit_keys"), "1");
}

TEST_F(DecisionTest, AStoreThatRefusesKeepsTheAlarmOpenAndSaysSo) {
  make_gap();
  options_.fail_point = [](std::string_view place) { return place == "commit.audit"; };
  start();
  const auto refused = close(1);
  EXPECT_EQ(refused.status, 503U) << refused.body.text();
  options_.fail_point = {};
  start();
  EXPECT_EQ(open_kinds(), "gap");
  EXPECT_EQ(cell("SELECT count(*) FROM operator_actions"), "0");
}

TEST(DecisionDeskTest, WhoeverIsNotAnsweredWithdraws) {
  DecisionDesk desk;
  const auto done = desk.submit({"ana", "b", CloseAlarm{1}}, std::chrono::milliseconds(1));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::kTimeout);
  EXPECT_EQ(desk.take(), nullptr);
}

TEST(DecisionDeskTest, TheEndOfTheMixerIsAnAnswer) {
  DecisionDesk desk;
  auto waiting = std::async(std::launch::async, [&] {
    return desk.submit({"ana", "b", CloseAlarm{1}}, std::chrono::minutes(1));
  });
  desk.close();  // before or after the decision came
  const auto done = waiting.get();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace fluxrig::mixer
