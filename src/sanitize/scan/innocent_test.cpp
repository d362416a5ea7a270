// Numbers that are no card numbers, as they stand in logs: how many of them are masked by mistake.
#include <gtest/gtest.h>

#include <cstdio>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "sanitize/scan/free_text.hpp"
#include "sanitize/scan/innocent.hpp"
#include "sanitize/scan/test_encodings.hpp"
#include "sanitize/scan/test_numbers.hpp"

namespace fluxrig::sanitize {
namespace {

constexpr std::uint64_t kSeed = 6;
// Of each kind; `./dev bench innocent` asks for more.
const int kEach = static_cast<int>(size_of_run(20'000));

std::string number(Random& random, std::uint64_t least, std::uint64_t bound) {
  return std::to_string(least + random.below(bound - least));
}
std::string two(std::uint64_t value) { return (value < 10 ? "0" : "") + std::to_string(value); }
std::string bytes_of(Random& random, std::size_t size) {
  std::string out;
  while (out.size() < size) out.push_back(static_cast<char>(random.next()));
  return out;
}
std::string day(Random& random, std::string_view separator) {
  const std::string point(separator);
  return number(random, 2015, 2035) + point + two(1 + random.below(12)) + point + two(1 + random.below(28));
}
std::string clock_time(Random& random, std::string_view separator) {
  const std::string point(separator);
  return two(random.below(24)) + point + two(random.below(60)) + point + two(random.below(60));
}

std::string order_id(Random& random) {
  switch (random.below(8)) {
    case 0:
      return "ORD-" + number(random, 2020, 2030) + "-" + digits_of(random, 8);
    case 1:
      return number(random, 1, 10'000'000'000);
    case 2:
      return day(random, "") + "-" + digits_of(random, 6);
    case 3:
      return day(random, "") + clock_time(random, "") + digits_of(random, 6);
    case 4:
      return number(random, 100, 200) + "-" + digits_of(random, 7) + "-" + digits_of(random, 7);
    case 5:
      return "A" + digits_of(random, 4) + "-K" + digits_of(random, 5) + "-" + digits_of(random, 3);
    case 6:
      return "INV" + digits_of(random, 9) + "/" + digits_of(random, 2);
    default:
      return std::to_string((random.next() >> 20) % 2'000'000'000'000 + 1'000'000'000'000'000'000);
  }
}

std::string a_time(Random& random) {
  const std::uint64_t nanos = 1'500'000'000'000'000'000 + random.below(490'000'000'000'000'000);
  switch (random.below(7)) {
    case 0:
      return std::to_string(nanos / 1'000'000'000);
    case 1:
      return std::to_string(nanos / 1'000'000);
    case 2:
      return std::to_string(nanos / 1'000);
    case 3:
      return std::to_string(nanos);
    case 4:
      return to_rfc3339({static_cast<std::int64_t>(nanos)});
    case 5:
      return day(random, "") + clock_time(random, "") + digits_of(random, 3);
    default:
      return day(random, "-") + " " + clock_time(random, ":") + "." + digits_of(random, 9);
  }
}

std::string telephone(Random& random) {
  static constexpr std::string_view kCountries[] = {"1",  "44", "49", "33", "34", "39",
                                                    "57", "62", "63", "86", "91", "351"};
  const std::string country(kCountries[random.below(std::size(kCountries))]);
  switch (random.below(5)) {
    case 0:
      return "+" + country + digits_of(random, 9 + random.below(2));
    case 1:
      return "+" + country + " " + digits_of(random, 3) + " " + digits_of(random, 3) + " " +
             digits_of(random, 4);
    case 2:
      return "(" + digits_of(random, 3) + ") " + digits_of(random, 3) + "-" + digits_of(random, 4);
    case 3:
      return "0" + digits_of(random, 2 + random.below(3)) + " " + digits_of(random, 7);
    default:
      return digits_of(random, 3) + "-" + digits_of(random, 3) + "-" + digits_of(random, 4);
  }
}

std::string iban(Random& random) {
  struct Form {
    const char* country;
    std::size_t digits;
  };
  static constexpr Form kForms[] = {{"DE", 18}, {"FR", 23}, {"ES", 20}, {"CH", 17},
                                    {"PL", 24}, {"AT", 16}, {"NL", 0},  {"GB", 0}};
  const auto& form = kForms[random.below(std::size(kForms))];
  const std::string country = form.country;
  std::string account = country == "NL"   ? "ABNA" + digits_of(random, 10)
                        : country == "GB" ? "NWBK" + digits_of(random, 14)
                                          : digits_of(random, form.digits);
  unsigned remainder = 0;
  for (const char c : account + country + "00") {
    const unsigned value = static_cast<unsigned>(is_digit(c) ? c - '0' : c - 'A' + 10);
    remainder = (remainder * (value > 9 ? 100 : 10) + value) % 97;
  }
  const std::string whole = country + two(98 - remainder) + account;
  return random.below(2) == 0 ? whole : in_groups(whole, 4, " ");
}

std::string hash(Random& random) {
  switch (random.below(6)) {
    case 0:
      return hex_of(bytes_of(random, 16));
    case 1:
      return hex_of(bytes_of(random, 20));
    case 2:
      return hex_of(bytes_of(random, 32));
    case 3:
      return to_string(make_machine_id(random));
    case 4:
      return base64_of(bytes_of(random, 32), kBase64);
    default:
      return "00-" + hex_of(bytes_of(random, 16)) + "-" + hex_of(bytes_of(random, 8)) + "-01";
  }
}

std::string a_double(Random& random) {
  char text[32];
  double scale = 1;
  for (auto power = random.below(4); power > 0; --power) scale *= 10;
  std::snprintf(text, sizeof text, "%.17g",
                scale * static_cast<double>(random.next() >> 11) / 9007199254740992.0);
  return text;
}

std::string measure(Random& random) {
  switch (random.below(5)) {
    case 3:
      return a_double(random);
    case 0:
      return number(random, 0, 10'000'000) + "." + digits_of(random, 2) + " EUR";
    case 1:
      return number(random, 0, 90) + "." + digits_of(random, 6) + " " + number(random, 0, 180) + "." +
             digits_of(random, 6);
    case 2:
      return number(random, 1, 224) + "." + number(random, 0, 256) + "." + number(random, 0, 256) + "." +
             number(random, 0, 256) + ":" + number(random, 1024, 65536);
    default:
      return number(random, 0, 1'000'000'000) + " bytes in " + number(random, 0, 10'000) + "." +
             digits_of(random, 3) + " ms";
  }
}

int masked(std::string_view name, Random& random, std::string (*make)(Random&)) {
  int count = 0;
  for (int i = 0; i < kEach; ++i) {
    std::string text = "value " + make(random) + " seen";
    count += clean_text(text).none() ? 0 : 1;
  }
  std::printf("  %-16s %5d of %d masked: %.4f %%\n", std::string(name).c_str(), count, kEach,
              100.0 * count / kEach);
  return count;
}

TEST(InnocentNumbers, AreMaskedInLessThanOneCaseOfAThousand) {
  SeededRandom random(kSeed);
  std::printf("seed %llu\n", static_cast<unsigned long long>(kSeed));
  int count = 0;
  count += masked("order ids", random, order_id);
  count += masked("times", random, a_time);
  count += masked("telephones", random, telephone);
  count += masked("IBANs", random, iban);
  count += masked("hashes and ids", random, hash);
  count += masked("measures", random, measure);
  const double rate = count / (6.0 * kEach);
  std::printf("  together: %.4f %%\n", 100 * rate);
  EXPECT_LT(rate, 0.001);
}

TEST(InnocentNumbers, OfSixteenRandomDigitsAreNotAllMasked) {
  SeededRandom random(kSeed);
  const int count = masked("16 random digits", random, [](Random& r) { return digits_of(r, 16); });
  // Issuer, length and check digit leave one of thirty: told in docs/security.md, not hidden in the corpus
  // above.
  EXPECT_LT(count, kEach / 20);
  EXPECT_GT(count, kEach / 100);
}

TEST(InnocentNumbers, IncludeAnIbanOnlyWithRightCheckDigits) {
  const std::string right = "DE89370400440532013000";
  EXPECT_TRUE(inside_iban(right, 2, right.size()));
  EXPECT_FALSE(inside_iban("DE88370400440532013000", 2, right.size()));
  EXPECT_FALSE(inside_iban("XDE89370400440532013000", 3, right.size() + 1));
  EXPECT_FALSE(inside_iban("DE893704004405320130004111", 2, right.size() + 4));
  EXPECT_TRUE(inside_iban("DE89 3704 0044 0532 0130 00", 5, 19));
}

TEST(InnocentNumbers, IncludeADateOnlyWhenItIsOne) {
  EXPECT_EQ(date_and_time_prefix("20261122180433123456"), 14U);
  EXPECT_EQ(date_and_time_prefix("20261322180433123456"), 0U);
  EXPECT_EQ(date_and_time_prefix("20261122240433123456"), 0U);
  EXPECT_EQ(date_and_time_prefix("2026112218043"), 0U);
}

TEST(InnocentNumbers, IncludeLimitsOfIntegersAndDecimals) {
  for (const std::string text : {"9223372036854775807", "-9223372036854775808", "18446744073709551615",
                                 "max=170141183460469231731687303715884105727", "0.4111111111111111",
                                 "3.14159265358979323846264338327950288419", "-415.9265358979323 ms"}) {
    std::string out = text;
    clean_text(out);
    EXPECT_EQ(out, text);
  }
  for (const std::string text : {"x1.4111111111111111", "1.2.4111111111111111", "4111.4111111111111111"}) {
    std::string out = text;
    clean_text(out);
    EXPECT_EQ(out.find("4111111111111111"), std::string::npos);
  }
}

TEST(InnocentNumbers, ADateBeforeANumberDoesNotHideIt) {
  std::string text = "202611221804334111111111111111";
  clean_text(text);
  EXPECT_EQ(text.find("4111111111111111"), std::string::npos);
}

}  // namespace
}  // namespace fluxrig::sanitize
