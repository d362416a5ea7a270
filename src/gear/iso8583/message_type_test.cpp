#include "gear/iso8583/message_type.hpp"

#include <gtest/gtest.h>

namespace fluxrig::gear::iso8583 {
namespace {

Fields request() {
  Fields fields;
  for (const auto& [name, value] : {std::pair{"mti", "0200"},
                                    {"2", "4242424242424242"},
                                    {"4", "000000001050"},
                                    {"7", "1122140307"},
                                    {"11", "000123"},
                                    {"41", "TERM0001"}})
    fields.append(name, value);
  return fields;
}

TEST(Iso8583MessageType, ResponseIsTheNextFunctionOfTheOrdinaryOrigin) {
  EXPECT_EQ(response_type("0200"), "0210");
  EXPECT_EQ(response_type("0201"), "0210");
  EXPECT_EQ(response_type("0421"), "0430");
  EXPECT_EQ(response_type("1804"), "1814");
  EXPECT_EQ(response_type("0210"), "");
  EXPECT_EQ(response_type("02x0"), "");
  EXPECT_EQ(response_type(""), "");
}

TEST(Iso8583MessageType, VocabularyOfSpanNamesIsBounded) {
  int known = 0;
  for (int type = 0; type < 10000; ++type) {
    std::string digits = std::to_string(type);
    digits.insert(0, 4 - digits.size(), '0');
    known += is_known_type(digits) ? 1 : 0;
  }
  EXPECT_EQ(known, 3 * 8 * 8 * 6);
  EXPECT_FALSE(is_known_type("02000"));
}

TEST(Iso8583MessageType, FailureResponseRepeatsIdentityWithoutTheCardNumber) {
  const auto response = failure_response(request(), FailureCode::kTimeout);
  EXPECT_EQ(response.get("mti"), "0210");
  EXPECT_EQ(response.get("39"), "68");
  EXPECT_EQ(response.get("11"), "000123");
  EXPECT_EQ(response.get("41"), "TERM0001");
  EXPECT_EQ(response.find("2"), nullptr);
  EXPECT_EQ(response.find("37"), nullptr);
}

TEST(Iso8583MessageType, EachFailureHasItsCodeInBothVersions) {
  EXPECT_EQ(response_code('0', FailureCode::kMalformed), "30");
  EXPECT_EQ(response_code('0', FailureCode::kOversize), "30");
  EXPECT_EQ(response_code('0', FailureCode::kRejected), "12");
  EXPECT_EQ(response_code('0', FailureCode::kNotFound), "92");
  EXPECT_EQ(response_code('0', FailureCode::kUnavailable), "91");
  EXPECT_EQ(response_code('0', FailureCode::kRefused), "96");
  EXPECT_EQ(response_code('0', FailureCode::kInternal), "96");
  EXPECT_EQ(response_code('1', FailureCode::kTimeout), "911");
}

TEST(Iso8583MessageType, AResponseIsNeverAnsweredWithAFailure) {
  auto fields = request();
  fields.set("mti", "0210");
  EXPECT_TRUE(failure_response(fields, FailureCode::kInternal).empty());
}

TEST(Iso8583MessageType, KeyHoldsTheValuesWithoutPaddingAndBlanks) {
  const unsigned elements[] = {7, 11, 37, 41};
  auto fields = request();
  fields.set("41", "TERM1   ");
  EXPECT_EQ(correlation_key("0210", fields, elements), "0210|1122140307|000123||TERM1");
  fields.set("37", "RRN000000001");
  EXPECT_EQ(correlation_key("0210", fields, elements), "0210|1122140307|000123|RRN000000001|TERM1");
  EXPECT_EQ(correlation_key("0210", fields, elements, 37), "0210|1122140307|000123||TERM1");
}

}  // namespace
}  // namespace fluxrig::gear::iso8583
