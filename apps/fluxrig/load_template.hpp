// Request bodies with placeholders: {{n}} the number of the request from 1, {{stan}} the same in six digits,
// {{rrn}} in twelve, {{pan}} a random test card number with a valid check digit (ranges 4 and 51 to 55),
// {{amount}} 1 to 50000, {{uuid}} a random UUID. One thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.hpp"
#include "base/result.hpp"

namespace fluxrig::client {

class LoadTemplate {
 public:
  // Everything as it stands: braces mean nothing.
  [[nodiscard]] static LoadTemplate literal(std::string text);
  // The sentence of a failure names the placeholder that is unknown or not closed.
  [[nodiscard]] static Outcome<LoadTemplate> parse(std::string_view text);

  [[nodiscard]] bool constant() const noexcept { return constant_; }
  void append(std::uint64_t n, Random& random, std::string& out) const;

 private:
  enum class Kind : std::uint8_t { kText, kNumber, kStan, kRrn, kPan, kAmount, kUuid };
  struct Segment {
    Kind kind = Kind::kText;
    std::string text;
  };
  static void append(const Segment& segment, std::uint64_t n, Random& random, std::string& out);

  std::vector<Segment> segments_;
  bool constant_ = true;
};

// 16 digits of the ranges 4 or 51 to 55, the last by Luhn. Appends.
void append_test_card_number(Random& random, std::string& out);
// `n` modulo 10^digits, filled up with zeros. Appends.
void append_digits(std::uint64_t n, std::size_t digits, std::string& out);

}  // namespace fluxrig::client
