#include "base/ids.hpp"

#include <gtest/gtest.h>

namespace fluxrig {
namespace {

TEST(FluxId, IsAVersion7UuidWithTheMillisecondsInFront) {
  SeededRandom random(1);
  const UnixNanos now{1'700'000'000'123 * kNanosPerMilli};
  const FluxId id = make_flux_id(now, random);
  EXPECT_EQ(load_be64(id.bytes.data()) >> 16, 1'700'000'000'123U);
  EXPECT_EQ(id.bytes[6] >> 4, 7);
  EXPECT_EQ(id.bytes[8] >> 6, 2);
}

TEST(FluxId, SortsByTime) {
  SeededRandom random(2);
  const auto early = make_flux_id({1000 * kNanosPerMilli}, random);
  const auto late = make_flux_id({1001 * kNanosPerMilli}, random);
  EXPECT_LT(early, late);
}

TEST(Uuid, TextAndBytesRoundTrip) {
  const std::string text = "0192f3c1-7a44-7c10-9a51-3d5e0c9b1f02";
  const auto bytes = parse_uuid(text);
  ASSERT_TRUE(bytes);
  EXPECT_EQ(to_uuid(*bytes), text);
}

TEST(Uuid, RejectsWrongLengthDashesAndDigits) {
  EXPECT_FALSE(parse_uuid(""));
  EXPECT_FALSE(parse_uuid("0192f3c1-7a44-7c10-9a51-3d5e0c9b1f0"));
  EXPECT_FALSE(parse_uuid("0192f3c1x7a44-7c10-9a51-3d5e0c9b1f02"));
  EXPECT_FALSE(parse_uuid("0192f3c1-7a44-7c10-9a51-3d5e0c9b1f0g"));
}

TEST(TraceId, IsNeverZero) {
  // A generator that yields zeros first must be asked again.
  struct Zeros final : Random {
    std::uint64_t next() noexcept override { return calls++ < 4 ? 0 : 7; }
    int calls = 0;
  } random;
  EXPECT_FALSE(make_trace_id(random).is_zero());
  EXPECT_FALSE(make_span_id(random).is_zero());
}

}  // namespace
}  // namespace fluxrig
