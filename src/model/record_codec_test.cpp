#include "model/record_codec.hpp"

#include <gtest/gtest.h>

#include "cbor/decoder.hpp"
#include "cbor/encoder.hpp"
#include "model/golden_records.hpp"
#include "model/record_keys.hpp"

namespace fluxrig::model {
namespace {

Bytes encoded(const Record& record) {
  Bytes out;
  encode(record, out);
  return out;
}

ErrorCode decode_error(ByteView bytes) {
  const auto decoded = decode(bytes);
  EXPECT_FALSE(decoded) << to_hex(bytes);
  return decoded ? ErrorCode::kInternal : decoded.error().code;
}

// A smallest log with one more entry, given as encoded key and value.
Bytes log_with(std::string_view entry_hex) {
  return *from_hex(
      "a400040701"
      "0a09" +
      std::string(entry_hex));
}

TEST(RecordCodec, GivesBackEveryFieldOfEveryKind) {
  for (const auto& record : golden::records()) {
    const auto decoded = decode(encoded(record));
    ASSERT_TRUE(decoded) << to_string(decoded.error());
    EXPECT_EQ(*decoded, record);
  }
}

TEST(RecordCodec, WritesTheGoldenFile) {
  golden::expect_golden("records.cbor", golden::sequence_of(golden::records()));
}

TEST(RecordCodec, WritesTheExampleOfTheFormatPage) {
  Transaction record = golden::transaction();
  record.tracestate.clear();
  record.links.clear();
  record.attributes = {{"http.response.status_code", std::int64_t{200}}};
  record.redactions = {"iso8583.2 token"};
  record.outcome = TransactionOutcome::kAnswered;
  record.reason.clear();
  record.dropped_attributes = 0;
  EXPECT_EQ(golden::documented_hex("docs/formats/records.md"), to_hex(encoded(record)));
}

TEST(RecordCodec, WritesOneCborItemPerRecord) {
  const auto records = golden::records();
  const Bytes bytes = golden::sequence_of(records);
  cbor::Decoder decoder(bytes);
  for (const auto& record : records) {
    const auto item = decoder.skip();
    ASSERT_TRUE(item);
    EXPECT_EQ(decode(*item).value(), record);
  }
  EXPECT_TRUE(decoder.at_end());
}

TEST(RecordCodec, RefusesEveryTruncationAndTrailingBytes) {
  for (const auto& record : golden::records()) {
    Bytes bytes = encoded(record);
    for (std::size_t size = 0; size < bytes.size(); ++size)
      EXPECT_FALSE(decode(ByteView(bytes).first(size))) << "cut at " << size;
    bytes.push_back(0xf6);
    EXPECT_EQ(decode_error(bytes), ErrorCode::kInvalid);
  }
}

TEST(RecordCodec, IgnoresKeysItDoesNotKnow) {
  for (const char* entry : {"0cf6", "16820102", "181ea10102", "1a7fffffff6161", "1b7fffffffffffffff40"}) {
    const auto decoded = decode(log_with(entry));
    ASSERT_TRUE(decoded) << entry;
    EXPECT_EQ(std::get<Log>(*decoded).time.value, 1);
  }
}

TEST(RecordCodec, RefusesAnUnknownKindByName) {
  EXPECT_EQ(decode_error(*from_hex("a10006")), ErrorCode::kUnsupported);
  EXPECT_EQ(decode_error(*from_hex("a10000")), ErrorCode::kUnsupported);
}

TEST(RecordCodec, RefusesRecordsWithoutAKindInFront) {
  for (const char* hex :
       {"a0", "a10104", "80", "04", "a1200400", "a200040004", "a3000407010701", "a4000407010a090701"})
    EXPECT_NE(decode_error(*from_hex(hex)), ErrorCode::kUnsupported) << hex;
}

TEST(RecordCodec, RefusesAMissingRequiredKey) {
  EXPECT_TRUE(decode(*from_hex("a3000407010a09")));
  EXPECT_EQ(decode_error(*from_hex("a200040701")), ErrorCode::kInvalid);
  EXPECT_EQ(decode_error(*from_hex("a200040a09")), ErrorCode::kInvalid);
  EXPECT_EQ(decode_error(*from_hex("a10001")), ErrorCode::kInvalid);
  EXPECT_EQ(decode_error(*from_hex("a10002")), ErrorCode::kInvalid);
  EXPECT_EQ(decode_error(*from_hex("a10005")), ErrorCode::kInvalid);
  EXPECT_EQ(decode_error(*from_hex("a40003066161070108"
                                   "01")),
            ErrorCode::kInvalid);  // no data
}

TEST(RecordCodec, RefusesAMetricPointWithTwoKindsOfData) {
  const std::string point =
      "0003066161070108"
      "01";
  const std::string sum = "0ba200fb000000000000000001f5";
  const std::string gauge = "0cfb0000000000000000";
  EXPECT_TRUE(decode(*from_hex("a5" + point + sum)));
  EXPECT_TRUE(decode(*from_hex("a5" + point + gauge)));
  EXPECT_EQ(decode_error(*from_hex("a6" + point + sum + gauge)), ErrorCode::kInvalid);
}

// A metric point with a histogram of one bound and two counts, each given as hex.
std::string explicit_point(const std::string& bounds, const std::string& counts) {
  const std::string zero = "fb0000000000000000";
  return "a50003066161070108010ea6010002" + zero + "03" + zero + "04" + zero + "05" + bounds + "07" + counts;
}

TEST(RecordCodec, RefusesAHistogramWhoseBoundsAndCountsDoNotFit) {
  const std::string one = "fb3ff0000000000000";
  const std::string two = "fb4000000000000000";
  EXPECT_TRUE(decode(*from_hex(explicit_point("81" + one, "820000"))));
  EXPECT_TRUE(decode(*from_hex(explicit_point("80", "8100"))));
  EXPECT_EQ(decode_error(*from_hex(explicit_point("81" + one, "8100"))), ErrorCode::kInvalid);
  EXPECT_EQ(decode_error(*from_hex(explicit_point("82" + two + one, "83000000"))), ErrorCode::kInvalid);
  EXPECT_EQ(decode_error(*from_hex(explicit_point("82" + one + one, "83000000"))), ErrorCode::kInvalid);
}

TEST(RecordCodec, RefusesValuesOfAnotherTypeAndNumbersOutOfTheirRange) {
  for (const char* hex : {"a30004"
                          "0761"
                          "61"
                          "0a09",  // time as text
                          "a30004"
                          "0701"
                          "0a1819",  // severity 25
                          "a30004"
                          "0701"
                          "0a20",  // severity -1
                          "a40004"
                          "0500"
                          "0701"
                          "0a09",  // gear as a number
                          "a40004"
                          "0142"
                          "0000"
                          "0701"
                          "0a09"})  // flux_id of two bytes
    EXPECT_FALSE(decode(*from_hex(hex))) << hex;
  for (const char* entry : {"0b01",
                            "13"
                            "20",
                            "131b0000000100000000"})
    EXPECT_FALSE(decode(log_with(entry))) << entry;
}

TEST(RecordCodec, RefusesAttributesThatAreNotPairsOfTextAndAPlainValue) {
  const auto log = [](std::string_view attributes) {
    return *from_hex(
        "a40004"
        "070109" +
        std::string(attributes) + "0a09");
  };
  EXPECT_TRUE(decode(log("82616101")));
  for (const char* attributes :
       {"816161", "820101", "826161f6", "8261614100", "82616180", "826161a0", "a1616101"})
    EXPECT_FALSE(decode(log(attributes))) << attributes;
}

TEST(RecordCodec, RefusesArraysOverTheirLargestCount) {
  const auto log_of = [](std::size_t attributes) {
    Bytes out;
    cbor::Encoder encoder(out);
    encoder.map(4);
    for (const std::uint64_t number : {0, 4, 7, 1, 9}) encoder.unsigned_integer(number);
    encoder.array(2 * attributes);
    for (std::size_t i = 0; i < attributes; ++i) {
      encoder.text("k");
      encoder.integer(1);
    }
    encoder.unsigned_integer(10);
    encoder.unsigned_integer(9);
    return out;
  };
  EXPECT_TRUE(decode(log_of(kMaxAttributes)));
  EXPECT_EQ(decode_error(log_of(kMaxAttributes + 1)), ErrorCode::kOversize);
}

TEST(RecordCodec, CountsTheAttributesAndNamesTheRedactionsThatALimitCuts) {
  Transaction record = golden::transaction();
  record.attributes.assign(kMaxAttributes + 5, {"k", true});
  record.redactions.assign(kMaxRedactions + 5, "r");
  record.dropped_attributes = 2;
  const auto decoded = decode(encoded(record));
  ASSERT_TRUE(decoded);
  const auto& result = std::get<Transaction>(*decoded);
  EXPECT_EQ(result.attributes.size(), kMaxAttributes);
  EXPECT_EQ(result.dropped_attributes, 7U);
  EXPECT_EQ(result.redactions.size(), kMaxRedactions);
  EXPECT_EQ(result.redactions.back(), "and 6 more");
}

TEST(RecordCodec, TakesTheLargestHistogramAndRefusesALargerOne) {
  auto data = golden::histogram();
  data.buckets.assign(kMaxBuckets, 1);
  data.exemplars.assign(kMaxExemplars, data.exemplars[0]);
  const Record record = golden::metric_point(data);
  const Bytes bytes = encoded(record);
  EXPECT_EQ(decode(bytes).value(), record);
  // 99 0400 is the head of the bucket array: one more is announced and put in.
  const std::string hex = to_hex(bytes);
  const auto at = hex.find("990400");
  ASSERT_NE(at, std::string::npos);
  EXPECT_EQ(decode_error(*from_hex(hex.substr(0, at) + "99040101" + hex.substr(at + 6))),
            ErrorCode::kOversize);
}

TEST(RecordCodec, RefusesARecordOverItsLargestSize) {
  Log record = golden::log();
  record.body.assign(kMaxRecordBytes, 'x');
  EXPECT_EQ(decode_error(encoded(record)), ErrorCode::kOversize);
}

}  // namespace
}  // namespace fluxrig::model
