// Arbitrary bytes as EMV data: bounded fields inside the input, or an error.
#include "sanitize/emv.hpp"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fluxrig::sanitize;
  const auto fields = read_emv({data, size});
  if (!fields) return 0;
  if (fields->size() > kMostEmvFields) std::abort();
  for (const auto& field : *fields) {
    const bool inside = field.value.empty() || (field.value.data() >= data &&
                                                field.value.data() + field.value.size() <= data + size);
    if (!inside || field.action != emv_action(field.tag, field.value.size())) std::abort();
    if (packed_digits(field.value).size() > 2 * field.value.size()) std::abort();
  }
  return 0;
}
