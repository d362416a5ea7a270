// The rack's Ed25519 key (RFC 8032): signs checkpoints. The private half never leaves this object and its
// file. Any thread may sign; values otherwise.
#pragma once

#include <array>
#include <memory>
#include <string>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace fluxrig::wal {

using PublicKey = std::array<std::uint8_t, 32>;
using Signature = std::array<std::uint8_t, 64>;
using KeyId = std::array<std::uint8_t, 16>;

// The first 16 bytes of SHA-256 over the public key.
[[nodiscard]] KeyId key_id_of(const PublicKey& key);
[[nodiscard]] bool verify_signature(const PublicKey& key, ByteView message, const Signature& signature);

class SigningKey {
 public:
  // Reads the PEM file (PKCS #8); makes it, with mode 0600, synced with its directory, when it is missing.
  // Fails with a sentence for the operator: not Ed25519, readable by others, not readable.
  [[nodiscard]] static Outcome<SigningKey> load_or_create(const std::string& path);
  // From 32 bytes of seed, for tests and the simulator.
  [[nodiscard]] static SigningKey from_seed(const std::array<std::uint8_t, 32>& seed);

  SigningKey(SigningKey&&) noexcept;
  SigningKey& operator=(SigningKey&&) noexcept;
  ~SigningKey();

  [[nodiscard]] const PublicKey& public_key() const noexcept { return public_key_; }
  [[nodiscard]] const KeyId& id() const noexcept { return id_; }
  [[nodiscard]] Signature sign(ByteView message) const;

 private:
  struct Handle;
  explicit SigningKey(std::unique_ptr<Handle> handle);
  std::unique_ptr<Handle> handle_;
  PublicKey public_key_{};
  KeyId id_{};
};

}  // namespace fluxrig::wal
