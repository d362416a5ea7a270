// Requests that wait for the store, and what becomes of them.
#include "mixer/span_intake.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

namespace fluxrig::mixer {
namespace {

using std::chrono::milliseconds;
using Verdict = SpanIntake::Verdict;
using testing::ElementsAre;

// Keeps the names of what it is given; fails and takes its time when told to.
class NamingSink final : public sink::Sink {
 public:
  explicit NamingSink(ManualClock& clock) : clock_(clock) {}
  Result<sink::CommitSummary> commit(std::span<const sink::IncomingBlock>) override {
    return sink::CommitSummary{};
  }
  Result<void> store_received(const sink::ReceivedSpans& received) override {
    clock_.advance(takes);
    if (fails) return fail(ErrorCode::kIo, "told to");
    for (const auto& record : received.spans) names.push_back(std::get<model::Span>(record.value()).name);
    firsts.push_back(received.first.value);
    return {};
  }
  Result<void> remember(const sink::RackPresence&) override { return {}; }
  const sink::Ledger& ledger() const noexcept override { return ledger_; }
  Result<bool> maintain(UnixNanos) override { return false; }

  bool fails = false;
  std::int64_t takes = 0;
  std::vector<std::string> names;
  std::vector<std::uint64_t> firsts;

 private:
  ManualClock& clock_;
  sink::Ledger ledger_;
};

std::vector<sanitize::CleanRecord> spans(std::initializer_list<std::string> names) {
  std::vector<sanitize::CleanRecord> made;
  for (const auto& name : names) {
    model::Span span;
    span.name = name;
    span.trace_id.bytes[0] = 1;
    std::copy_n(name.begin(), std::min<std::size_t>(name.size(), 8), span.span_id.bytes.begin());
    made.push_back(sanitize::clean(std::move(span)));
  }
  return made;
}

struct SpanIntakeTest : testing::Test {
  // Who sends waits on a thread of its own, and tries again while others have the room.
  std::future<Verdict> send(std::vector<sanitize::CleanRecord> records, std::size_t bytes = 100) {
    const int before = waiting;
    auto sent = std::async(std::launch::async, [this, bytes, made = std::move(records)] {
      ++waiting;
      auto verdict = intake.store(made, bytes, milliseconds(10'000));
      for (int tries = 0; tries < 1'000 && verdict == Verdict::kFull; ++tries) {
        std::this_thread::yield();
        verdict = intake.store(made, bytes, milliseconds(10'000));
      }
      return verdict;
    });
    while (waiting == before) std::this_thread::yield();
    return sent;
  }
  // Commits until the request has its answer.
  Verdict answered(std::future<Verdict>& sent) {
    while (sent.wait_for(milliseconds(1)) != std::future_status::ready) intake.commit(sink);
    return sent.get();
  }

  ManualClock clock;
  NamingSink sink{clock};
  SpanIntake intake{clock};
  std::atomic<int> waiting{0};
};

TEST_F(SpanIntakeTest, ARequestIsAnsweredOnceItIsStored) {
  auto sent = send(spans({"a", "b"}));
  EXPECT_EQ(answered(sent), Verdict::kStored);
  EXPECT_THAT(sink.names, ElementsAre("a", "b"));
  EXPECT_EQ(intake.stored(), 2U);
}

TEST_F(SpanIntakeTest, ASpanThatComesAgainIsNotStoredAgain) {
  auto first = send(spans({"a", "b", "a"}));
  EXPECT_EQ(answered(first), Verdict::kStored);
  auto again = send(spans({"b", "c"}));
  EXPECT_EQ(answered(again), Verdict::kStored);
  EXPECT_THAT(sink.names, ElementsAre("a", "b", "c"));
  EXPECT_THAT(sink.firsts, ElementsAre(1U, 3U)) << "sequences go on";
  EXPECT_EQ(intake.duplicates(), 2U);
}

TEST_F(SpanIntakeTest, WhatTheStoreRefusedIsToldAndMayComeAgain) {
  sink.fails = true;
  auto sent = send(spans({"a"}));
  EXPECT_EQ(answered(sent), Verdict::kFailed);
  sink.fails = false;
  auto again = send(spans({"a"}));
  intake.commit(sink);
  EXPECT_EQ(again.wait_for(milliseconds(20)), std::future_status::timeout) << "the store rests first";
  clock.advance(SpanIntake::kRestAfterFailure);
  EXPECT_EQ(answered(again), Verdict::kStored);
  EXPECT_THAT(sink.names, ElementsAre("a"));
}

TEST_F(SpanIntakeTest, TheStoreRestsFourTimesAsLongAsACommitTook) {
  sink.takes = 100 * kNanosPerMilli;
  auto first = send(spans({"a"}));
  EXPECT_EQ(answered(first), Verdict::kStored);
  auto second = send(spans({"b"}));
  clock.advance(399 * kNanosPerMilli);
  intake.commit(sink);
  EXPECT_THAT(sink.names, ElementsAre("a"));
  clock.advance(kNanosPerMilli);
  EXPECT_EQ(answered(second), Verdict::kStored);
}

TEST_F(SpanIntakeTest, MoreThanMayWaitIsRefusedAndOneCommitTakesOnlyAPart) {
  auto first = send(spans({"a"}), SpanIntake::kMostAtOnce);
  auto second = send(spans({"b"}), SpanIntake::kMostWaiting - SpanIntake::kMostAtOnce);
  // Both wait, in whichever order they came: there is no room for one byte more.
  Verdict third = Verdict::kStored;
  for (int tries = 0; tries < 1'000 && third != Verdict::kFull; ++tries)
    third = intake.store(spans({"c"}), 1, milliseconds(1));
  EXPECT_EQ(third, Verdict::kFull);
  intake.commit(sink);
  EXPECT_EQ(sink.names.size(), 1U);
  EXPECT_EQ(answered(first), Verdict::kStored);
  EXPECT_EQ(answered(second), Verdict::kStored);
}

TEST_F(SpanIntakeTest, WhoDoesNotWaitAnyLongerTakesItsRequestAlong) {
  EXPECT_EQ(intake.store(spans({"a"}), 100, milliseconds(1)), Verdict::kLate);
  intake.commit(sink);
  EXPECT_THAT(sink.names, testing::IsEmpty());
}

TEST_F(SpanIntakeTest, TheEndAnswersWhoWaitsAndWhoComes) {
  auto sent = send(spans({"a"}));
  intake.close();
  EXPECT_EQ(sent.get(), Verdict::kFailed);
  EXPECT_EQ(intake.store(spans({"b"}), 100, milliseconds(10'000)), Verdict::kFailed);
}

}  // namespace
}  // namespace fluxrig::mixer
