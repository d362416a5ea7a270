// Any bytes as what the telemetry backlog has on disk, a record or its marks: what is accepted is written
// again byte for byte.
#include <algorithm>

#include "base/assert.hpp"
#include "lane/backlog_entry.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fluxrig;
  using namespace fluxrig::lane;
  const ByteView input{data, size};
  if (const auto entry = decode_backlog_entry(input)) {
    FR_ASSERT(entry->block.signals.total() == entry->block.count && entry->block.count != 0);
    Bytes again;
    encode(entry->block, entry->sent, again);
    FR_ASSERT(std::equal(again.begin(), again.end(), input.begin(), input.end()));
  }
  if (const auto marks = BacklogMarks::decode(input)) {
    FR_ASSERT(marks->lost().size() <= BacklogMarks::kMaxLost);
    Bytes again;
    marks->encode(again);
    FR_ASSERT(std::equal(again.begin(), again.end(), input.begin(), input.end()));
  }
  return 0;
}
