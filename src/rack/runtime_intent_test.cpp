// Intent before effect: what is on disk when a transaction leaves the rack.
#include "rack/runtime_fixture.hpp"

namespace fluxrig::rack {
namespace {

constexpr std::size_t kTransaction = 0;  // index in model::Record
constexpr std::size_t kIntent = 4;

class RuntimeIntentTest : public RuntimeTest {
 protected:
  void build_with(IntentMode mode, Durability durability = Durability::kCommit) {
    intent_ = mode;
    build(durability, 1000);
    bank_->request = [this](Transaction&, Message& message) {
      ++asked_;
      message.payload = "answer";
      return Step::reply();
    };
  }
  // Until `done`, or 5 s.
  template <typename Done>
  void run_until(Done done) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (!done() && std::chrono::steady_clock::now() < until) {
      io_.restart();
      io_.run_one_for(std::chrono::milliseconds(100));
    }
    ASSERT_TRUE(done());
  }
  // So much that not even an intent fits any more.
  void fill_ring() {
    while (ring_.reserve(sizeof(tap::RecordHead)) != nullptr) {
      auto* out = ring_.reserve(sizeof(tap::RecordHead));
      const tap::RecordHead filler;
      std::memcpy(out, &filler, sizeof filler);
      ring_.commit();
    }
  }

  int asked_ = 0;
};

TEST_F(RuntimeIntentTest, WithCommitTheDepartureWaitsUntilItsIntentIsOnDisk) {
  build_with(IntentMode::kCommit);
  ASSERT_TRUE(begin());
  poll();
  EXPECT_EQ(asked_, 0);
  commit();
  EXPECT_EQ(asked_, 1);
  EXPECT_TRUE(shop_->sent.empty()) << "the reply waits for its own record";
  commit();
  EXPECT_EQ(shop_->sent, std::vector<std::string>{"answer"});
  EXPECT_EQ(audit_.order, (std::vector<std::size_t>{kIntent, kTransaction}));
  EXPECT_EQ(runtime_->open(), 0U);
}

TEST_F(RuntimeIntentTest, AnIntentThatIsAppendedButNotSyncedHoldsTheDepartureBack) {
  build_with(IntentMode::kCommit);
  ASSERT_TRUE(begin());
  (void)pump_.step(false);
  runtime_->publish_durable(pump_.durable());
  poll();
  ASSERT_EQ(audit_.intents.size(), 1U);
  EXPECT_EQ(asked_, 0);
}

TEST_F(RuntimeIntentTest, WithAsyncTheIntentIsWrittenFirstAndNothingWaits) {
  build_with(IntentMode::kAsync);
  bool written_before = false;
  bank_->request = [&](Transaction&, Message&) {
    written_before = !ring_.empty();
    return Step::reply();
  };
  ASSERT_TRUE(begin());
  EXPECT_TRUE(written_before);
  commit();
  EXPECT_EQ(shop_->sent.size(), 1U);
  EXPECT_EQ(audit_.order, (std::vector<std::size_t>{kIntent, kTransaction}));
}

TEST_F(RuntimeIntentTest, AnIntentThatNobodyWaitsForCostsNoSyncOfItsOwn) {
  build_with(IntentMode::kAsync);
  bank_->request = [](Transaction&, Message&) { return Step::wait(); };
  const auto ticket = begin();
  commit();
  EXPECT_EQ(audit_.intents.size(), 1U);
  EXPECT_EQ(audit_.syncs, 0);
  EXPECT_TRUE(pump_.unsynced()) << "the pump's thread syncs it after the interval";
  runtime_->resume(*ticket, Step::reply(), {});
  commit();
  EXPECT_EQ(audit_.syncs, 1);
  EXPECT_EQ(shop_->sent.size(), 1U);
}

TEST_F(RuntimeIntentTest, WithOffThereIsNone) {
  build_with(IntentMode::kOff);
  ASSERT_TRUE(begin());
  commit();
  EXPECT_EQ(audit_.order, std::vector<std::size_t>{kTransaction});
}

TEST_F(RuntimeIntentTest, TheIntentHoldsTheIdsTheDepartingGearAndWhatIsKnownByThenSanitised) {
  build_with(IntentMode::kCommit);
  const auto card = names_->field("iso8583.2", sanitize::Action::kToken);
  const auto stan = names_->field("iso8583.11", sanitize::Action::kKeep);
  map_->request = [&](Transaction& transaction, Message&) {
    transaction.attribute(card, "4111111111111111");
    transaction.attribute(stan, "000042");
    return Step::next();
  };
  bank_->request = [&](Transaction& transaction, Message&) {
    transaction.attribute(stan, "later");
    return Step::reply();
  };
  gear::Arrival arrival;
  arrival.name = names_->name("POST /authorize");
  ASSERT_TRUE(begin(arrival));
  commit();
  commit();
  ASSERT_EQ(audit_.intents.size(), 1U);
  ASSERT_EQ(audit_.records.size(), 1U);
  const auto& intent = audit_.intents[0];
  const auto& outcome = audit_.records[0];
  EXPECT_EQ(intent.flux_id, outcome.flux_id);
  EXPECT_EQ(intent.trace_id, outcome.trace_id);
  EXPECT_EQ(intent.span_id, outcome.span_id);
  EXPECT_EQ(intent.gear, "bank");
  EXPECT_EQ(intent.name, "POST /authorize");
  EXPECT_GE(intent.time, outcome.start);
  EXPECT_LE(intent.time, outcome.end);
  ASSERT_EQ(intent.attributes.size(), 2U);
  EXPECT_TRUE(std::get<std::string>(intent.attributes[0].value).starts_with("tok_k1_"));
  EXPECT_EQ(std::get<std::string>(intent.attributes[1].value), "000042");
  EXPECT_EQ(intent.redactions, std::vector<std::string>{"iso8583.2 token"});
  EXPECT_EQ(outcome.gear, "shop");
}

TEST_F(RuntimeIntentTest, ATransactionThatNeverLeavesHasNoIntent) {
  build_with(IntentMode::kCommit);
  map_->request = [](Transaction&, Message&) { return Step::reply(); };
  ASSERT_TRUE(begin());
  commit();
  EXPECT_EQ(audit_.order, std::vector<std::size_t>{kTransaction});
}

TEST_F(RuntimeIntentTest, WhileTheDiskIsBlockedNothingDepartsAndItGoesOnAfterwards) {
  build_with(IntentMode::kCommit);
  audit_.broken = true;
  ASSERT_TRUE(begin());
  for (int i = 0; i < 3; ++i) commit();
  EXPECT_EQ(asked_, 0);
  audit_.broken = false;
  commit();
  EXPECT_EQ(asked_, 1);
  commit();
  EXPECT_EQ(shop_->sent, std::vector<std::string>{"answer"});
}

TEST_F(RuntimeIntentTest, ADepartureThatWaitedTooLongIsRefusedAndNeverSent) {
  limits_.transaction_timeout = std::chrono::milliseconds(1);
  build_with(IntentMode::kCommit);
  audit_.broken = true;
  ASSERT_TRUE(begin());
  (void)pump_.step(true);
  run_until([&] { return runtime_->counters().departures_refused.value() == 1; });
  EXPECT_TRUE(shop_->sent.empty()) << "not even a refusal is answered before it is recorded";
  audit_.broken = false;
  // The intent becomes durable first: that must neither send the request nor answer the caller.
  (void)pump_.step(true);
  const auto of_intent = pump_.durable();
  (void)pump_.step(true);
  runtime_->publish_durable(of_intent);
  poll();
  EXPECT_TRUE(shop_->sent.empty());
  commit();
  EXPECT_EQ(asked_, 0);
  EXPECT_EQ(shop_->sent,
            std::vector<std::string>{"not sent: the audit log could not record the intent in time"});
  ASSERT_EQ(audit_.records.size(), 1U);
  EXPECT_EQ(audit_.records[0].outcome, model::TransactionOutcome::kRefused);
  EXPECT_EQ(runtime_->open(), 0U);
}

TEST_F(RuntimeIntentTest, AFullRingHoldsTheDepartureBackInAnyMode) {
  for (const auto mode : {IntentMode::kAsync, IntentMode::kCommit}) {
    asked_ = 0;
    build_with(mode);
    fill_ring();
    ASSERT_TRUE(begin());
    poll();
    EXPECT_EQ(asked_, 0);
    for (int i = 0; i < 10 && runtime_->open() != 0; ++i) commit();
    EXPECT_EQ(asked_, 1);
    EXPECT_EQ(shop_->sent.size(), 1U);
    EXPECT_EQ(runtime_->open(), 0U);
  }
}

TEST_F(RuntimeIntentTest, ADepartureThatTimesOutWhileTheRingIsFullIsRecordedOnce) {
  limits_.transaction_timeout = std::chrono::milliseconds(1);
  build_with(IntentMode::kCommit);
  fill_ring();
  ASSERT_TRUE(begin());
  run_until([&] { return runtime_->counters().departures_refused.value() == 1; });
  for (int i = 0; i < 10 && runtime_->open() != 0; ++i) commit();
  EXPECT_EQ(asked_, 0);
  EXPECT_EQ(shop_->sent.size(), 1U);
  std::size_t refused = 0;
  for (const auto& record : audit_.records)
    refused += record.outcome == model::TransactionOutcome::kRefused ? 1 : 0;
  EXPECT_EQ(refused, 1U);
  EXPECT_TRUE(audit_.intents.empty());
}

TEST_F(RuntimeIntentTest, ManyDeparturesShareOneSyncAndASlotUsedAgainGetsNobodyElsesTurn) {
  build_with(IntentMode::kCommit);
  for (int round = 1; round <= 5; ++round) {
    for (int i = 0; i < 20; ++i) ASSERT_TRUE(begin());
    EXPECT_EQ(asked_, 20 * (round - 1));
    commit();
    EXPECT_EQ(asked_, 20 * round);
    EXPECT_EQ(audit_.syncs, 2 * round - 1);
    commit();
    EXPECT_EQ(shop_->sent.size(), 20U * static_cast<std::size_t>(round));
  }
  EXPECT_EQ(runtime_->open(), 0U);
}

TEST_F(RuntimeIntentTest, ACallerThatGoesAwayMeanwhileChangesNothingButItsReply) {
  build_with(IntentMode::kCommit);
  const auto ticket = begin();
  runtime_->abandon(*ticket);
  commit();
  commit();
  EXPECT_EQ(asked_, 1);
  EXPECT_TRUE(shop_->sent.empty());
  ASSERT_EQ(audit_.records.size(), 1U);
  EXPECT_EQ(audit_.records[0].outcome, model::TransactionOutcome::kAbandoned);
}

TEST_F(RuntimeIntentTest, AResumeForATransactionThatHasNotLeftIsIgnored) {
  build_with(IntentMode::kCommit);
  const auto ticket = begin();
  runtime_->resume(*ticket, Step::reply(), {});
  EXPECT_EQ(runtime_->counters().late_resumes.value(), 1U);
  commit();
  EXPECT_EQ(asked_, 1);
}

TEST_F(RuntimeIntentTest, DrainingLetsWhatWaitsForItsIntentGoOn) {
  build_with(IntentMode::kCommit);
  ASSERT_TRUE(begin());
  runtime_->drain();
  commit();
  commit();
  EXPECT_EQ(asked_, 1);
  EXPECT_EQ(shop_->sent, std::vector<std::string>{"answer"});
}

TEST_F(RuntimeIntentTest, WhatOutlivesTheDrainHasAnIntentAndNoOutcome) {
  build_with(IntentMode::kCommit);
  bank_->request = [](Transaction&, Message&) { return Step::wait(); };
  ASSERT_TRUE(begin());
  commit();
  runtime_->drain();
  runtime_->stop();
  commit();
  EXPECT_EQ(audit_.order, std::vector<std::size_t>{kIntent});
  EXPECT_TRUE(shop_->sent.empty());
}

TEST_F(RuntimeIntentTest, WithIntervalDurabilityTheDepartureStillWaitsForItsIntent) {
  build_with(IntentMode::kCommit, Durability::kInterval);
  ASSERT_TRUE(begin());
  EXPECT_EQ(asked_, 0);
  commit();
  EXPECT_EQ(asked_, 1);
  EXPECT_EQ(shop_->sent.size(), 1U);
}

}  // namespace
}  // namespace fluxrig::rack
