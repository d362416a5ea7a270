// Arbitrary text as JSON: refused, or cleaned so that cleaning again changes nothing and nothing is left to
// find.
#include "sanitize/json_text.hpp"

#include <cstdlib>

#include "sanitize/sanitizer.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fluxrig;
  using namespace fluxrig::sanitize;
  static Sanitizer sanitizer(TokenKey{"k1", {}});
  const auto once = sanitizer.json(as_text({data, size}), {});
  if (!once) return 0;
  if (mask_card_numbers(once->text()) != once->text()) std::abort();
  // What a search over the whole had to overwrite outside strings is no JSON any more, and is refused then.
  const auto twice = sanitizer.json(once->text(), {});
  if (twice && twice->text() != once->text()) std::abort();
  return 0;
}
