#include "fluxrig/load_template.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fluxrig::client {
namespace {

bool luhn_valid(const std::string& digits) {
  int sum = 0;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    int digit = digits[digits.size() - 1 - i] - '0';
    if (i % 2 == 1) digit = digit * 2 > 9 ? digit * 2 - 9 : digit * 2;
    sum += digit;
  }
  return sum % 10 == 0;
}

std::string expand(std::string_view text, std::uint64_t n) {
  SeededRandom random(7);
  std::string out;
  LoadTemplate::parse(text)->append(n, random, out);
  return out;
}

TEST(LoadTemplate, FillsInTheNumberOfTheRequest) {
  EXPECT_EQ(expand(R"({"n":{{n}},"stan":"{{stan}}","rrn":"{{rrn}}"})", 1'234'567),
            R"({"n":1234567,"stan":"234567","rrn":"000001234567"})");
}

TEST(LoadTemplate, TestCardNumbersAreLuhnValidAndOfTheTestRanges) {
  SeededRandom random(1);
  for (int i = 0; i < 1000; ++i) {
    std::string number;
    append_test_card_number(random, number);
    ASSERT_EQ(number.size(), 16U);
    ASSERT_TRUE(luhn_valid(number)) << number;
    ASSERT_TRUE(number[0] == '4' || (number[0] == '5' && number[1] >= '1' && number[1] <= '5')) << number;
  }
}

TEST(LoadTemplate, EachExpansionHasItsOwnCardAndUuid) {
  const auto parsed = LoadTemplate::parse("{{pan}} {{uuid}}");
  ASSERT_TRUE(parsed);
  EXPECT_FALSE(parsed->constant());
  SeededRandom random(3);
  std::string first;
  std::string second;
  parsed->append(1, random, first);
  parsed->append(2, random, second);
  EXPECT_EQ(first.size(), 16U + 1 + 36);
  EXPECT_NE(first, second);
}

TEST(LoadTemplate, NamesThePlaceholderThatItDoesNotKnow) {
  const auto unknown = LoadTemplate::parse("a {{pam}} b");
  ASSERT_FALSE(unknown);
  EXPECT_THAT(unknown.error().message, testing::HasSubstr("{{pam}}"));
  EXPECT_FALSE(LoadTemplate::parse("a {{n"));
}

TEST(LoadTemplate, LiteralBodiesKeepTheirBraces) {
  SeededRandom random(1);
  std::string out;
  const auto literal = LoadTemplate::literal("{{n}}");
  literal.append(1, random, out);
  EXPECT_TRUE(literal.constant());
  EXPECT_EQ(out, "{{n}}");
}

}  // namespace
}  // namespace fluxrig::client
