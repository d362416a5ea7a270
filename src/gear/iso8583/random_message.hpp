// Random well-formed messages for tests: every element of a specification with values that its format allows.
#pragma once

#include <string>

#include "base/random.hpp"
#include "gear/iso8583/codec.hpp"

namespace fluxrig::gear::iso8583 {

inline std::string random_characters(Random& random, std::string_view alphabet, std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text.push_back(alphabet[random.below(alphabet.size())]);
  return text;
}

inline std::string random_value(const Element& element, Random& random) {
  constexpr std::string_view kDigits = "0123456789";
  const bool fixed = element.length_digits == 0;
  const std::size_t count = fixed ? element.length : random.below(element.length + 1U);
  switch (element.content) {
    case Content::kNumeric:
      return random_characters(random, kDigits, count);
    case Content::kSignedAmount:
      return random_characters(random, "CD", 1) + random_characters(random, kDigits, count);
    case Content::kTrack:
      return random_characters(random, "0123456789=", count);
    case Content::kBinary:
      return random_characters(random, "0123456789ABCDEF", 2 * count);
    case Content::kAlphabetic:
      return random_characters(random, "abcXYZ ", count);
    case Content::kAlphanumeric:
      return random_characters(random, "abcXYZ 0189", count);
    case Content::kAlphabeticSpecial:
      return random_characters(random, "aZ ~!/", count);
    case Content::kNumericSpecial:
      return random_characters(random, "09 ~!/", count);
    case Content::kAlphanumericSpecial:
      return random_characters(random, "aZ09 ~!/\\{}[]^|", count);
  }
  return {};
}

// In the order of the elements, as decode gives them.
inline Fields random_message(const Specification& spec, Random& random) {
  Fields fields;
  fields.append("mti", std::string(1, spec.version) + random_characters(random, "0123456789", 3));
  const std::uint64_t density = 1 + random.below(16);
  for (unsigned i = 2; i <= kLastElement; ++i)
    if (spec.elements[i].defined && random.below(density) == 0)
      fields.append(element_name(i), random_value(spec.elements[i], random));
  return fields;
}

}  // namespace fluxrig::gear::iso8583
