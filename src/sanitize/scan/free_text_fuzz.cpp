// Arbitrary bytes through the scanner: the prefilter changes no result, twice is once, no plain number is
// left.
#include <cstdlib>
#include <string>

#include "base/bytes.hpp"
#include "sanitize/scan/free_text.hpp"
#include "sanitize/scan/innocent.hpp"
#include "sanitize/scan/number_finder.hpp"

namespace {

using namespace fluxrig;
using namespace fluxrig::sanitize;

std::string cleaned(std::string text, Search search) {
  clean_text(text, search);
  return text;
}

// As simple as it gets: runs of 12 to 16 digits.
bool holds_plain_number(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    std::size_t end = i;
    while (end < text.size() && is_digit(text[end])) ++end;
    const auto digits = text.substr(i, end - i);
    const bool innocent = inside_iban(text, i, end) || (i > 0 && text[i - 1] == '+');
    if (digits.size() <= 16 && is_card_number(digits) && !innocent) return true;
    i = end + 1;
  }
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string source(as_text({data, size}));
  const std::string once = cleaned(source, Search::kFastest);
  if (once.size() != source.size()) std::abort();
  if (once != cleaned(source, Search::kScalar)) std::abort();
  if (once != cleaned(source, Search::kEverywhere)) std::abort();
  if (once != cleaned(once, Search::kFastest)) std::abort();
  if (holds_plain_number(once)) std::abort();
  return 0;
}
