// Every issuer and length, in every encoding, in every kind of surroundings.
#include <gtest/gtest.h>

#include "sanitize/scan/free_text.hpp"
#include "sanitize/scan/test_encodings.hpp"
#include "sanitize/scan/test_numbers.hpp"

namespace fluxrig::sanitize {
namespace {

constexpr std::uint64_t kSeed = 20'261'122;

std::string cleaned(std::string text) {
  clean_text(text);
  return text;
}

struct Around {
  std::string_view before;
  std::string_view after;
};
constexpr Around kText[] = {{"", ""},   {"card ", " declined"}, {"\"pan\":\"", "\"}"},    {"?n=", "&x=1"},
                            {"(", ")"}, {"x\n", "\n"},          {"\xC3\xA9 ", "\xC3\xA9"}};
constexpr Around kBinary[] = {
    {"\x02", "\x03"}, {std::string_view("\x10\x00", 2), std::string_view("\x00", 1)}, {"\xFF", "\xFE"}};

bool survives(std::string_view encoded, const Around& around) {
  const std::string text = std::string(around.before) + std::string(encoded) + std::string(around.after);
  return cleaned(text).find(encoded) != std::string::npos;
}

class Encodings : public ::testing::TestWithParam<TestEncoding> {};

TEST_P(Encodings, HideNoNumberOfAnyIssuerAndLength) {
  const auto& encoding = GetParam();
  SeededRandom random(kSeed);
  std::size_t tried = 0;
  for (int round = 0; round < 20; ++round) {
    for (const auto& number : test_numbers(random)) {
      if (encoding.name == "length prefix" && number.size() == 17) continue;  // stands in docs/security.md
      if (encoding.name == "zero padded" && number.size() < 14) continue;
      const auto encoded = encoding.encode(number);
      for (const auto& around : kBinary) {
        ++tried;
        EXPECT_FALSE(survives(encoded, around)) << number << " seed " << kSeed;
      }
      if (encoding.binary) continue;
      for (const auto& around : kText) {
        ++tried;
        EXPECT_FALSE(survives(encoded, around))
            << number << " after '" << around.before << "' seed " << kSeed;
      }
    }
  }
  EXPECT_GT(tried, 5000U);
}

INSTANTIATE_TEST_SUITE_P(All, Encodings, ::testing::ValuesIn(test_encodings()), [](const auto& one) {
  std::string name;
  for (const char c : one.param.name)
    name.push_back(std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_');
  return name;
});

TEST(Encodings, HideNoNumberInIntegersOfEightBytes) {
  SeededRandom random(kSeed);
  for (int round = 0; round < 20; ++round) {
    for (const auto& number : test_numbers(random)) {
      if (number.size() > 16) continue;
      const auto big = big_endian(number);
      const std::string little(big.rbegin(), big.rend());
      for (const auto& around : kBinary) {
        EXPECT_FALSE(survives(big, around)) << number;
        EXPECT_FALSE(survives(little, around)) << number;
      }
    }
  }
}

TEST(Encodings, HideNoNumberInAMessageOfOneLongDigitRun) {
  SeededRandom random(kSeed);
  for (int round = 0; round < 200; ++round) {
    for (const auto& number : test_numbers(random)) {
      const std::string message = "0200" + digits_of(random, 16) + std::to_string(number.size()) + number +
                                  digits_of(random, random.below(60));
      EXPECT_EQ(cleaned(message).find(number), std::string::npos) << message;
    }
  }
}

// MTI, bitmap, length and number in packed decimal, and whatever follows.
std::string binary_message(Random& random, std::string_view number) {
  std::string out("\x02\x00", 2);
  for (int i = 0; i < 8; ++i) out.push_back(static_cast<char>(random.next()));
  out += packed((number.size() < 10 ? "0" : "") + std::to_string(number.size()), false);
  return out;
}

TEST(Encodings, HideNoNumberInABinaryMessageCutAnywhereAfterIt) {
  SeededRandom random(kSeed);
  for (int round = 0; round < 10; ++round) {
    for (const auto& number : test_numbers(random)) {
      std::string message = binary_message(random, number);
      const std::string hidden = packed((number.size() % 2 != 0 ? "0" : "") + number, false);
      const std::size_t begin = message.size();
      message += hidden;
      for (int i = 0; i < 30; ++i) message.push_back(static_cast<char>(random.next()));
      for (std::size_t size = begin + hidden.size(); size <= message.size(); ++size)
        EXPECT_NE(cleaned(message.substr(0, size)).compare(begin, hidden.size(), hidden), 0)
            << number << " cut at " << size << ", seed " << kSeed;
    }
  }
}

TEST(Encodings, HideNoNumberInAMessageOfDigitsBrokenAnywhereElse) {
  SeededRandom random(kSeed);
  for (int round = 0; round < 10; ++round) {
    for (const auto& number : test_numbers(random)) {
      const std::string before = "0200" + digits_of(random, 16) + std::to_string(number.size());
      std::string message = before + number + digits_of(random, 40);
      // One byte of what stands around is damaged.
      std::size_t broken = random.below(message.size() - number.size());
      if (broken >= before.size()) broken += number.size();
      message[broken] = static_cast<char>(random.next());
      EXPECT_NE(cleaned(message).compare(before.size(), number.size(), number), 0)
          << message << " broken at " << broken << ", seed " << kSeed;
    }
  }
}

TEST(Encodings, HideNoNumberWithItsVerificationCodeGluedOn) {
  SeededRandom random(kSeed);
  for (const auto& number : test_numbers(random)) {
    if (number.size() != 16) continue;
    EXPECT_EQ(cleaned(number + "123").find(number), std::string::npos) << number;
    EXPECT_EQ(cleaned("12" + number).find(number), std::string::npos) << number;
  }
}

TEST(Encodings, HideNoNumberAmongOtherGroups) {
  SeededRandom random(kSeed);
  for (const auto& number : test_numbers(random)) {
    const auto groups = in_groups(number, 4, " ");
    EXPECT_EQ(cleaned("2 " + groups + " 12/29 123").find(groups), std::string::npos) << groups;
    EXPECT_EQ(cleaned("17 11 2026 " + number + " 5 99").find(number), std::string::npos) << number;
  }
}

TEST(Encodings, HideNoOverlappingNumbers) {
  SeededRandom random(kSeed);
  for (int found = 0; found < 200;) {
    const std::string digits = "4" + digits_of(random, 3) + "51" + digits_of(random, 14);
    if (!luhn(digits.substr(0, 16)) || !luhn(digits.substr(4))) continue;
    ++found;
    const auto once = cleaned(in_groups(digits, 4, " "));
    EXPECT_EQ(once, digits.substr(0, 4) + " " + digits.substr(4, 2) + "** **** **** " + digits.substr(16));
  }
}

TEST(Encodings, LeaveABrokenCheckDigitAlone) { EXPECT_EQ(cleaned("4111111111111112"), "4111111111111112"); }

TEST(Encodings, HideNothingInADoubleInScientificForm) {
  EXPECT_EQ(cleaned("4.111111111111111e15"), "4.11111******1111e15");
  EXPECT_EQ(cleaned("4.111111111111111e14"), "4.111111111111111e14");
}

TEST(CleanText, EndsAndWipesWhereNumbersNestWithoutEnd) {
  std::string text;
  for (int i = 0; i < 2000; ++i) text += "4111 ";
  clean_text(text);
  EXPECT_EQ(cleaned(text), text);
  EXPECT_EQ(text.find("4111 1111"), std::string::npos);
}

TEST(IsCardNumber, KnowsIntegersAndDoublesThatPrintAsOne) {
  EXPECT_TRUE(is_card_number(std::int64_t{4'111'111'111'111'111}));
  EXPECT_TRUE(is_card_number(std::int64_t{-4'111'111'111'111'111}));
  EXPECT_FALSE(is_card_number(std::int64_t{4'111'111'111'111'112}));
  EXPECT_FALSE(is_card_number(INT64_MIN));
  EXPECT_TRUE(is_card_number(4'111'111'111'111'111.0));
  EXPECT_FALSE(is_card_number(4'111'111'111'111.5));
  EXPECT_FALSE(is_card_number(1e300));
}

}  // namespace
}  // namespace fluxrig::sanitize
