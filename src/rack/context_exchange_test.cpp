#include "rack/context_exchange.hpp"

#include <gtest/gtest.h>

namespace fluxrig::rack {
namespace {

OfferedContext offer(std::uint8_t byte) {
  OfferedContext out;
  out.key.bytes.fill(byte);
  out.flux_id.bytes.fill(byte);
  out.context.trace_id.bytes.fill(byte);
  out.context.span_id.bytes.fill(byte);
  out.context.flags = trace::kSampled;
  out.context.tracestate = "vendor=1";
  return out;
}

TEST(ContextOffers, RoundTrip) {
  const auto bytes = encode_offers({offer(1), offer(2)});
  const auto decoded = decode_offers(bytes);
  ASSERT_TRUE(decoded);
  ASSERT_EQ(decoded->size(), 2U);
  EXPECT_EQ((*decoded)[1].key, offer(2).key);
  EXPECT_EQ((*decoded)[1].context.tracestate, "vendor=1");
  EXPECT_EQ((*decoded)[1].context.flags, trace::kSampled);
}

TEST(ContextOffers, ATracestateIsSearched) {
  auto one = offer(1);
  one.context.tracestate = "vendor=4532015112830366";
  EXPECT_EQ(decode_offers(encode_offers({one}))->front().context.tracestate, "vendor=453201******0366");
}

TEST(ContextOffers, ReservedFlagsAreDropped) {
  auto one = offer(1);
  one.context.flags = 0xff;
  const auto bytes = encode_offers({one});
  EXPECT_EQ(decode_offers(bytes)->front().context.flags, trace::kSampled | trace::kRandom);
}

TEST(ContextOffers, EveryTruncationIsRefused) {
  auto bytes = encode_offers({offer(1)}).bytes();
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(decode_offers(ByteView(bytes).first(size))) << size;
  bytes.push_back(0);
  EXPECT_FALSE(decode_offers(bytes)) << "a byte behind";
}

TEST(ContextOffers, ZeroIdsAndOtherVersionsAreRefused) {
  EXPECT_FALSE(decode_offers(encode_offers({offer(0)})));
  auto bytes = encode_offers({offer(1)}).bytes();
  bytes[1] = 2;
  const auto other = decode_offers(bytes);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, ErrorCode::kUnsupported);
}

TEST(ContextKeys, HideTheirInputAndDiffer) {
  EXPECT_EQ(context_key("0210|1122103000|000017||TERM0001"), context_key("0210|1122103000|000017||TERM0001"));
  EXPECT_NE(context_key("0210|1122103000|000017||TERM0001"), context_key("0210|1122103000|000018||TERM0001"));
}

}  // namespace
}  // namespace fluxrig::rack
