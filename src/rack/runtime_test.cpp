// The way of a message along the wires and back, and the reply that waits for the disk.
#include "rack/runtime_fixture.hpp"

namespace fluxrig::rack {
namespace {

TEST_F(RuntimeTest, TheReplyWaitsUntilItsRecordIsOnDisk) {
  build();
  ASSERT_TRUE(begin());
  poll();
  EXPECT_TRUE(shop_->sent.empty());
  EXPECT_EQ(runtime_->open(), 1U);
  commit();
  EXPECT_EQ(shop_->sent, std::vector<std::string>{"answer"});
  EXPECT_EQ(runtime_->open(), 0U);
}

TEST_F(RuntimeTest, WithIntervalDurabilityTheReplyDoesNotWait) {
  build(Durability::kInterval);
  ASSERT_TRUE(begin());
  EXPECT_EQ(shop_->sent.size(), 1U);
}

TEST_F(RuntimeTest, OneRecordAndOneChildSpanForEachGearAfterTheIngress) {
  build();
  gear::Arrival arrival;
  arrival.parent = *trace::parse_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
  arrival.name = names_->name("POST /authorize");
  ASSERT_TRUE(begin(arrival));
  commit();
  ASSERT_EQ(audit_.records.size(), 1U);
  const auto& record = audit_.records[0];
  EXPECT_EQ(record.name, "POST /authorize");
  EXPECT_EQ(record.outcome, model::TransactionOutcome::kAnswered);
  EXPECT_EQ(to_string(record.trace_id), "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(to_string(record.parent_span_id), "00f067aa0ba902b7");
  ASSERT_EQ(telemetry_.spans.size(), 2U);
  EXPECT_EQ(telemetry_.spans[0].gear, "map");
  EXPECT_EQ(telemetry_.spans[1].gear, "bank");
  for (const auto& span : telemetry_.spans) {
    EXPECT_EQ(span.parent_span_id, record.span_id);
    EXPECT_EQ(span.trace_id, record.trace_id);
    EXPECT_EQ(span.flux_id, record.flux_id);
  }
  EXPECT_EQ(telemetry_.spans[0].end, telemetry_.spans[1].start)
      << "neighbours share one reading of the clock";
}

TEST_F(RuntimeTest, EveryCallOutHasAParentIdOfItsOwnAndTheCallersFlags) {
  build();
  std::vector<trace::Context> sent;
  const auto call = [&](Transaction& transaction, Message&) {
    sent.push_back(transaction.outgoing_context());
    return Step::next();
  };
  map_->request = call;
  bank_->request = [&](Transaction& transaction, Message& message) {
    (void)call(transaction, message);
    return Step::reply();
  };
  gear::Arrival arrival;
  arrival.parent = trace::extract("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-02", "a=1,b=2");
  ASSERT_TRUE(begin(arrival));
  ASSERT_EQ(sent.size(), 2U);
  for (const auto& context : sent) {
    EXPECT_EQ(context.trace_id, arrival.parent->trace_id);
    EXPECT_NE(context.span_id, arrival.parent->span_id);
    EXPECT_EQ(context.flags, trace::kRandom);
    EXPECT_EQ(context.tracestate, "a=1,b=2");
  }
  EXPECT_NE(sent[0].span_id, sent[1].span_id);
}

TEST_F(RuntimeTest, ATraceThatBeginsHereIsSampledByTheRatioAndSaysSo) {
  build();
  std::vector<trace::Context> sent;
  bank_->request = [&](Transaction& transaction, Message&) {
    sent.push_back(transaction.outgoing_context());
    return Step::reply();
  };
  ASSERT_TRUE(begin());
  EXPECT_EQ(sent.back().flags, trace::kSampled | trace::kRandom);
  EXPECT_EQ(sent.back().tracestate, "ot=th:0");
  runtime_->set_sampling(0.25);
  int sampled = 0;
  for (int i = 0; i < 2'000; ++i) {
    ASSERT_TRUE(begin());
    commit();
    const auto& context = sent.back();
    EXPECT_EQ(context.sampled(), trace::randomness_of(context.trace_id, {}) >= 0xc0000000000000U);
    EXPECT_EQ(context.tracestate, context.sampled() ? "ot=th:c" : "");
    EXPECT_EQ(context.flags & trace::kRandom, trace::kRandom);
    sampled += context.sampled();
  }
  EXPECT_NEAR(sampled, 500, 78);  // four standard deviations
  EXPECT_EQ(audit_.records.size(), 2'001U) << "every transaction is recorded, sampled or not";
}

TEST_F(RuntimeTest, AContinuedTraceKeepsItsFlagAndThresholdWhateverTheRatioHere) {
  build();
  runtime_->set_sampling(0);
  trace::Context sent;
  bank_->request = [&](Transaction& transaction, Message&) {
    sent = transaction.outgoing_context();
    return Step::reply();
  };
  gear::Arrival arrival;
  arrival.parent = trace::extract("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03", "a=1,ot=th:8");
  ASSERT_TRUE(begin(arrival));
  EXPECT_EQ(sent.flags, trace::kSampled | trace::kRandom);
  EXPECT_EQ(sent.tracestate, "a=1,ot=th:8");
}

TEST_F(RuntimeTest, BaggageGoesOnSearchedWithinItsBoundsAndIsNotRecorded) {
  build();
  std::string seen;
  bank_->request = [&](Transaction& transaction, Message&) {
    seen = transaction.baggage();
    return Step::reply();
  };
  gear::Arrival arrival;
  arrival.baggage = "card=4111111111111111;p, x = 1,evil=\r\ny: 2";
  ASSERT_TRUE(begin(arrival));
  EXPECT_EQ(seen, "card=411111******1111;p, x = 1");
  commit();
  ASSERT_EQ(audit_.records.size(), 1U);
  EXPECT_TRUE(audit_.records[0].attributes.empty());
  EXPECT_TRUE(audit_.records[0].redactions.empty());
  Bytes bytes;
  model::encode(audit_.records[0], bytes);
  for (const auto& span : telemetry_.spans) model::encode(span, bytes);
  EXPECT_EQ(as_text(bytes).find("card"), std::string_view::npos);
}

TEST_F(RuntimeTest, TracestateGoesOnSearched) {
  build();
  std::string seen;
  bank_->request = [&](Transaction& transaction, Message&) {
    seen = transaction.outgoing_context().tracestate;
    return Step::reply();
  };
  gear::Arrival arrival;
  arrival.parent =
      trace::extract("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "card=4111111111111111,a=1");
  ASSERT_TRUE(begin(arrival));
  EXPECT_EQ(seen, "card=411111******1111,a=1");
  commit();
  ASSERT_EQ(audit_.records.size(), 1U);
  EXPECT_EQ(audit_.records[0].tracestate, "card=411111******1111,a=1");
}

TEST_F(RuntimeTest, EveryGearCountsItsMessages) {
  build();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(begin());
  commit();
  for (const auto& metrics : runtime_->wiring().metrics()) {
    EXPECT_EQ(metrics.messages.value(), 5U) << names_->text(metrics.gear);
    EXPECT_EQ(metrics.duration.snapshot().count, 5U) << names_->text(metrics.gear);
  }
}

TEST_F(RuntimeTest, AWaitingTransactionGoesOnWhenItIsResumed) {
  build();
  bank_->request = [](Transaction&, Message&) { return Step::wait(); };
  const auto ticket = begin();
  ASSERT_TRUE(ticket);
  commit();
  EXPECT_TRUE(audit_.records.empty());
  Message late;
  late.payload = "late answer";
  runtime_->resume(*ticket, Step::reply(), late);
  commit();
  EXPECT_EQ(shop_->sent, std::vector<std::string>{"late answer"});
}

TEST_F(RuntimeTest, ASecondResumeIsIgnoredAndCounted) {
  build();
  bank_->request = [](Transaction&, Message&) { return Step::wait(); };
  const auto ticket = begin();
  runtime_->resume(*ticket, Step::reply(), {});
  runtime_->resume(*ticket, Step::reply(), {});
  commit();
  runtime_->resume(*ticket, Step::reply(), {});
  EXPECT_EQ(shop_->sent.size(), 1U);
  EXPECT_EQ(runtime_->counters().late_resumes.value(), 2U);
}

TEST_F(RuntimeTest, AFailureTravelsBackFromTheGearThatFailedToTheFirstThatHasWordsForIt) {
  build();
  std::vector<std::string> asked;
  bank_->request = [](Transaction&, Message&) {
    return Step::fail(FailureCode::kTimeout, "no reply in time");
  };
  bank_->failed = [&](Transaction&, const Failure& failure, Message&) {
    asked.emplace_back("bank");
    return Step::fail(failure);
  };
  map_->failed = [&](Transaction&, const Failure&, Message& message) {
    asked.emplace_back("map");
    message.payload = "in the protocol's words";
    return Step::reply();
  };
  ASSERT_TRUE(begin());
  commit();
  EXPECT_EQ(asked, (std::vector<std::string>{"bank", "map"}));
  EXPECT_EQ(shop_->sent, std::vector<std::string>{"in the protocol's words"});
  ASSERT_EQ(audit_.records.size(), 1U);
  EXPECT_EQ(audit_.records[0].outcome, model::TransactionOutcome::kTimedOut);
  EXPECT_EQ(audit_.records[0].reason, "no reply in time");
}

TEST_F(RuntimeTest, AFailureThatNobodyCanPutIntoWordsEndsWithoutAReplyAndIsRecorded) {
  build();
  bank_->request = [](Transaction&, Message&) {
    return Step::fail(FailureCode::kMalformed, "not a message");
  };
  shop_->failed = nullptr;
  ASSERT_TRUE(begin());
  commit();
  EXPECT_TRUE(shop_->sent.empty());
  ASSERT_EQ(audit_.records.size(), 1U);
  EXPECT_EQ(audit_.records[0].outcome, model::TransactionOutcome::kFailed);
  EXPECT_EQ(runtime_->open(), 0U);
}

TEST_F(RuntimeTest, AnAbandonedTransactionIsRecordedAndGetsNoReply) {
  build();
  bank_->request = [](Transaction&, Message&) { return Step::wait(); };
  const auto ticket = begin();
  runtime_->abandon(*ticket);
  runtime_->resume(*ticket, Step::reply(), {});
  commit();
  EXPECT_TRUE(shop_->sent.empty());
  ASSERT_EQ(audit_.records.size(), 1U);
  EXPECT_EQ(audit_.records[0].outcome, model::TransactionOutcome::kAbandoned);
}

TEST_F(RuntimeTest, OverTheLimitInFlightNewWorkIsRefusedAndCounted) {
  build(Durability::kCommit, 2);
  bank_->request = [](Transaction&, Message&) { return Step::wait(); };
  ASSERT_TRUE(begin());
  ASSERT_TRUE(begin());
  const auto third = begin();
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code, ErrorCode::kFull);
  EXPECT_EQ(runtime_->counters().refused_full.value(), 1U);
}

TEST_F(RuntimeTest, WhileTheAuditLogCannotBeWrittenNewWorkIsRefused) {
  build();
  admission_.audit_blocked = true;
  const auto refused = begin();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kRefused);
  admission_.audit_blocked = false;
  EXPECT_TRUE(begin());
}

TEST_F(RuntimeTest, AFullRingHoldsRepliesBackAndLosesNoRecord) {
  build(Durability::kCommit, 1000);
  for (int i = 0; i < 300; ++i) ASSERT_TRUE(begin());
  EXPECT_TRUE(shop_->sent.empty());
  for (int turn = 0; turn < 300 && shop_->sent.size() < 300; ++turn) {
    while (!ring_.empty()) {
      const auto bytes = ring_.peek();
      const tap::RecordView view(bytes);
      ++drained_;
      durable_ = ring_.release();
    }
    runtime_->publish_durable(durable_);
    poll();
  }
  EXPECT_EQ(shop_->sent.size(), 300U);
  EXPECT_EQ(drained_, 300);
  EXPECT_EQ(runtime_->open(), 0U);
}

TEST_F(RuntimeTest, NoWireFromThePortIsAFailureOfOurs) {
  build();
  map_->request = [](Transaction&, Message&) { return Step::next(7); };
  ASSERT_TRUE(begin());
  commit();
  ASSERT_EQ(audit_.records.size(), 1U);
  EXPECT_EQ(audit_.records[0].reason, "no wire leads on from this gear's port");
}

}  // namespace
}  // namespace fluxrig::rack
