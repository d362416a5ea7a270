#include "sanitize/scan/stream.hpp"

#include <gtest/gtest.h>

#include "sanitize/scan/test_encodings.hpp"
#include "sanitize/scan/test_numbers.hpp"

namespace fluxrig::sanitize {
namespace {

constexpr std::uint64_t kSeed = 77;

std::string streamed(std::string_view text, std::size_t chunk) {
  Stream stream;
  std::string out;
  for (std::size_t at = 0; at < text.size(); at += chunk) stream.feed(text.substr(at, chunk), out);
  stream.finish(out);
  return out;
}

// Records with and without numbers, some of them encoded.
std::string records(Random& random, std::size_t least) {
  const auto encodings = test_encodings();
  const auto numbers = test_numbers(random);
  std::string out;
  while (out.size() < least) {
    out += "2026-11-22 order=" + digits_of(random, 8) + " note=\"";
    const auto& encoding = encodings[random.below(encodings.size())];
    if (!encoding.binary && random.below(3) == 0)
      out += encoding.encode(numbers[random.below(numbers.size())]);
    out += "\" done\n";
  }
  return out;
}

TEST(Stream, GivesTheSameAsTheWholeTextHoweverItIsCut) {
  SeededRandom random(kSeed);
  const std::string text = records(random, 20'000);
  std::string whole = text;
  clean_text(whole);
  EXPECT_NE(whole, text);
  for (const std::size_t chunk : {1, 7, 16, 63, 255, 1000, 1500, 4096, 30'000})
    EXPECT_EQ(streamed(text, chunk), whole) << "chunks of " << chunk << ", seed " << kSeed;
}

TEST(Stream, FindsANumberSplitAtEveryPlace) {
  const std::string number = "4111111111111111";
  for (std::size_t before = 2000; before < 6000; ++before) {
    Stream stream;
    std::string out;
    stream.feed(std::string(before, 'x') + number.substr(0, 9), out);
    stream.feed(number.substr(9) + std::string(4000, 'y'), out);
    stream.finish(out);
    ASSERT_EQ(out, std::string(before, 'x') + "411111******1111" + std::string(4000, 'y'));
  }
}

TEST(Stream, LetsOutNoPartOfANumberBeforeItIsComplete) {
  Stream stream;
  std::string out;
  std::string text(5000, 'x');
  text += "411111111111";
  stream.feed(text, out);
  EXPECT_EQ(out.find('4'), std::string::npos);
}

TEST(Stream, HoldsNoMoreThanItsBound) {
  Stream stream;
  std::string out;
  std::size_t fed = 0;
  for (int i = 0; i < 2000; ++i) {
    stream.feed("some words without end ", out);
    fed += 23;
    ASSERT_LE(fed - out.size(), 3 * Stream::kContext + 23);
  }
}

TEST(Stream, CountsWhatItFound) {
  Stream stream;
  std::string out;
  stream.feed("4111111111111111 and cvv=123", out);
  stream.finish(out);
  EXPECT_EQ(stream.findings().numbers, 1U);
  EXPECT_EQ(stream.findings().secrets, 1U);
}

}  // namespace
}  // namespace fluxrig::sanitize
