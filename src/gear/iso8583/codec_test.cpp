#include "gear/iso8583/codec.hpp"

#include <gtest/gtest.h>

#include <map>

#include "base/bytes.hpp"
#include "gear/iso8583/random_message.hpp"

namespace fluxrig::gear::iso8583 {
namespace {

const Specification& shipped(std::string_view name) {
  static std::map<std::string, std::shared_ptr<const Specification>, std::less<>> loaded;
  auto& spec = loaded[std::string(name)];
  if (!spec) spec = load_specification(name, "").value();
  return *spec;
}

std::string raw(std::string_view hex) { return std::string(as_text(from_hex(hex).value())); }

Fields fields_of(std::initializer_list<std::pair<const char*, const char*>> list) {
  Fields fields;
  for (const auto& [name, value] : list) fields.append(name, value);
  return fields;
}

void expect_same(std::string_view spec, const Fields& fields, const std::string& bytes) {
  Fields decoded;
  const auto read = decode(shipped(spec), bytes, decoded);
  ASSERT_TRUE(read) << read.error().element << ": " << read.error().error.detail;
  EXPECT_EQ(decoded, fields);
  std::string encoded;
  const auto written = encode(shipped(spec), fields, encoded);
  ASSERT_TRUE(written) << written.error().element << ": " << written.error().error.detail;
  EXPECT_EQ(to_hex(as_bytes(encoded)), to_hex(as_bytes(bytes)));
}

void expect_defect(std::string_view spec, const std::string& bytes, ErrorCode code, unsigned element) {
  Fields fields;
  const auto read = decode(shipped(spec), bytes, fields);
  ASSERT_FALSE(read);
  EXPECT_EQ(to_string(read.error().error.code), to_string(code)) << read.error().error.detail;
  EXPECT_EQ(read.error().element, element);
}

// The vectors are written by hand from the standard's rules, not by this codec.

TEST(Iso8583Codec, AsciiPurchaseIsReadAndWritten) {
  expect_same("iso8583-1987-ascii",
              fields_of({{"mti", "0200"},
                         {"2", "4242424242424242"},
                         {"3", "000000"},
                         {"4", "000000001050"},
                         {"7", "1122140307"},
                         {"11", "000123"},
                         {"41", "TERM0001"}}),
              "0200"
              "7220000000800000"
              "164242424242424242"
              "000000"
              "000000001050"
              "1122140307"
              "000123"
              "TERM0001");
}

TEST(Iso8583Codec, BinaryPurchaseHasRawBitmapAndTwoDigitsAByte) {
  expect_same("iso8583-1987-binary",
              fields_of({{"mti", "0200"},
                         {"2", "4242424242424242"},
                         {"3", "000000"},
                         {"4", "000000001050"},
                         {"7", "1122140307"},
                         {"11", "000123"},
                         {"41", "TERM0001"}}),
              raw("0200"
                  "7220000000800000"
                  "164242424242424242"
                  "000000"
                  "000000001050"
                  "1122140307"
                  "000123"
                  "5445524d30303031"));
}

TEST(Iso8583Codec, OddBcdDigitsArePrecededByAZeroNibble) {
  // 2: 15 digits; 22: n 3.
  expect_same("iso8583-1987-binary", fields_of({{"mti", "0100"}, {"2", "378282246310005"}, {"22", "051"}}),
              raw("0100"
                  "4000040000000000"
                  "150378282246310005"
                  "0051"));
}

TEST(Iso8583Codec, OddBcdTrackIsFollowedByF) {
  expect_same("iso8583-1987-binary", fields_of({{"mti", "0100"}, {"35", "4242424242424242=251210"}}),
              raw("0100"
                  "0000000020000000"
                  "23"
                  "4242424242424242d251210f"));
}

TEST(Iso8583Codec, BinaryElementsBecomeUpperCaseHex) {
  // 52: b 64; 55: LLLVAR with a BCD prefix of two bytes that counts bytes.
  expect_same("iso8583-1987-binary",
              fields_of({{"mti", "0200"}, {"52", "0123456789ABCDEF"}, {"55", "9F02021050"}}),
              raw("0200"
                  "0000000000001200"
                  "0123456789abcdef"
                  "0005"
                  "9f02021050"));
}

TEST(Iso8583Codec, SignedAmountKeepsItsSignCharacter) {
  const auto fields = fields_of({{"mti", "0200"}, {"28", "D00000125"}});
  expect_same("iso8583-1987-ascii", fields, "02000000001000000000D00000125");
  expect_same("iso8583-1987-binary", fields, raw("020000000010000000004400000125"));
}

TEST(Iso8583Codec, SecondaryBitmapFollowsThePrimary) {
  expect_same("iso8583-1987-ascii",
              fields_of({{"mti", "0800"}, {"7", "1122140307"}, {"11", "000123"}, {"70", "301"}}),
              "0800"
              "8220000000000000"
              "0400000000000000"
              "1122140307"
              "000123"
              "301");
}

TEST(Iso8583Codec, EbcdicDigitsAndTextAreCodePage037) {
  expect_same(
      "iso8583-1987-ebcdic",
      fields_of({{"mti", "0800"}, {"11", "000123"}, {"41", "TERM-01 "}, {"44", "a=Z"}, {"70", "301"}}),
      raw("f0f8f0f0"
          "8020000000900000"
          "0400000000000000"
          "f0f0f0f1f2f3"
          "e3c5d9d460f0f140"
          "f0f3817ee9"
          "f3f0f1"));
}

TEST(Iso8583Codec, Version1993HasItsOwnElements) {
  // 12 is n 12 and 39 is n 3 in 1993.
  expect_same("iso8583-1993-ascii", fields_of({{"mti", "1110"}, {"12", "261122140307"}, {"39", "000"}}),
              "11100010000002000000261122140307000");
}

TEST(Iso8583Codec, ShortValuesOfFixedElementsArePadded) {
  std::string bytes;
  ASSERT_TRUE(encode(shipped("iso8583-1987-ascii"),
                     fields_of({{"mti", "0200"}, {"4", "1050"}, {"42", "SHOP"}}), bytes));
  EXPECT_EQ(bytes,
            "0200"
            "1000000000400000"
            "000000001050"
            "SHOP           ");
  ASSERT_TRUE(encode(shipped("iso8583-1987-binary"), fields_of({{"mti", "0200"}, {"4", "105"}}), bytes));
  EXPECT_EQ(to_hex(as_bytes(bytes)), "02001000000000000000000000000105");
}

TEST(Iso8583Codec, LowerCaseBitmapDigitsAreAccepted) {
  Fields fields;
  ASSERT_TRUE(decode(shipped("iso8583-1987-ascii"), "0210002000000a000000000123RRN00000000100", fields));
  EXPECT_EQ(fields.get("37"), "RRN000000001");
  EXPECT_EQ(fields.get("39"), "00");
}

TEST(Iso8583Codec, ZeroLengthVariableElementIsPresentAndEmpty) {
  expect_same("iso8583-1987-ascii", fields_of({{"mti", "0200"}, {"44", ""}}), "0200000000000010000000");
}

TEST(Iso8583Codec, DefectNamesTheElement) {
  const std::string ascii = "iso8583-1987-ascii";
  expect_defect(ascii, "", ErrorCode::kTruncated, 0);
  expect_defect(ascii, "02x0", ErrorCode::kInvalid, 0);
  expect_defect(ascii, "12000000000000000000", ErrorCode::kUnsupported, 0);  // another version
  expect_defect(ascii, "0200000000000000000G", ErrorCode::kInvalid, 1);      // no hex digit
  expect_defect(ascii, "02008000000000000000", ErrorCode::kTruncated, 1);    // no second bitmap
  expect_defect(ascii, "020080000000000000008000000000000000", ErrorCode::kUnsupported, 65);
  expect_defect(ascii, "02004000000000000000204242424242424242424242", ErrorCode::kOversize, 2);
  expect_defect(ascii, "020040000000000000001x4", ErrorCode::kInvalid, 2);            // length prefix
  expect_defect(ascii, "0200100000000000000000000000105x", ErrorCode::kInvalid, 4);   // not a digit
  expect_defect(ascii, "02001000000000000000000000001050!", ErrorCode::kInvalid, 0);  // trailing byte
  expect_defect(ascii, "02000000001000000000X00000125", ErrorCode::kInvalid, 28);     // neither C nor D
  expect_defect(ascii,
                "02000000000000800000TERM\x07"
                "001",
                ErrorCode::kInvalid, 41);
}

TEST(Iso8583Codec, BinaryDefectNamesTheElement) {
  const std::string binary = "iso8583-1987-binary";
  expect_defect(binary, raw("02a0"), ErrorCode::kInvalid, 0);
  expect_defect(binary, raw("010040000000000000001a42"), ErrorCode::kInvalid, 2);     // prefix nibble
  expect_defect(binary, raw("0100400000000000000003f123"), ErrorCode::kInvalid, 2);   // pad is not 0
  expect_defect(binary, raw("0100000000002000000003123e"), ErrorCode::kInvalid, 35);  // pad is not F
  expect_defect(binary, raw("01000000000020000000021e"), ErrorCode::kInvalid, 35);    // nibble E
  expect_defect(binary, raw("010040000000000000000412d4"), ErrorCode::kInvalid, 2);   // D in n
}

TEST(Iso8583Codec, EncodingRefusesWhatTheSpecificationDoesNotAllow) {
  const auto defect_of = [](std::initializer_list<std::pair<const char*, const char*>> list) {
    std::string bytes = "left over";
    const auto written = encode(shipped("iso8583-1987-ascii"), fields_of(list), bytes);
    EXPECT_FALSE(written);
    EXPECT_EQ(bytes, written ? "unexpected" : "");
    return written ? Defect{} : written.error();
  };
  EXPECT_EQ(defect_of({{"2", "4242"}}).element, 0U);                            // no message type
  EXPECT_EQ(defect_of({{"mti", "1200"}}).error.code, ErrorCode::kUnsupported);  // another version
  EXPECT_EQ(defect_of({{"mti", "0200"}, {"1", "0"}}).error.code, ErrorCode::kInvalid);
  EXPECT_EQ(defect_of({{"mti", "0200"}, {"02", "0"}}).error.code, ErrorCode::kInvalid);
  EXPECT_EQ(defect_of({{"mti", "0200"}, {"129", "0"}}).error.code, ErrorCode::kInvalid);
  EXPECT_EQ(defect_of({{"mti", "0200"}, {"65", "0"}}).element, 65U);
  EXPECT_EQ(defect_of({{"mti", "0200"}, {"4", "1234567890123"}}).error.code, ErrorCode::kOversize);
  EXPECT_EQ(defect_of({{"mti", "0200"}, {"4", "10.50"}}).element, 4U);
  EXPECT_EQ(defect_of({{"mti", "0200"}, {"4", ""}}).element, 4U);
  EXPECT_EQ(defect_of({{"mti", "0200"}, {"52", "0123"}}).element, 52U);
  EXPECT_EQ(defect_of({{"mti", "0200"}, {"52", "0123456789ABCDE"}}).element, 52U);
  EXPECT_EQ(defect_of({{"mti", "0200"}, {"41", "caf\xc3\xa9"}}).element, 41U);
}

TEST(Iso8583Codec, EveryRandomMessageOfEverySpecificationComesBack) {
  constexpr std::uint64_t kSeed = 8583;
  for (const auto& each : shipped_specifications()) {
    SeededRandom random(kSeed);
    const Specification& spec = shipped(each.name);
    for (int round = 0; round < 500; ++round) {
      const Fields fields = random_message(spec, random);
      std::string bytes;
      ASSERT_TRUE(encode(spec, fields, bytes)) << each.name << " seed " << kSeed << " round " << round;
      Fields decoded;
      ASSERT_TRUE(decode(spec, bytes, decoded)) << each.name << " seed " << kSeed << " round " << round;
      ASSERT_EQ(decoded, fields) << each.name << " seed " << kSeed << " round " << round;
    }
  }
}

TEST(Iso8583Codec, EveryCutMessageIsTruncated) {
  constexpr std::uint64_t kSeed = 1987;
  for (const auto& each : shipped_specifications()) {
    SeededRandom random(kSeed);
    const Specification& spec = shipped(each.name);
    for (int round = 0; round < 2; ++round) {
      std::string bytes;
      ASSERT_TRUE(encode(spec, random_message(spec, random), bytes));
      for (std::size_t size = 0; size < bytes.size(); ++size) {
        Fields decoded;
        const auto read = decode(spec, std::string_view(bytes).substr(0, size), decoded);
        ASSERT_FALSE(read) << each.name << " seed " << kSeed << " cut at " << size;
        ASSERT_EQ(read.error().error.code, ErrorCode::kTruncated) << each.name << " cut at " << size;
      }
    }
  }
}

TEST(Iso8583Codec, ElementNamesAndNumbersAreInverse) {
  for (unsigned i = 2; i <= kLastElement; ++i) EXPECT_EQ(element_number(element_name(i)), i);
  for (const auto* other : {"", "0", "1", "02", "129", "999", "1000", "2x", "-2", "mti"})
    EXPECT_EQ(element_number(other), 0U) << other;
}

}  // namespace
}  // namespace fluxrig::gear::iso8583
