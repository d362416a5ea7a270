#include "sanitize/scan/prefilter.hpp"

#include <gtest/gtest.h>

#include "sanitize/scan/free_text.hpp"
#include "sanitize/scan/test_encodings.hpp"
#include "sanitize/scan/test_numbers.hpp"

namespace fluxrig::sanitize {
namespace {

constexpr std::uint64_t kSeed = 411;

// Rich in everything that the prefilter looks for.
std::string random_text(Random& random, std::size_t size) {
  static constexpr std::string_view kLetters =
      "0123456789012345678901234567890123456789 "
      "-./_+%\\uxMNOTjzADcvpineurif23bdef^=?;B\"\n\xC2\xA0\xE2\x80\x93\xF1";
  std::string out;
  while (out.size() < size) out.push_back(kLetters[random.below(kLetters.size())]);
  if (random.below(4) == 0) out[random.below(out.size())] = '\0';
  return out;
}

bool same(const Suspects& a, const Suspects& b) {
  if (a.runs.size() != b.runs.size() || a.triggers != b.triggers) return false;
  for (std::size_t i = 0; i < a.runs.size(); ++i)
    if (a.runs[i].begin != b.runs[i].begin || a.runs[i].end != b.runs[i].end) return false;
  return a.control == b.control && a.high == b.high;
}

TEST(Prefilter, SuspectsTheSameWithAndWithoutAvx2) {
  if (!has_avx2()) GTEST_LOG_(INFO) << "no AVX2 here: the scalar form is compared with itself";
  SeededRandom random(kSeed);
  for (int round = 0; round < 30'000; ++round) {
    const auto text = random_text(random, 1 + random.below(400));
    Suspects fast;
    Suspects scalar;
    find_suspects(text, Instructions::kFastest, fast);
    find_suspects(text, Instructions::kScalar, scalar);
    ASSERT_TRUE(same(fast, scalar)) << "seed " << kSeed << " round " << round;
  }
}

TEST(Prefilter, SuspectsEveryByteAlikeWithAndWithoutAvx2) {
  for (unsigned first = 0; first < 256; ++first) {
    std::string text;
    for (unsigned second = 0; second < 256; ++second)
      for (const char third : std::string_view(" 23nfuNFU\x01\xFF")) {
        text.push_back(static_cast<char>(first));
        text.push_back(static_cast<char>(second));
        text.push_back(third);
      }
    Suspects fast;
    Suspects scalar;
    find_suspects(text, Instructions::kFastest, fast);
    find_suspects(text, Instructions::kScalar, scalar);
    ASSERT_TRUE(same(fast, scalar)) << first;
  }
}

TEST(Prefilter, PassesOverNothingThatTheWholeSearchFinds) {
  SeededRandom random(kSeed);
  const auto encodings = test_encodings();
  for (int round = 0; round < 10'000; ++round) {
    std::string text = random_text(random, 1 + random.below(200));
    const auto numbers = test_numbers(random);
    text.insert(random.below(text.size()),
                encodings[random.below(encodings.size())].encode(numbers[random.below(numbers.size())]));
    std::string fast = text;
    std::string whole = text;
    std::string scalar = text;
    clean_text(fast);
    clean_text(whole, Search::kEverywhere);
    clean_text(scalar, Search::kScalar);
    ASSERT_EQ(fast, whole) << "seed " << kSeed << " round " << round;
    ASSERT_EQ(fast, scalar) << "seed " << kSeed << " round " << round;
    std::string again = fast;
    clean_text(again);
    ASSERT_EQ(again, fast) << "seed " << kSeed << " round " << round;
  }
}

TEST(Prefilter, FindsANumberAtEveryPlaceOfABlock) {
  for (std::size_t before = 0; before < 200; ++before) {
    for (const std::size_t after : {0, 1, 2, 63, 64, 65, 130}) {
      std::string text = std::string(before, 'x') + "4111 1111 1111 1111" + std::string(after, 'x');
      clean_text(text);
      EXPECT_EQ(text, std::string(before, 'x') + "4111 11** **** 1111" + std::string(after, 'x'));
    }
  }
}

TEST(Prefilter, SuspectsNothingInAnOrdinaryRecord) {
  Suspects suspects;
  find_suspects(
      "2026-11-22T18:04:33.123456789Z INFO gear=acquirer trace=4bf92e577b34da6a3ce929d0e0e47361 "
      "outcome=approved duration_ns=1841233 amount=12.50 currency=978",
      Instructions::kFastest, suspects);
  EXPECT_TRUE(suspects.runs.empty());
  EXPECT_TRUE(suspects.triggers.empty());
  EXPECT_FALSE(suspects.control || suspects.high);
}

}  // namespace
}  // namespace fluxrig::sanitize
