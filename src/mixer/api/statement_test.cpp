#include "mixer/api/statement.hpp"

#include <gtest/gtest.h>

#include "mixer/api/message.hpp"
#include "mixer/api/tail.hpp"

namespace fluxrig::mixer {
namespace {

TEST(IdPattern, PrefixBecomesARangeAndNoWildcard) {
  const auto pattern = parse_id("0192F3c1-7a");
  ASSERT_TRUE(pattern);
  EXPECT_EQ(pattern->least, "0192f3c17a0000000000000000000000");
  EXPECT_EQ(pattern->most, "0192f3c17affffffffffffffffffffff");
  EXPECT_FALSE(pattern->whole());
  EXPECT_FALSE(parse_id("abc"));
  EXPECT_FALSE(parse_id("0192%"));
  EXPECT_FALSE(parse_id(std::string(33, 'a')));
}

TEST(ParseTime, TakesDatesTimesAndAges) {
  const UnixNanos now{1'800'000'000 * kNanosPerSecond};
  EXPECT_EQ(parse_time("15m", now)->value, now.value - 900 * kNanosPerSecond);
  EXPECT_EQ(parse_time("1970-01-02", now)->value, 86'400 * kNanosPerSecond);
  EXPECT_EQ(to_rfc3339(*parse_time("2026-11-22T14:03:07.412Z", now)), "2026-11-22T14:03:07.412000000Z");
  for (const auto* wrong :
       {"", "m", "2026-13-01", "2026-11-22T25:00:00Z", "2026-11-22T14:03:07.Z", "x15m", "15mm"})
    EXPECT_FALSE(parse_time(wrong, now)) << wrong;
}

TEST(ParseTarget, DecodesAndRefusesWhatIsMalformed) {
  ApiRequest request;
  ASSERT_TRUE(parse_target("/api/v1/sql?q=SELECT+1%2B1&limit=5&limit=6", request));
  EXPECT_EQ(request.path, "/api/v1/sql");
  EXPECT_EQ(request.parameter("q"), "SELECT 1+1");
  EXPECT_EQ(request.parameter("limit"), "6");
  for (const auto* wrong : {"", "x", "/a?b=%0", "/a?b=%zz", "/a%00b"})
    EXPECT_FALSE(parse_target(wrong, request)) << wrong;
}

TEST(TailSubscription, DropsAreCountedAndToldToTheClient) {
  TailSubscription subscription({});
  const StoredTransaction stored{};
  const std::string line(TailSubscription::kMaxBytes / 2, 'x');
  for (int i = 0; i < 5; ++i) subscription.offer(stored, line);
  const auto taken = subscription.take();
  EXPECT_EQ(taken.substr(0, taken.find('\n')), R"({"type":"dropped","count":3})");
  EXPECT_EQ(subscription.take(), "");
}

}  // namespace
}  // namespace fluxrig::mixer
