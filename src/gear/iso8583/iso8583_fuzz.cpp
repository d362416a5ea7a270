// Any bytes under each shipped specification: a defect, or fields that encode to bytes with the same fields.
// The first byte chooses the specification.
#include <memory>
#include <vector>

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "gear/iso8583/codec.hpp"

namespace {

using fluxrig::gear::Fields;
using fluxrig::gear::iso8583::Specification;

const std::vector<std::shared_ptr<const Specification>>& specifications() {
  static const auto loaded = [] {
    std::vector<std::shared_ptr<const Specification>> all;
    for (const auto& shipped : fluxrig::gear::iso8583::shipped_specifications())
      all.push_back(fluxrig::gear::iso8583::load_specification(shipped.name, "").value());
    return all;
  }();
  return loaded;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto& spec = *specifications()[data[0] % specifications().size()];
  const auto bytes = fluxrig::as_text({data + 1, size - 1});
  Fields fields;
  if (!fluxrig::gear::iso8583::decode(spec, bytes, fields)) return 0;
  std::string encoded;
  FR_ASSERT(fluxrig::gear::iso8583::encode(spec, fields, encoded));
  Fields again;
  FR_ASSERT(fluxrig::gear::iso8583::decode(spec, encoded, again));
  FR_ASSERT(again == fields);
  return 0;
}
