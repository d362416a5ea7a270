#include "sanitize/excerpt.hpp"

#include "base/utf8.hpp"
#include "sanitize/sanitizer.hpp"

namespace fluxrig::sanitize {

std::string excerpt(std::string_view text, std::size_t most) {
  constexpr std::size_t kLongestNumber = 4'096;  // in any encoding that the search knows
  if (text.size() <= most) return mask_card_numbers(text);
  auto searched = mask_card_numbers(text.substr(0, most + kLongestNumber));
  searched.resize(utf8_prefix(std::string_view(searched).substr(0, most)));
  return searched;
}

}  // namespace fluxrig::sanitize
