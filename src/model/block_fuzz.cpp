// Any bytes: a block that decodes is encoded to the same meaning, and its views stay inside the input.
#include <algorithm>

#include "base/assert.hpp"
#include "model/block.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fluxrig;
  const ByteView input(data, size);
  const auto view = model::decode_block(input);
  if (!view) return 0;
  for (const ByteView part : {view->records, view->body})
    FR_ASSERT(part.empty() || (part.data() >= data && part.data() + part.size() <= data + size));
  Bytes encoded;
  model::encode_block(view->head, view->records, view->body, encoded);
  // Without keys that are not known, and those are the only way to be longer, the bytes are the same.
  FR_ASSERT(encoded.size() <= size);
  FR_ASSERT(encoded.size() < size || std::equal(encoded.begin(), encoded.end(), input.begin()));
  const auto again = model::decode_block(encoded);
  FR_ASSERT(again.has_value() && std::equal(again->records.begin(), again->records.end(),
                                            view->records.begin(), view->records.end()));
  return 0;
}
