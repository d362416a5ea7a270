// Finds card numbers and magnetic stripes in a sequence of characters, whatever these were decoded from.
// Knows no encodings and changes nothing. Any thread; values only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "sanitize/scan/card_number.hpp"

namespace fluxrig::sanitize {

struct Hit {
  std::size_t begin = 0;
  std::size_t end = 0;
  bool stripe = false;  // sensitive authentication data: nothing of it may stay
};

struct FinderRules {
  // Groups of one and two digits count when all groups have the same size ("4 1 1 1 1 ...").
  bool even_groups = true;
  std::size_t most_separators = 3;  // between two groups
  // Look at every window of every run: for packed digits, where neighbouring fields have no border between
  // them.
  bool every_window = false;
};

// Appends what lies in [from, to) of `text`, ascending by begin; hits may overlap. A run of digits must not
// extend over the borders. The rules are in docs/security.md ("What counts as a card number in free text").
void find_numbers(std::string_view text, std::size_t from, std::size_t to, const FinderRules& rules,
                  std::vector<Hit>& hits);

// Bytes of the separator at `at`: space and - . / _ + in ASCII, and the blanks and dashes of Unicode in
// UTF-8; 0 when none stands there.
[[nodiscard]] std::size_t separator_at(std::string_view text, std::size_t at) noexcept;

}  // namespace fluxrig::sanitize
