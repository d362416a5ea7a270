#include "model/receipt.hpp"

#include <gtest/gtest.h>

namespace fluxrig::model {
namespace {

Bytes encoded(const Receipt& receipt) {
  Bytes bytes;
  encode(receipt, bytes);
  return bytes;
}

Receipt sample() {
  return {Lane::kAudit, Epoch{3}, {{Sequence{1}, Sequence{250}}, {Sequence{300}, Sequence{300}}}};
}

TEST(Receipt, HasTheBytesOfTheFormatPage) {
  EXPECT_EQ(to_hex(encoded(sample())), "a40001010102030382820118fa8219012c19012c");
}

TEST(Receipt, ComesBackAsItWasSent) {
  const auto back = decode_receipt(encoded(sample()));
  ASSERT_TRUE(back);
  EXPECT_EQ(*back, sample());
}

TEST(Receipt, IsRefusedWhenCutAnywhere) {
  const Bytes bytes = encoded(sample());
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(decode_receipt(ByteView(bytes).first(size))) << size;
}

TEST(Receipt, IsRefusedWithRangesThatOverlap) {
  auto receipt = sample();
  receipt.ranges = {{Sequence{1}, Sequence{9}}, {Sequence{9}, Sequence{12}}};
  EXPECT_EQ(decode_receipt(encoded(receipt)).error().code, ErrorCode::kInvalid);
}

TEST(Receipt, IsRefusedWithMoreRangesThanTheLimit) {
  Receipt receipt{Lane::kTelemetry, Epoch{1}, {}};
  for (std::uint64_t i = 0; i <= kMaxReceiptRanges; ++i)
    receipt.ranges.emplace_back(Sequence{2 * i + 1}, Sequence{2 * i + 1});
  EXPECT_EQ(decode_receipt(encoded(receipt)).error().code, ErrorCode::kOversize);
}

TEST(Receipt, OfAnotherVersionIsNamedSo) {
  Bytes bytes = encoded(sample());
  bytes[2] = 9;
  EXPECT_EQ(decode_receipt(bytes).error().code, ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace fluxrig::model
