#include "snake/publish_window.hpp"

#include <gtest/gtest.h>

namespace fluxrig::snake {
namespace {

constexpr MonotonicNanos at(std::int64_t nanos) { return {nanos}; }

struct Answers {
  std::vector<Result<PublishReceipt>> all;
  PublishDone done() {
    return [this](Result<PublishReceipt> result) { all.push_back(result); };
  }
};

TEST(PublishWindow, AnswersOnceAndIgnoresALateAnswer) {
  PublishWindow window({.messages = 4, .bytes = 100, .timeout_nanos = 10});
  Answers answers;
  const auto opened = window.open(1, answers.done(), at(0));
  ASSERT_TRUE(opened.has_value());
  EXPECT_TRUE(opened->first);
  EXPECT_TRUE(window.complete(opened->ticket, PublishReceipt{7, false}));
  EXPECT_FALSE(window.complete(opened->ticket, PublishReceipt{7, false}));
  EXPECT_FALSE(window.cancel(opened->ticket));
  ASSERT_EQ(answers.all.size(), 1U);
  EXPECT_EQ(answers.all[0]->stream_sequence, 7U);
}

TEST(PublishWindow, ATicketOfAReusedSlotAnswersOnlyItsOwnPublish) {
  PublishWindow window({.messages = 1, .bytes = 100, .timeout_nanos = 10});
  Answers first;
  Answers second;
  const auto old = window.open(1, first.done(), at(0));
  EXPECT_EQ(window.expire(at(10)), 1U);
  const auto fresh = window.open(1, second.done(), at(11));
  ASSERT_TRUE(fresh.has_value());
  EXPECT_FALSE(window.complete(old->ticket, PublishReceipt{1, false}));
  EXPECT_TRUE(second.all.empty());
  EXPECT_EQ(first.all[0].error().code, ErrorCode::kTimeout);
}

TEST(PublishWindow, IsBoundInMessagesAndBytesButLetsOneLargeMessagePass) {
  PublishWindow window({.messages = 2, .bytes = 10, .timeout_nanos = 10});
  Answers answers;
  const auto large = window.open(50, answers.done(), at(0));
  ASSERT_TRUE(large.has_value());
  EXPECT_EQ(window.open(1, answers.done(), at(0)).error().code, ErrorCode::kFull);
  EXPECT_TRUE(window.cancel(large->ticket));
  EXPECT_TRUE(window.open(5, answers.done(), at(0)));
  EXPECT_TRUE(window.open(5, answers.done(), at(0)));
  EXPECT_EQ(window.open(0, answers.done(), at(0)).error().code, ErrorCode::kFull);
  EXPECT_TRUE(answers.all.empty());
}

TEST(PublishWindow, ExpiresInOrderAndFailsBySubjectOrAll) {
  PublishWindow window({.messages = 8, .bytes = 100, .timeout_nanos = 10});
  Answers answers;
  for (int i = 0; i < 4; ++i) {
    const auto opened = window.open(1, answers.done(), at(i));
    window.set_subject(opened->ticket, i % 2 == 0 ? "even" : "odd");
  }
  EXPECT_EQ(window.next_deadline(), at(10));
  EXPECT_EQ(window.expire(at(10)), 1U);
  EXPECT_EQ(window.fail_subject("odd", {ErrorCode::kRefused, 0, ""}), 2U);
  EXPECT_EQ(window.fail_all({ErrorCode::kUnavailable, 0, ""}), 1U);
  EXPECT_EQ(window.size(), 0U);
  EXPECT_FALSE(window.next_deadline().has_value());
  ASSERT_EQ(answers.all.size(), 4U);
  EXPECT_EQ(answers.all[3].error().code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace fluxrig::snake
