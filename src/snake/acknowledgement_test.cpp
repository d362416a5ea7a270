#include "snake/acknowledgement.hpp"

#include <gtest/gtest.h>

namespace fluxrig::snake {
namespace {

TEST(Acknowledgement, ReadsTheSubjectsOfOldAndNewServers) {
  const auto old = parse_acknowledge_subject("$JS.ACK.FLUX_MSG.host__bank.3.17.9.1700000000000000000.4");
  ASSERT_TRUE(old.has_value());
  EXPECT_EQ(old->stream, "FLUX_MSG");
  EXPECT_EQ(old->consumer, "host__bank");
  EXPECT_EQ(old->deliveries, 3U);
  EXPECT_EQ(old->stream_sequence, 17U);
  EXPECT_EQ(old->stored_unix_nanos, 1'700'000'000'000'000'000);
  EXPECT_EQ(old->pending, 4U);
  const auto later = parse_acknowledge_subject("$JS.ACK._.HASH.FLUX_MSG.c.1.2.3.4.5.random");
  ASSERT_TRUE(later.has_value());
  EXPECT_EQ(later->consumer, "c");
  EXPECT_EQ(later->pending, 5U);
}

TEST(Acknowledgement, RefusesSubjectsOfAnyOtherShape) {
  for (const auto* subject :
       {"", "$JS.ACK.", "_INBOX_x.1", "$JS.ACK.s.c.1.2.3.4", "$JS.ACK.s.c.1.2.3.4.5.6",
        "$JS.ACK.s.c.x.2.3.4.5", "$JS.ACK..c.1.2.3.4.5", "$JS.ACK.s.c.-1.2.3.4.5",
        "$JS.ACK.s.c.99999999999999999999999.2.3.4.5", "$JS.ACK.1.2.3.4.5.6.7.8.9.10.11"})
    EXPECT_FALSE(parse_acknowledge_subject(subject).has_value()) << subject;
}

TEST(Acknowledgement, ReadsAnswersAndNamesRefusals) {
  const auto stored = parse_publish_answer(R"({"stream":"FLUX_MSG","seq":7})");
  ASSERT_TRUE(stored.has_value());
  EXPECT_EQ(stored->stream_sequence, 7U);
  EXPECT_TRUE(parse_publish_answer(R"({"stream":"S", "seq": 7,"duplicate": true})")->duplicate);
  EXPECT_EQ(parse_publish_answer(
                R"({"error":{"code":503,"err_code":10077,"description":"x"},"stream":"S","seq":0})")
                .error()
                .code,
            ErrorCode::kFull);
  EXPECT_EQ(parse_publish_answer(R"({"error":{"code":500}})").error().code, ErrorCode::kUnavailable);
  for (const auto* text :
       {"", "+OK", "{}", R"({"seq":"7"})", R"({"seq":0})", R"({"seq":99999999999999999999})"})
    EXPECT_EQ(parse_publish_answer(text).error().code, ErrorCode::kCorrupt) << text;
}

TEST(Acknowledgement, ReadsTheNotesOfGivenUpMessages) {
  const auto note = parse_advisory("$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.FLUX_MSG.host__bank",
                                   R"({"stream_seq":12,"deliveries":2})");
  ASSERT_TRUE(note.has_value());
  EXPECT_EQ(note->reason, DeadLetterReason::kTerminated);
  EXPECT_EQ(note->consumer, "host__bank");
  EXPECT_EQ(note->stream_sequence, 12U);
  EXPECT_FALSE(parse_advisory("$JS.EVENT.ADVISORY.CONSUMER.CREATED.FLUX_MSG.c", "{}").has_value());
  EXPECT_FALSE(parse_advisory("$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.FLUX_MSG.c", R"({"deliveries":2})")
                   .has_value());
  EXPECT_FALSE(parse_advisory("$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.FLUX_MSG",
                              R"({"stream_seq":1,"deliveries":2})")
                   .has_value());
}

}  // namespace
}  // namespace fluxrig::snake
