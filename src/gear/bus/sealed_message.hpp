// The sealed form of a message between racks, versions 2 and 3 of docs/formats/flux-message.md. Any thread
// but for the seal, which has one.
#pragma once

#include <optional>
#include <string_view>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "sanitize/seal.hpp"

namespace fluxrig::gear::bus {

// What stands outside of the seal, and is bound to it: a box that is moved to another subject, or under
// another transaction, does not open. Valid during the call.
struct Address {
  std::string_view subject;
  std::string_view flux_id;  // as its header says, in text
};

// Version 3 around the bytes of a version 1.
[[nodiscard]] Bytes seal_message(ByteView clear, sanitize::MessageSeal& seal, const Address& address);

// What was sealed; nullopt: no sealed message, but one of another version. kUnsupported without the key
// (`seal` null: there is none); kInvalid when it was altered, or stands at another address.
[[nodiscard]] Result<std::optional<Bytes>> open_message(ByteView bytes, sanitize::MessageSeal* seal,
                                                        const Address& address);

}  // namespace fluxrig::gear::bus
