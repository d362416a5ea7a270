// Any bytes as a JSON body: refused, or flat fields within the limits that render as JSON again.
#include <vector>

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "gear/map_json.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fluxrig::gear;
  Fields fields;
  if (!flatten_json(fluxrig::as_text({data, size}), fields)) return 0;
  FR_ASSERT(fields.size() <= kMaxJsonValues);
  std::vector<JsonValue> values;
  for (const auto& [path, text] : fields) values.push_back({path, text, JsonType::kText});
  const auto rendered = render_json(values);
  FR_ASSERT(rendered.has_value());
  Fields again;
  FR_ASSERT(flatten_json(*rendered, again));
  // Every array has become an object, and every value text: the fields are the same.
  FR_ASSERT(again == fields);
  return 0;
}
