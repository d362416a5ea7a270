// Made-up card numbers for tests: every issuer's prefix with every length, a right check digit, random in
// between.
#pragma once

#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.hpp"
#include "sanitize/scan/card_number.hpp"

namespace fluxrig::sanitize {

// How many of a kind are tried: as many as usual, or as FLUXRIG_AT_SIZE says (`./dev bench innocent`).
inline std::uint64_t size_of_run(std::uint64_t usual) {
  const char* asked = std::getenv("FLUXRIG_AT_SIZE");
  return asked == nullptr ? usual : std::strtoull(asked, nullptr, 10);
}

struct TestIssuer {
  std::string_view prefix;
  std::size_t least;
  std::size_t most;
};

inline constexpr std::array kTestIssuers = {
    TestIssuer{"4", 13, 13},    TestIssuer{"4", 16, 16},      TestIssuer{"4", 19, 19},
    TestIssuer{"51", 16, 16},   TestIssuer{"55", 16, 16},     TestIssuer{"2221", 16, 16},
    TestIssuer{"2720", 16, 16}, TestIssuer{"34", 15, 15},     TestIssuer{"37", 15, 15},
    TestIssuer{"300", 14, 19},  TestIssuer{"3095", 14, 19},   TestIssuer{"36", 14, 19},
    TestIssuer{"38", 14, 19},   TestIssuer{"39", 14, 19},     TestIssuer{"3528", 16, 19},
    TestIssuer{"3589", 16, 19}, TestIssuer{"6011", 16, 19},   TestIssuer{"644", 16, 19},
    TestIssuer{"65", 16, 19},   TestIssuer{"62", 16, 19},     TestIssuer{"81", 16, 19},
    TestIssuer{"5018", 12, 19}, TestIssuer{"5020", 12, 19},   TestIssuer{"5038", 12, 19},
    TestIssuer{"5893", 12, 19}, TestIssuer{"6304", 12, 19},   TestIssuer{"6759", 12, 19},
    TestIssuer{"6761", 12, 19}, TestIssuer{"6763", 12, 19},   TestIssuer{"2200", 16, 19},
    TestIssuer{"9792", 16, 16}, TestIssuer{"506099", 16, 19}, TestIssuer{"508", 16, 16},
    TestIssuer{"60", 16, 16},   TestIssuer{"82", 16, 16},     TestIssuer{"8600", 16, 16},
    TestIssuer{"9860", 16, 16}, TestIssuer{"9704", 16, 19},   TestIssuer{"4571", 16, 16},
    TestIssuer{"5019", 16, 16}, TestIssuer{"636", 16, 19},    TestIssuer{"606282", 16, 16},
};

inline std::string digits_of(Random& random, std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out.push_back(static_cast<char>('0' + random.below(10)));
  return out;
}

inline std::string test_number(Random& random, const TestIssuer& issuer, std::size_t length) {
  std::string number(issuer.prefix);
  number += digits_of(random, length - number.size());
  for (char c = '0'; c <= '9'; ++c) {
    number.back() = c;
    if (luhn(number)) break;
  }
  return number;
}

// One number for each issuer and length.
inline std::vector<std::string> test_numbers(Random& random) {
  std::vector<std::string> out;
  for (const auto& issuer : kTestIssuers)
    for (std::size_t length = issuer.least; length <= issuer.most; ++length)
      out.push_back(test_number(random, issuer, length));
  return out;
}

}  // namespace fluxrig::sanitize
