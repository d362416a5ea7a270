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

TEST(Receipt, CarriesHowFarTheChainIsHeld) {
  Receipt receipt;
  receipt.epoch = Epoch{3};
  receipt.ranges = {{Sequence{1}, Sequence{250}}};
  receipt.chain = Receipt::ChainHead{Sequence{251}, {}};
  receipt.chain->hash.fill(0xab);
  Bytes bytes;
  encode(receipt, bytes);
  EXPECT_EQ(decode_receipt(bytes), receipt);
}

TEST(Receipt, RefusesAChainWithAShortHash) {
  // {0: 1, 1: 1, 2: 3, 3: [], 4: [1, h'00']}
  const Bytes bytes{0xa5, 0, 1, 1, 1, 2, 3, 3, 0x80, 4, 0x82, 1, 0x41, 0};
  const auto decoded = decode_receipt(bytes);
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().code, ErrorCode::kInvalid);
}

}  // namespace
}  // namespace fluxrig::model
