// Who makes of a business message what the bus may have: sealed, a failure in words of ours, or what our own
// spool kept of one that was. Internal to the module.
#pragma once

#include <utility>

#include "gear/bus/flux_message.hpp"
#include "gear/bus/spool_entry.hpp"
#include "sanitize/clean_bytes.hpp"

namespace fluxrig::gear::bus {

struct MessageBytes {
 private:
  friend Result<sanitize::CleanBytes> encode_message(const Message& message, sanitize::MessageSeal* seal,
                                                     const Address& address);
  friend sanitize::CleanBytes encode_failure(const Failure& failure);
  friend Result<snake::Outgoing> decode_spool_entry(ByteView item);
  [[nodiscard]] static sanitize::CleanBytes of(Bytes bytes) { return sanitize::CleanBytes(std::move(bytes)); }
};

}  // namespace fluxrig::gear::bus
