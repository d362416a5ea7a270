// What a spool gives back is an entry that is written again to the same bytes, or it is refused.
#include "gear/bus/spool_entry.hpp"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fluxrig::gear::bus;
  const auto message = decode_spool_entry({data, size});
  if (!message) return 0;
  const auto again = decode_spool_entry(encode_spool_entry(*message));
  if (!again || again->payload != message->payload || again->message_id != message->message_id ||
      again->headers.size() != message->headers.size())
    std::abort();
  return 0;
}
