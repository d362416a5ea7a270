#include "gear/net/framing.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace fluxrig::gear::net {
namespace {

using Kind = Frame::Kind;
constexpr std::size_t kLimit = 9'000;

class EveryFraming : public testing::TestWithParam<Framing> {};

std::string stream_of(Framing framing, const std::vector<std::string>& messages) {
  std::string bytes;
  for (const auto& message : messages) EXPECT_TRUE(append_frame(framing, message, bytes));
  return bytes;
}

TEST_P(EveryFraming, GivesBackWhatWasWrittenWhereverTheBytesAreSplit) {
  const std::vector<std::string> messages = {"a", std::string(255, 'x'), "0200 something",
                                             std::string(300, '\0')};
  const auto bytes = stream_of(GetParam(), messages);
  for (std::size_t split = 0; split <= bytes.size(); ++split) {
    std::vector<std::string> read;
    std::string held;
    for (const auto part :
         {std::string_view(bytes).substr(0, split), std::string_view(bytes).substr(split)}) {
      held.append(part);
      for (;;) {
        const auto frame = next_frame(GetParam(), held, kLimit);
        if (frame.kind != Kind::kMessage) {
          ASSERT_EQ(frame.kind, Kind::kIncomplete) << "split at " << split;
          break;
        }
        read.emplace_back(frame.payload);
        held.erase(0, frame.used);
      }
    }
    ASSERT_EQ(read, messages) << "split at " << split;
    ASSERT_TRUE(held.empty());
  }
}

TEST_P(EveryFraming, TakesAnEmptyFrameAsPoll) {
  const auto bytes = stream_of(GetParam(), {""});
  const auto frame = next_frame(GetParam(), bytes, kLimit);
  EXPECT_EQ(frame.kind, Kind::kPoll);
  EXPECT_EQ(frame.used, bytes.size());
}

TEST_P(EveryFraming, TakesTheLongestAllowedAndRefusesOneByteMore) {
  const auto fits = stream_of(GetParam(), {std::string(kLimit, 'x')});
  EXPECT_EQ(next_frame(GetParam(), fits, kLimit).kind, Kind::kMessage);
  const auto over = stream_of(GetParam(), {std::string(kLimit + 1, 'x')});
  EXPECT_EQ(next_frame(GetParam(), over, kLimit).kind, Kind::kOversize);
}

INSTANTIATE_TEST_SUITE_P(Framing, EveryFraming,
                         testing::Values(Framing::kLength2, Framing::kLength4, Framing::kAscii4,
                                         Framing::kNewline));

TEST(Framing, RefusesLengthsThatAreNotDigitsAtTheFirstBadOne) {
  EXPECT_EQ(next_frame(Framing::kAscii4, "00x", kLimit).kind, Kind::kBroken);
  EXPECT_EQ(next_frame(Framing::kAscii4, "-001", kLimit).kind, Kind::kBroken);
  EXPECT_EQ(next_frame(Framing::kAscii4, "000", kLimit).kind, Kind::kIncomplete);
}

TEST(Framing, WritesTheLengthsAsTheProtocolsSay) {
  std::string bytes;
  ASSERT_TRUE(append_frame(Framing::kLength2, "abc", bytes));
  ASSERT_TRUE(append_frame(Framing::kLength4, "abc", bytes));
  ASSERT_TRUE(append_frame(Framing::kAscii4, "abc", bytes));
  ASSERT_TRUE(append_frame(Framing::kNewline, "abc", bytes));
  EXPECT_EQ(bytes, std::string("\0\3abc\0\0\0\3abc0003abcabc\n", 23));
}

TEST(Framing, TakesACarriageReturnOffALine) {
  EXPECT_EQ(next_frame(Framing::kNewline, "ab\r\nc", kLimit).payload, "ab");
  EXPECT_EQ(next_frame(Framing::kNewline, "\r\n", kLimit).kind, Kind::kPoll);
}

TEST(Framing, RefusesToWriteWhatItCannotCarry) {
  std::string bytes;
  EXPECT_FALSE(append_frame(Framing::kLength2, std::string(65'536, 'x'), bytes));
  EXPECT_FALSE(append_frame(Framing::kAscii4, std::string(10'000, 'x'), bytes));
  EXPECT_FALSE(append_frame(Framing::kNewline, "a\nb", bytes));
  EXPECT_TRUE(bytes.empty());
}

TEST(Framing, KnowsItsNames) {
  EXPECT_EQ(framing_of("length2"), Framing::kLength2);
  EXPECT_EQ(framing_of("newline"), Framing::kNewline);
  EXPECT_EQ(framing_of("length3"), std::nullopt);
}

}  // namespace
}  // namespace fluxrig::gear::net
