#include "cbor/decoder.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "cbor/encoder.hpp"

namespace fluxrig::cbor {
namespace {

Bytes from(std::string_view hex) { return *from_hex(hex); }

ErrorCode skip_error(std::string_view hex) {
  const Bytes input = from(hex);
  Decoder decoder(input);
  const auto skipped = decoder.skip();
  EXPECT_FALSE(skipped) << hex;
  EXPECT_EQ(decoder.offset(), 0U) << hex;
  return skipped ? ErrorCode::kInternal : skipped.error().code;
}

// RFC 8949, appendix A: what the subset holds.
constexpr const char* kVectors[] = {"00",
                                    "01",
                                    "0a",
                                    "17",
                                    "1818",
                                    "1819",
                                    "1864",
                                    "1903e8",
                                    "1a000f4240",
                                    "1b000000e8d4a51000",
                                    "1bffffffffffffffff",
                                    "3bffffffffffffffff",
                                    "20",
                                    "29",
                                    "3863",
                                    "3903e7",
                                    "fb3ff199999999999a",
                                    "fb7e37e43c8800759c",
                                    "fbc010666666666666",
                                    "fb7ff0000000000000",
                                    "fb7ff8000000000000",
                                    "fbfff0000000000000",
                                    "f4",
                                    "f5",
                                    "f6",
                                    "40",
                                    "4401020304",
                                    "60",
                                    "6161",
                                    "6449455446",
                                    "62225c",
                                    "62c3bc",
                                    "63e6b0b4",
                                    "64f0908591",
                                    "80",
                                    "83010203",
                                    "8301820203820405",
                                    "98190102030405060708090a0b0c0d0e0f101112131415161718181819",
                                    "a0",
                                    "a201020304",
                                    "a26161016162820203",
                                    "826161a161626163",
                                    "a56161614161626142616361436164614461656145"};

TEST(CborDecoder, SkipsEveryVectorOfTheStandardThatTheSubsetHolds) {
  for (const char* vector : kVectors) {
    const Bytes input = from(vector);
    Decoder decoder(input);
    const auto skipped = decoder.skip();
    ASSERT_TRUE(skipped) << vector;
    EXPECT_EQ(to_hex(*skipped), vector);
    EXPECT_TRUE(decoder.at_end());
  }
}

TEST(CborDecoder, FindsEveryVectorTruncatedAtEveryByte) {
  for (const std::string_view vector : kVectors)
    for (std::size_t cut = 0; cut < vector.size(); cut += 2)
      EXPECT_EQ(skip_error(vector.substr(0, cut)), ErrorCode::kTruncated) << vector << " at " << cut;
}

TEST(CborDecoder, RefusesTheVectorsOutsideOfTheSubset) {
  for (const char* vector : {"f90000",
                             "f93c00",
                             "f97bff",
                             "f97e00",
                             "fa47c35000",
                             "fa7f800000",
                             "f7",
                             "f0",
                             "f8ff",
                             "c074323031332d30",
                             "c11a514b67b0",
                             "d74401020304",
                             "c249010000000000000000",
                             "5f42010243030405ff",
                             "7f657374726561646d696e67ff",
                             "9fff",
                             "9f018202039f0405ffff",
                             "83018202039f0405ff",
                             "bf61610161629f0203ffff",
                             "ff",
                             "1c",
                             "3d",
                             "5e",
                             "7f",
                             "9c",
                             "bd",
                             "fc",
                             "fe"})
    EXPECT_EQ(skip_error(vector), ErrorCode::kInvalid) << vector;
}

TEST(CborDecoder, RefusesHeadsThatAreNotTheShortest) {
  for (const char* vector : {"1800", "1817", "1900ff", "1a0000ffff", "1b00000000ffffffff", "3817", "580100",
                             "780161", "980100", "b8010000", "8118 05", "39000f"}) {
    std::string hex(vector);
    std::erase(hex, ' ');
    EXPECT_EQ(skip_error(hex), ErrorCode::kInvalid) << vector;
  }
}

TEST(CborDecoder, RefusesTextThatIsNotUtf8AndNansThatAreNotCanonical) {
  EXPECT_EQ(skip_error("61ff"), ErrorCode::kInvalid);
  EXPECT_EQ(skip_error("62c328"), ErrorCode::kInvalid);
  EXPECT_EQ(skip_error("fb7ff8000000000001"), ErrorCode::kInvalid);
  EXPECT_EQ(skip_error("fbfff8000000000000"), ErrorCode::kInvalid);
}

TEST(CborDecoder, RefusesLengthsOverTheInputWithoutAllocating) {
  for (const char* vector :
       {"5bffffffffffffffff", "7bffffffffffffffff", "9bffffffffffffffff", "bbffffffffffffffff",
        "bb7fffffffffffffff00", "9affffffff00", "bb800000000000000000"})
    EXPECT_EQ(skip_error(vector), ErrorCode::kTruncated) << vector;
}

TEST(CborDecoder, TakesTheDeepestNestingAllowedAndRefusesOneMore) {
  for (const std::string_view open : {"81", "a100"}) {
    std::string hex;
    for (int i = 0; i < Decoder::kMaxDepth; ++i) hex += open;
    const Bytes good = from(hex + "00");
    Decoder decoder(good);
    EXPECT_TRUE(decoder.skip());
    EXPECT_EQ(skip_error(hex + std::string(open) + "00"), ErrorCode::kOversize);
  }
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "81";
  EXPECT_EQ(skip_error(deep + "00"), ErrorCode::kOversize);
}

TEST(CborDecoder, ReadsBackWhatTheEncoderWrote) {
  Bytes out;
  Encoder encoder(out);
  encoder.unsigned_integer(std::numeric_limits<std::uint64_t>::max());
  encoder.integer(std::numeric_limits<std::int64_t>::min());
  encoder.bytes(from("00ff"));
  encoder.text("h\u00e9");
  encoder.array(2);
  encoder.boolean(true);
  encoder.null();
  encoder.map(1);
  encoder.fixed32(7);
  encoder.float64(-0.5);
  Decoder decoder(out);
  EXPECT_EQ(decoder.peek(), Type::kUnsigned);
  EXPECT_EQ(decoder.unsigned_integer().value(), std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(decoder.peek(), Type::kNegative);
  EXPECT_EQ(decoder.integer().value(), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(decoder.peek(), Type::kBytes);
  EXPECT_EQ(to_hex(decoder.bytes().value()), "00ff");
  EXPECT_EQ(decoder.peek(), Type::kText);
  EXPECT_EQ(decoder.text().value(), "h\u00e9");
  EXPECT_EQ(decoder.peek(), Type::kArray);
  EXPECT_EQ(decoder.array().value(), 2U);
  EXPECT_EQ(decoder.peek(), Type::kBoolean);
  EXPECT_TRUE(decoder.boolean().value());
  EXPECT_EQ(decoder.peek(), Type::kNull);
  EXPECT_TRUE(decoder.null());
  EXPECT_EQ(decoder.peek(), Type::kMap);
  EXPECT_EQ(decoder.map().value(), 1U);
  EXPECT_EQ(decoder.fixed32().value(), 7U);
  EXPECT_EQ(decoder.peek(), Type::kFloat);
  EXPECT_EQ(decoder.float64().value(), -0.5);
  EXPECT_EQ(decoder.peek(), Type::kEnd);
  EXPECT_TRUE(decoder.at_end());
}

TEST(CborDecoder, StaysWhereItIsWhenTheTypeIsAnother) {
  const Bytes input = from("6161");
  Decoder decoder(input);
  EXPECT_EQ(decoder.unsigned_integer().error().code, ErrorCode::kInvalid);
  EXPECT_EQ(decoder.integer().error().code, ErrorCode::kInvalid);
  EXPECT_EQ(decoder.bytes().error().code, ErrorCode::kInvalid);
  EXPECT_EQ(decoder.array().error().code, ErrorCode::kInvalid);
  EXPECT_EQ(decoder.map().error().code, ErrorCode::kInvalid);
  EXPECT_EQ(decoder.boolean().error().code, ErrorCode::kInvalid);
  EXPECT_EQ(decoder.null().error().code, ErrorCode::kInvalid);
  EXPECT_EQ(decoder.float64().error().code, ErrorCode::kInvalid);
  EXPECT_EQ(decoder.fixed32().error().code, ErrorCode::kInvalid);
  EXPECT_EQ(decoder.offset(), 0U);
  EXPECT_EQ(decoder.text().value(), "a");
}

TEST(CborDecoder, TellsFalseTrueNullAndDoublesApart) {
  const Bytes input = from("f6");
  Decoder decoder(input);
  EXPECT_FALSE(decoder.boolean());
  EXPECT_FALSE(decoder.float64());
  EXPECT_TRUE(decoder.null());
  const Bytes number = from("fb3ff199999999999a");
  Decoder other(number);
  EXPECT_FALSE(other.boolean());
  EXPECT_FALSE(other.null());
  EXPECT_EQ(other.float64().value(), 1.1);
}

TEST(CborDecoder, RefusesIntegersOutsideOfInt64) {
  for (const char* vector : {"1b8000000000000000", "3b8000000000000000", "1bffffffffffffffff"}) {
    const Bytes input = from(vector);
    Decoder decoder(input);
    EXPECT_EQ(decoder.integer().error().code, ErrorCode::kOversize) << vector;
  }
}

TEST(CborDecoder, TakesFixed32InItsFiveByteFormOnly) {
  for (const char* vector : {"00", "1864", "190100", "1b0000000100000000"}) {
    const Bytes input = from(vector);
    Decoder decoder(input);
    EXPECT_EQ(decoder.fixed32().error().code, ErrorCode::kInvalid) << vector;
  }
  const Bytes cut = from("1a000000");
  EXPECT_EQ(Decoder(cut).fixed32().error().code, ErrorCode::kTruncated);
}

TEST(CborDecoder, PeeksTheEndWhereNoSupportedItemStarts) {
  for (const char* vector : {"", "c0", "f7", "f93c00", "ff", "9f", "5f", "1f"}) {
    const Bytes input = from(vector);
    EXPECT_EQ(Decoder(input).peek(), Type::kEnd) << vector;
  }
}

}  // namespace
}  // namespace fluxrig::cbor
