#include "gear/bus/sealed_message.hpp"

#include <algorithm>

#include "cbor/decoder.hpp"
#include "cbor/encoder.hpp"

namespace fluxrig::gear::bus {
namespace {

constexpr std::uint64_t kUnboundVersion = 2;  // of racks before: nothing is bound to the box
constexpr std::uint64_t kBoundVersion = 3;
enum Key : std::uint64_t { kVersionKey = 0, kSealedKey = 5 };
constexpr std::size_t kMaxKeyId = 8;

struct SealedForm {
  std::uint64_t version = 0;
  sanitize::SealedMessage sealed;
};

// One way to write it only, or two addresses could be the same bytes: each text with its length, as CBOR has
// it.
Bytes bound_to(std::string_view key_id, const Address& address) {
  Bytes out;
  out.reserve(key_id.size() + address.subject.size() + address.flux_id.size() + 16);
  cbor::Encoder encoder(out);
  encoder.array(3);
  encoder.text(key_id);
  encoder.text(address.subject);
  encoder.text(address.flux_id);
  return out;
}

Result<sanitize::SealedMessage> decode_sealed(cbor::Decoder& decoder) {
  const auto items = decoder.array();
  if (!items) return tl::unexpected(items.error());
  if (*items != 4) return fail(ErrorCode::kInvalid, "a sealed message is key, salt, number and box");
  const auto key = decoder.text();
  if (!key) return tl::unexpected(key.error());
  if (key->size() > kMaxKeyId) return fail(ErrorCode::kOversize, "the key id is too long");
  const auto salt = decoder.bytes();
  if (!salt) return tl::unexpected(salt.error());
  sanitize::SealedMessage sealed;
  if (salt->size() != sealed.salt.size()) return fail(ErrorCode::kInvalid, "the salt has another length");
  const auto number = decoder.unsigned_integer();
  if (!number) return tl::unexpected(number.error());
  const auto box = decoder.bytes();
  if (!box) return tl::unexpected(box.error());
  sealed.key_id = *key;
  std::copy(salt->begin(), salt->end(), sealed.salt.begin());
  sealed.number = *number;
  sealed.box.assign(box->begin(), box->end());
  return sealed;
}

// nullopt: it is of another version, and has been left as it is.
Result<std::optional<SealedForm>> sealed_in(ByteView bytes) {
  cbor::Decoder decoder(bytes);
  const auto keys = decoder.map();
  if (!keys || *keys != 2) return std::nullopt;
  const auto first = decoder.unsigned_integer();
  const auto version = first ? decoder.unsigned_integer() : first;
  if (!version || *first != kVersionKey || (*version != kUnboundVersion && *version != kBoundVersion))
    return std::nullopt;
  const auto key = decoder.unsigned_integer();
  if (!key) return tl::unexpected(key.error());
  if (*key != kSealedKey) return fail(ErrorCode::kInvalid, "the sealed message has no box");
  auto sealed = decode_sealed(decoder);
  if (!sealed) return tl::unexpected(sealed.error());
  if (!decoder.at_end()) return fail(ErrorCode::kInvalid, "bytes follow the message");
  return SealedForm{*version, *std::move(sealed)};
}

}  // namespace

Bytes seal_message(ByteView clear, sanitize::MessageSeal& seal, const Address& address) {
  const auto sealed = seal.seal(clear, bound_to(seal.key_id(), address));
  Bytes out;
  out.reserve(sealed.box.size() + 64);
  cbor::Encoder encoder(out);
  encoder.map(2);
  encoder.unsigned_integer(kVersionKey);
  encoder.unsigned_integer(kBoundVersion);
  encoder.unsigned_integer(kSealedKey);
  encoder.array(4);
  encoder.text(sealed.key_id);
  encoder.bytes(sealed.salt);
  encoder.unsigned_integer(sealed.number);
  encoder.bytes(sealed.box);
  return out;
}

Result<std::optional<Bytes>> open_message(ByteView bytes, sanitize::MessageSeal* seal,
                                          const Address& address) {
  const auto form = sealed_in(bytes);
  if (!form) return tl::unexpected(form.error());
  if (!*form) return std::nullopt;
  if (seal == nullptr)
    return fail(ErrorCode::kUnsupported, "the message is sealed, and this rack has no key");
  const auto& sealed = (*form)->sealed;
  const Bytes bound = (*form)->version == kBoundVersion ? bound_to(sealed.key_id, address) : Bytes{};
  auto clear = seal->open(sealed, bound);
  if (!clear) return tl::unexpected(clear.error());
  return *std::move(clear);
}

}  // namespace fluxrig::gear::bus
