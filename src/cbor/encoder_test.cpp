#include "cbor/encoder.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace fluxrig::cbor {
namespace {

template <typename Write>
std::string hex(Write write) {
  Bytes out;
  Encoder encoder(out);
  write(encoder);
  return to_hex(out);
}

TEST(CborEncoder, WritesTheUnsignedVectorsOfTheStandard) {
  const std::pair<std::uint64_t, const char*> kVectors[] = {{0, "00"},
                                                            {1, "01"},
                                                            {10, "0a"},
                                                            {23, "17"},
                                                            {24, "1818"},
                                                            {25, "1819"},
                                                            {100, "1864"},
                                                            {255, "18ff"},
                                                            {256, "190100"},
                                                            {1000, "1903e8"},
                                                            {65535, "19ffff"},
                                                            {65536, "1a00010000"},
                                                            {1000000, "1a000f4240"},
                                                            {4294967295U, "1affffffff"},
                                                            {4294967296U, "1b0000000100000000"},
                                                            {1000000000000U, "1b000000e8d4a51000"},
                                                            {18446744073709551615U, "1bffffffffffffffff"}};
  for (const auto& [value, expected] : kVectors)
    EXPECT_EQ(hex([v = value](Encoder& e) { e.unsigned_integer(v); }), expected);
}

TEST(CborEncoder, WritesTheNegativeVectorsOfTheStandardAndTheLimits) {
  const std::pair<std::int64_t, const char*> kVectors[] = {
      {-1, "20"},
      {-10, "29"},
      {-100, "3863"},
      {-1000, "3903e7"},
      {-24, "37"},
      {-25, "3818"},
      {7, "07"},
      {std::numeric_limits<std::int64_t>::max(), "1b7fffffffffffffff"},
      {std::numeric_limits<std::int64_t>::min(), "3b7fffffffffffffff"}};
  for (const auto& [value, expected] : kVectors)
    EXPECT_EQ(hex([v = value](Encoder& e) { e.integer(v); }), expected);
}

TEST(CborEncoder, WritesTheStringVectorsOfTheStandard) {
  EXPECT_EQ(hex([](Encoder& e) { e.bytes({}); }), "40");
  EXPECT_EQ(hex([](Encoder& e) { e.bytes(*from_hex("01020304")); }), "4401020304");
  const std::pair<const char*, const char*> kVectors[] = {
      {"", "60"},           {"a", "6161"},          {"IETF", "6449455446"},      {"\"\\", "62225c"},
      {"\u00fc", "62c3bc"}, {"\u6c34", "63e6b0b4"}, {"\U00010151", "64f0908591"}};
  for (const auto& [value, expected] : kVectors)
    EXPECT_EQ(hex([v = value](Encoder& e) { e.text(v); }), expected);
}

TEST(CborEncoder, WritesTheContainerVectorsOfTheStandard) {
  EXPECT_EQ(hex([](Encoder& e) { e.array(0); }), "80");
  EXPECT_EQ(hex([](Encoder& e) { e.map(0); }), "a0");
  EXPECT_EQ(hex([](Encoder& e) {
              e.array(25);
              for (int i = 1; i <= 25; ++i) e.integer(i);
            }),
            "98190102030405060708090a0b0c0d0e0f101112131415161718181819");
  EXPECT_EQ(hex([](Encoder& e) {
              e.map(2);
              e.text("a");
              e.integer(1);
              e.text("b");
              e.array(2);
              e.integer(2);
              e.integer(3);
            }),
            "a26161016162820203");
}

TEST(CborEncoder, WritesSimpleValuesAndDoublesInEightBytes) {
  EXPECT_EQ(hex([](Encoder& e) { e.boolean(false); }), "f4");
  EXPECT_EQ(hex([](Encoder& e) { e.boolean(true); }), "f5");
  EXPECT_EQ(hex([](Encoder& e) { e.null(); }), "f6");
  EXPECT_EQ(hex([](Encoder& e) { e.float64(1.1); }), "fb3ff199999999999a");
  EXPECT_EQ(hex([](Encoder& e) { e.float64(-4.1); }), "fbc010666666666666");
  EXPECT_EQ(hex([](Encoder& e) { e.float64(1.0e+300); }), "fb7e37e43c8800759c");
  EXPECT_EQ(hex([](Encoder& e) { e.float64(INFINITY); }), "fb7ff0000000000000");
}

TEST(CborEncoder, WritesOneNanForAll) {
  EXPECT_EQ(hex([](Encoder& e) { e.float64(std::nan("")); }), "fb7ff8000000000000");
  EXPECT_EQ(hex([](Encoder& e) { e.float64(-std::nan("0x123")); }), "fb7ff8000000000000");
}

TEST(CborEncoder, WritesFixed32InFiveBytesWhateverItsSize) {
  EXPECT_EQ(hex([](Encoder& e) { e.fixed32(0); }), "1a00000000");
  EXPECT_EQ(hex([](Encoder& e) { e.fixed32(0xdeadbeef); }), "1adeadbeef");
}

TEST(CborEncoder, ReplacesBytesThatAreNotUtf8) {
  EXPECT_EQ(hex([](Encoder& e) {
              e.text(
                  "a\xff"
                  "b");
            }),
            "6561efbfbd62");
  EXPECT_EQ(hex([](Encoder& e) { e.text("\xed\xa0\x80"); }), "69efbfbdefbfbdefbfbd");
  EXPECT_EQ(hex([](Encoder& e) { e.text("x\xc3"); }), "6478efbfbd");
}

TEST(CborEncoder, AppendsBehindWhatTheBufferHolds) {
  Bytes out{0x83};
  Encoder encoder(out);
  encoder.integer(1);
  encoder.raw(*from_hex("820203"));
  encoder.null();
  EXPECT_EQ(to_hex(out), "8301820203f6");
}

}  // namespace
}  // namespace fluxrig::cbor
