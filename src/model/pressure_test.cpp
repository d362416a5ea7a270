#include "model/pressure.hpp"

#include <gtest/gtest.h>

namespace fluxrig::model {
namespace {

Bytes encoded(const PressureLease& lease) {
  Bytes bytes;
  encode(lease, bytes);
  return bytes;
}

PressureLease sample() {
  PressureLease lease;
  lease.mixer_started = UnixNanos{1'700'000'000'000'000'000};
  lease.sequence = 42;
  lease.level = 1;
  lease.cause = PressureCause::kStreamFill;
  lease.replay_bytes_per_s = 65'536;
  lease.lease_ms = 10'000;
  lease.pace_bytes_per_s = 131'072;
  return lease;
}

TEST(PressureLease, HasTheBytesOfTheFormatPage) {
  EXPECT_EQ(to_hex(encoded(sample())),
            "a80001011b17979cfe362a000002182a03010404051a0001000006192710071a00020000");
}

TEST(PressureLease, ComesBackAsItWasSentWithAndWithoutALimit) {
  auto lease = sample();
  EXPECT_EQ(decode_pressure_lease(encoded(lease)).value(), lease);
  lease.pace_bytes_per_s.reset();
  EXPECT_EQ(decode_pressure_lease(encoded(lease)).value(), lease);
  lease.pace_bytes_per_s = 0;  // nothing at all, which is not the same as no limit
  EXPECT_EQ(decode_pressure_lease(encoded(lease)).value(), lease);
}

TEST(PressureLease, IsRefusedWhenCutAnywhere) {
  const Bytes bytes = encoded(sample());
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(decode_pressure_lease(ByteView(bytes).first(size))) << size;
}

TEST(PressureLease, IsRefusedWhenBytesFollow) {
  Bytes bytes = encoded(sample());
  bytes.push_back(0);
  EXPECT_EQ(decode_pressure_lease(bytes).error().code, ErrorCode::kInvalid);
}

TEST(PressureLease, OfAnotherVersionIsNamedSo) {
  Bytes bytes = encoded(sample());
  bytes[2] = 2;
  EXPECT_EQ(decode_pressure_lease(bytes).error().code, ErrorCode::kUnsupported);
}

TEST(PressureLease, WithALevelThatDoesNotExistIsRefused) {
  auto lease = sample();
  lease.level = kMaxPressureLevel + 1;
  EXPECT_EQ(decode_pressure_lease(encoded(lease)).error().code, ErrorCode::kInvalid);
}

TEST(PressureLease, ThatIsNeverValidOrNeverEndsIsRefused) {
  auto lease = sample();
  for (const std::uint32_t wrong : {0U, kMaxLeaseMs + 1}) {
    lease.lease_ms = wrong;
    EXPECT_EQ(decode_pressure_lease(encoded(lease)).error().code, ErrorCode::kInvalid) << wrong;
  }
}

TEST(PressureLease, WithACauseOfALaterReleaseStillHolds) {
  Bytes bytes = encoded(sample());
  const std::size_t cause = 1 + 2 + 10 + 3 + 2 + 1;  // head, version, start, sequence, level, key 4
  ASSERT_EQ(bytes[cause], static_cast<std::uint8_t>(PressureCause::kStreamFill));
  bytes[cause] = 23;
  const auto lease = decode_pressure_lease(bytes);
  ASSERT_TRUE(lease);
  EXPECT_EQ(lease->cause, PressureCause::kUnknown);
  EXPECT_EQ(lease->level, 1);
}

TEST(PressureLease, KeysOfALaterReleaseAreIgnored) {
  Bytes bytes = encoded(sample());
  bytes[0] = 0xa9;  // nine entries
  bytes.insert(bytes.end(), {0x09, 0x82, 0x01, 0x02});
  EXPECT_EQ(decode_pressure_lease(bytes).value(), sample());
}

TEST(PressureLease, ThatWasOvertakenIsNotFollowed) {
  auto last = sample();
  auto next = last;
  EXPECT_FALSE(supersedes(next, last));  // twice the same
  next.sequence = last.sequence - 1;
  EXPECT_FALSE(supersedes(next, last));
  next.sequence = last.sequence + 1;
  EXPECT_TRUE(supersedes(next, last));
}

TEST(PressureLease, OfAnotherStartIsFollowedFromItsFirstSequence) {
  auto next = sample();
  next.sequence = 1;
  next.mixer_started.value -= 1;  // the clock was put back between the two starts
  EXPECT_TRUE(supersedes(next, sample()));
}

TEST(PressureState, IsFoundByItsName) {
  for (const auto name : kPressureStateNames) EXPECT_EQ(name_of(pressure_state(name).value()), name);
  EXPECT_FALSE(pressure_state("auto"));
  EXPECT_FALSE(pressure_state(""));
}

}  // namespace
}  // namespace fluxrig::model
