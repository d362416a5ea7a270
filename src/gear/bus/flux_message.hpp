// The bytes of a message between racks: docs/formats/flux-message.md. Deterministic CBOR; version 1 in clear,
// versions 2 and 3 around it sealed. Any thread but for the seal, which has one; hostile bytes are refused
// within the bounds below, and nothing is allocated by an unseen length.
#pragma once

#include <optional>
#include <string_view>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "gear/bus/sealed_message.hpp"
#include "gear/gear.hpp"
#include "gear/message.hpp"
#include "sanitize/clean_bytes.hpp"
#include "sanitize/seal.hpp"

namespace fluxrig::gear::bus {

inline constexpr std::string_view kFluxMessageType = "application/vnd.fluxrig.message+cbor";
inline constexpr std::size_t kMaxPayload = 1 << 20;
inline constexpr std::size_t kMaxFields = 512;  // in `fields`, and again in `meta`
inline constexpr std::size_t kMaxFieldName = 128;
inline constexpr std::size_t kMaxFieldValue = 64 << 10;
inline constexpr std::size_t kMaxReason = 256;
inline constexpr std::size_t kMaxEncoded = 2 << 20;

struct FluxMessage {
  Message message;
  // Set: a reply that says the request failed. Its reason is a literal of this program, chosen by the code:
  // the sender's text is for people who look at the stream, and is never taken over.
  std::optional<Failure> failure;
};

// kOversize over a bound; kInvalid for a field name that is not UTF-8 (it would not come back as it went).
// With a seal the bus sees none of its bytes; null: there is no key, as in tests.
// `address`: what the sealed message will travel under, and opens under alone.
[[nodiscard]] Result<sanitize::CleanBytes> encode_message(const Message& message,
                                                          sanitize::MessageSeal* seal = nullptr,
                                                          const Address& address = {});
// In clear: its reason is a literal of this program.
[[nodiscard]] sanitize::CleanBytes encode_failure(const Failure& failure);

// kTruncated, kInvalid, kOversize, kUnsupported (another version, or a key that is not here); the details
// hold no bytes of the input.
[[nodiscard]] Result<FluxMessage> decode_message(ByteView bytes, sanitize::MessageSeal* seal = nullptr,
                                                 const Address& address = {});

}  // namespace fluxrig::gear::bus
