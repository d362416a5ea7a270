// Arbitrary text in arbitrary chunks: as many bytes come out, and no plain number among them. The first byte
// of the input tells the size of the chunks.
#include <cstdlib>
#include <string>

#include "base/bytes.hpp"
#include "sanitize/scan/card_number.hpp"
#include "sanitize/scan/innocent.hpp"
#include "sanitize/scan/stream.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fluxrig;
  using namespace fluxrig::sanitize;
  if (size < 2) return 0;
  const std::size_t chunk = 1 + std::size_t{data[0]} * 8;
  // Long enough for several rounds.
  std::string text;
  while (text.size() < 4500) text += as_text({data + 1, size - 1});
  Stream stream;
  std::string out;
  for (std::size_t at = 0; at < text.size(); at += chunk)
    stream.feed(std::string_view(text).substr(at, chunk), out);
  stream.finish(out);
  if (out.size() != text.size()) std::abort();
  for (std::size_t i = 0; i < out.size();) {
    std::size_t end = i;
    while (end < out.size() && is_digit(out[end])) ++end;
    const std::string_view digits = std::string_view(out).substr(i, end - i);
    const bool innocent = inside_iban(out, i, end) || (i > 0 && out[i - 1] == '+');
    if (digits.size() <= 16 && is_card_number(digits) && !innocent) std::abort();
    i = end + 1;
  }
  return 0;
}
