// A card number of any issuer in any encoding, planted in arbitrary bytes: it never comes out. Of the input,
// the first four bytes choose number, encoding and borders; the rest stands before and after it.
#include <cstdlib>
#include <string>

#include "sanitize/scan/free_text.hpp"
#include "sanitize/scan/test_encodings.hpp"
#include "sanitize/scan/test_numbers.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fluxrig;
  using namespace fluxrig::sanitize;
  static const auto encodings = test_encodings();
  if (size < 5) return 0;
  SeededRandom random(data[0]);
  const auto numbers = test_numbers(random);
  const auto& number = numbers[data[1] % numbers.size()];
  const auto& encoding = encodings[data[2] % encodings.size()];
  // Their gaps are told in docs/security.md.
  if (encoding.name == "length prefix" && number.size() == 17) return 0;
  if (encoding.name == "zero padded" && number.size() < 14) return 0;
  const std::string planted = encoding.encode(number);

  // Beside a number stands what ends it.
  static constexpr std::string_view kBorders = "\"=;,<>(){}:\n\t xyz";
  // A letter after base64 may complete one more digit.
  const std::size_t borders = kBorders.size() - (encoding.name.starts_with("base64") ? 3 : 0);
  const char border = encoding.binary ? '\x02' : kBorders[data[3] % borders];
  const std::string around(as_text({data + 4, size - 4}));
  const std::size_t half = around.size() / 2;
  std::string text = around.substr(0, half) + border;
  const std::size_t at = text.size();
  text += planted + border + around.substr(half);
  clean_text(text);
  if (text.compare(at, planted.size(), planted) == 0) std::abort();
  return 0;
}
