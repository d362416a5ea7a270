// Seals business messages for the bus, whose stores keep them in files of their own: AES-256-GCM under keys
// derived from the deployment's (token_key.hpp), so that no stream, spool or dead letter holds one in clear.
// One thread.
//
// Each seal of a process draws a random salt and derives a key for itself alone (HKDF-SHA-256, RFC 5869),
// under which it counts its nonces: they can never come twice, however many messages there are (NIST SP
// 800-38D, 8.2.1). docs/formats/flux-message.md has the bytes.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "sanitize/token_key.hpp"

namespace fluxrig::sanitize {

using SealSalt = std::array<std::uint8_t, 16>;

struct SealedMessage {
  std::string key_id;  // of the deployment's key
  SealSalt salt{};
  std::uint64_t number = 0;  // of the message under this salt
  Bytes box;                 // as long as the message, and a tag of 16 bytes
};

class MessageSeal {
 public:
  static constexpr std::size_t kTagBytes = 16;
  static constexpr std::size_t kMostOpeners = 64;  // senders whose keys are kept; more are derived again

  // New messages are sealed under the current key; those under the previous one can still be opened.
  explicit MessageSeal(TokenKeys keys);
  ~MessageSeal();
  MessageSeal(const MessageSeal&) = delete;
  MessageSeal& operator=(const MessageSeal&) = delete;

  // `bound` is not in the box, and the box opens with the same bytes only (additional data of GCM).
  [[nodiscard]] SealedMessage seal(ByteView message, ByteView bound = {});
  // kUnsupported: sealed under a key that is not here; kInvalid: altered, bound to something else, or no box.
  [[nodiscard]] Result<Bytes> open(const SealedMessage& sealed, ByteView bound = {});
  // Of the key that new messages are sealed under.
  [[nodiscard]] const std::string& key_id() const noexcept;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

// Overwrites what a buffer held, before it is freed or filled anew.
void wipe(Bytes& bytes) noexcept;
void wipe(std::string& text) noexcept;

}  // namespace fluxrig::sanitize
