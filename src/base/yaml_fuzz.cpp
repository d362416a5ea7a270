// Any bytes: a tree within the limits or a complaint that can be shown.
#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "base/test_gate.hpp"
#include "base/yaml.hpp"

namespace {

std::size_t count_nodes(const fluxrig::yaml::Node& node, int depth) {
  FR_ASSERT(depth <= fluxrig::yaml::kMaxDepth + 1);
  std::size_t nodes = 1;
  for (const auto& item : node.items) nodes += count_nodes(item, depth + 1);
  for (const auto& entry : node.entries) {
    FR_ASSERT(node.find(entry.key) == &entry.value);
    nodes += count_nodes(entry.value, depth + 1);
  }
  return nodes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fluxrig::as_text({data, size});
  const auto parsed = fluxrig::yaml::parse(text);
  if (parsed) {
    FR_ASSERT(count_nodes(*parsed, 1) <= fluxrig::yaml::kMaxNodes);
    return 0;
  }
  const std::string shown = fluxrig::yaml::render(parsed.error(), "f.yaml", text, fluxrig::pass_unsearched);
  for (const char c : shown) FR_ASSERT(c == '\n' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f));
  return 0;
}
