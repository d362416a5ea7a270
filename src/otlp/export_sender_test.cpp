#include "otlp/export_sender.hpp"
#include "base/test_gate.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace fluxrig::otlp {
namespace {

using namespace std::string_literals;

constexpr std::int64_t kSecond = kNanosPerSecond;

// Answers when the test says so.
class FakeTransport final : public ExportTransport {
 public:
  void send(std::string_view body, std::function<void(Answer)> done) override {
    sent.emplace_back(body);
    done_ = std::move(done);
  }
  void cancel() noexcept override {
    ++cancelled;
    done_ = nullptr;
  }
  [[nodiscard]] bool waits() const { return done_ != nullptr; }
  void answer(Answer answer) { std::exchange(done_, nullptr)(std::move(answer)); }

  std::vector<std::string> sent;
  int cancelled = 0;

 private:
  std::function<void(Answer)> done_;
};

class ExportSenderTest : public testing::Test {
 protected:
  ExportSenderTest() { make({}); }

  void make(std::function<std::string(std::string)> pack) {
    ExportSender::Options options;
    options.backoff = {.first = kSecond, .most = 8 * kSecond, .give_up = 60 * kSecond};
    options.pack = std::move(pack);
    sender = std::make_unique<ExportSender>(
        ExportSender::Parts{queue, transport, counters, clock, random, diagnostics}, options,
        [this] { ++settled; });
  }
  void offer(std::string_view body, std::uint64_t items) { queue.offer({std::string(body), items}); }
  void answer(unsigned status, std::string body = {}, std::optional<std::int64_t> retry_after = {}) {
    ASSERT_TRUE(transport.waits());
    transport.answer({Answer::Kind::kAnswered, status, retry_after, std::move(body), {}});
  }
  void no_answer() {
    ASSERT_TRUE(transport.waits());
    transport.answer({.kind = Answer::Kind::kNone, .why = "connection refused"});
  }
  // Lets time pass until the next attempt; the time that passed.
  std::int64_t pass() {
    const auto due = sender->turn();
    if (!due) return 0;
    const auto wait = due->value - clock.monotonic().value;
    clock.advance(wait - 1);
    EXPECT_TRUE(sender->turn());  // not a nanosecond too early
    clock.advance(1);
    EXPECT_FALSE(sender->turn());
    return wait;
  }
  void expect_balance() {
    std::uint64_t dropped = 0;
    for (const auto& count : counters.dropped) dropped += count.load();
    EXPECT_EQ(counters.offered.load(), counters.delivered.load() + counters.rejected.load() + dropped);
  }

  ManualClock clock;
  SeededRandom random{11};
  Diagnostics diagnostics{clock, -1, DiagnosticFormat::kText, Severity::kError, pass_unsearched};
  ExportCounters counters;
  ExportQueue queue{1'000, counters};
  FakeTransport transport;
  std::unique_ptr<ExportSender> sender;
  int settled = 0;
};

TEST_F(ExportSenderTest, SendsOneAfterTheOther) {
  offer("a", 1);
  offer("b", 2);
  EXPECT_FALSE(sender->turn());
  EXPECT_FALSE(sender->turn());
  EXPECT_EQ(transport.sent, std::vector{"a"s});
  answer(200);
  EXPECT_EQ(settled, 1);
  EXPECT_FALSE(sender->turn());
  answer(200);
  EXPECT_EQ(transport.sent, (std::vector{"a"s, "b"s}));
  EXPECT_TRUE(sender->idle());
  EXPECT_EQ(counters.delivered.load(), 3U);
  EXPECT_EQ(queue.bytes(), 0U);
  expect_balance();
}

TEST_F(ExportSenderTest, RetriesTheSameBytesUntilTheyAreTaken) {
  offer("a", 1);
  sender->turn();
  for (const unsigned status : {429U, 502U, 503U, 504U}) {
    answer(status);
    EXPECT_GT(pass(), 0);
  }
  no_answer();
  EXPECT_GT(pass(), 0);
  answer(200);
  EXPECT_EQ(transport.sent, std::vector<std::string>(6, "a"));
  EXPECT_EQ(counters.attempts.load(), 6U);
  EXPECT_EQ(counters.retries.load(), 5U);
  EXPECT_EQ(counters.delivered.load(), 1U);
  expect_balance();
}

TEST_F(ExportSenderTest, RefusedIsDroppedAndTheNextGoesAtOnce) {
  offer("a", 3);
  offer("b", 1);
  sender->turn();
  answer(400);
  EXPECT_EQ(counters.drops(ExportDrop::kRefused), 3U);
  EXPECT_FALSE(sender->turn());
  EXPECT_EQ(transport.sent, (std::vector{"a"s, "b"s}));
  answer(413);
  EXPECT_EQ(counters.drops(ExportDrop::kRefused), 4U);
  EXPECT_EQ(counters.retries.load(), 0U);
  expect_balance();
}

TEST_F(ExportSenderTest, PartialSuccessIsCountedAndNotSentAgain) {
  offer("a", 10);
  sender->turn();
  answer(200, "\x0a\x02\x08\x04"s);
  EXPECT_EQ(counters.rejected.load(), 4U);
  EXPECT_EQ(counters.delivered.load(), 6U);
  EXPECT_TRUE(sender->idle());
  EXPECT_FALSE(sender->turn());
  EXPECT_EQ(transport.sent.size(), 1U);
  expect_balance();
}

TEST_F(ExportSenderTest, MoreRejectedThanSentIsAllOfIt) {
  offer("a", 10);
  sender->turn();
  answer(200, "\x0a\x02\x08\x40"s);
  EXPECT_EQ(counters.rejected.load(), 10U);
  expect_balance();
}

TEST_F(ExportSenderTest, AWarningIsNoRejection) {
  offer("a", 10);
  sender->turn();
  answer(200, "\x0a\x04\x12\x02hm"s);
  EXPECT_EQ(counters.warnings.load(), 1U);
  EXPECT_EQ(counters.delivered.load(), 10U);
}

TEST_F(ExportSenderTest, ASuccessWithAnUnreadableBodyIsDelivered) {
  offer("a", 10);
  sender->turn();
  answer(200, "<html>ok</html>");
  EXPECT_EQ(counters.unreadable_answers.load(), 1U);
  EXPECT_EQ(counters.delivered.load(), 10U);
  EXPECT_TRUE(sender->idle());
}

TEST_F(ExportSenderTest, TooLargeAnAnswerIsDroppedAndNotSentAgain) {
  offer("a", 10);
  sender->turn();
  transport.answer({.kind = Answer::Kind::kTooLarge, .status = 200});
  EXPECT_EQ(counters.drops(ExportDrop::kUnusable), 10U);
  EXPECT_TRUE(sender->idle());
  expect_balance();
}

TEST_F(ExportSenderTest, RetryAfterHoldsEverythingBack) {
  offer("a", 1);
  offer("b", 1);
  sender->turn();
  answer(429, {}, 30 * kSecond);
  const auto waited = pass();
  EXPECT_GE(waited, 30 * kSecond);
  EXPECT_LE(waited, 33 * kSecond);
}

TEST_F(ExportSenderTest, GivesUpInTimeAndKeepsTheWaitForTheNext) {
  offer("a", 5);
  offer("b", 1);
  sender->turn();
  const auto began = clock.monotonic().value;
  while (counters.drops(ExportDrop::kGaveUp) == 0) {
    no_answer();
    if (counters.drops(ExportDrop::kGaveUp) == 0) pass();
  }
  const auto lasted = clock.monotonic().value - began;
  EXPECT_GT(lasted, 40 * kSecond);
  EXPECT_LE(lasted, 60 * kSecond);
  EXPECT_EQ(counters.drops(ExportDrop::kGaveUp), 5U);
  const auto attempts = counters.attempts.load();
  EXPECT_GT(pass(), 0);  // a dead back end is asked no faster because there is more to send
  EXPECT_EQ(counters.attempts.load(), attempts + 1);
  EXPECT_EQ(transport.sent.back(), "b");
}

TEST_F(ExportSenderTest, ADeadBackEndHoldsNoMoreThanItsQueue) {
  for (int i = 0; i < 500; ++i) {
    offer(std::string(100, 'x'), 1);
    if (!transport.waits()) sender->turn();
    if (transport.waits()) no_answer();
    ASSERT_LE(queue.bytes(), 1'000U);
  }
  EXPECT_EQ(queue.saturation(), 1);
  EXPECT_EQ(counters.drops(ExportDrop::kQueueFull), 490U);
}

TEST_F(ExportSenderTest, ARequestIsPackedOnceForAllItsAttempts) {
  int packed = 0;
  make([&packed](std::string body) {
    ++packed;
    body.push_back('z');
    return body;
  });
  offer("a", 1);
  sender->turn();
  no_answer();
  pass();
  EXPECT_EQ(transport.sent, (std::vector{"az"s, "az"s}));
  EXPECT_EQ(packed, 1);
}

TEST_F(ExportSenderTest, FlushTriesWhatIsLeftWithoutWaiting) {
  offer("a", 1);
  offer("b", 1);
  sender->turn();
  no_answer();
  EXPECT_TRUE(sender->turn());  // waits
  sender->begin_flush();
  EXPECT_FALSE(sender->turn());
  answer(200);
  EXPECT_FALSE(sender->turn());
  answer(200);
  EXPECT_TRUE(sender->idle());
  EXPECT_EQ(counters.delivered.load(), 2U);
}

TEST_F(ExportSenderTest, FlushEndsWithTheFirstFailure) {
  offer("a", 1);
  offer("b", 2);
  sender->turn();
  sender->begin_flush();
  answer(503);
  EXPECT_TRUE(sender->idle());
  EXPECT_EQ(counters.drops(ExportDrop::kShutdown), 3U);
  expect_balance();
}

TEST_F(ExportSenderTest, FlushDoesNotBreakARetryAfter) {
  offer("a", 1);
  sender->turn();
  answer(503, {}, 20 * kSecond);
  sender->begin_flush();
  EXPECT_FALSE(sender->turn());
  EXPECT_TRUE(sender->idle());
  EXPECT_EQ(transport.sent.size(), 1U);
  EXPECT_EQ(counters.drops(ExportDrop::kShutdown), 1U);
}

TEST_F(ExportSenderTest, StopBreaksOffAndCounts) {
  offer("a", 1);
  offer("b", 2);
  sender->turn();
  sender->stop();
  EXPECT_EQ(transport.cancelled, 1);
  EXPECT_EQ(counters.drops(ExportDrop::kShutdown), 3U);
  EXPECT_EQ(queue.bytes(), 0U);
  expect_balance();
}

}  // namespace
}  // namespace fluxrig::otlp
