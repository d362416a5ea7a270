#include "wal/control_body.hpp"

#include <algorithm>
#include <limits>

#include "cbor/decoder.hpp"
#include "cbor/encoder.hpp"
#include "model/map_codec.hpp"

namespace fluxrig::wal {
namespace {

void encode_pair(std::uint64_t first, std::uint64_t second, Bytes& out) {
  cbor::Encoder encoder(out);
  encoder.map(2);
  encoder.unsigned_integer(0);
  encoder.unsigned_integer(first);
  encoder.unsigned_integer(1);
  encoder.unsigned_integer(second);
}

struct Pair {
  std::uint64_t first = 0;
  std::uint64_t second = 0;
};

// Keys that a later version adds are skipped.
Result<Pair> decode_pair(ByteView body) {
  cbor::Decoder decoder(body);
  const auto entries = decoder.map();
  if (!entries) return tl::unexpected(entries.error());
  Pair pair;
  for (std::size_t i = 0; i < *entries; ++i) {
    const auto key = decoder.unsigned_integer();
    if (!key) return tl::unexpected(key.error());
    if (*key > 1) {
      if (const auto skipped = decoder.skip(); !skipped) return tl::unexpected(skipped.error());
      continue;
    }
    const auto value = decoder.unsigned_integer();
    if (!value) return tl::unexpected(value.error());
    (*key == 0 ? pair.first : pair.second) = *value;
  }
  return pair;
}

Result<void> read_text(cbor::Decoder& decoder, std::string& out) {
  const auto text = decoder.text();
  if (!text) return tl::unexpected(text.error());
  out = *text;
  return {};
}

Result<PublicKey> decode_public_key(cbor::Decoder& decoder) {
  const auto bytes = decoder.bytes();
  if (!bytes) return tl::unexpected(bytes.error());
  PublicKey key{};
  if (bytes->size() != key.size()) return fail(ErrorCode::kInvalid, "a public key of another length");
  std::copy(bytes->begin(), bytes->end(), key.begin());
  return key;
}

}  // namespace

void encode_epoch_link(const EpochLink& link, Bytes& out) {
  cbor::Encoder encoder(out);
  encoder.array(3);
  encoder.unsigned_integer(link.epoch.value);
  encoder.unsigned_integer(link.end.value);
  encoder.bytes(link.head);
}

Result<EpochLink> decode_epoch_link(cbor::Decoder& decoder) {
  const auto items = decoder.array();
  if (!items) return tl::unexpected(items.error());
  if (*items != 3) return fail(ErrorCode::kInvalid, "an epoch link has three items");
  const auto epoch = decoder.unsigned_integer();
  if (!epoch) return tl::unexpected(epoch.error());
  const auto end = decoder.unsigned_integer();
  if (!end) return tl::unexpected(end.error());
  const auto head = decoder.bytes();
  if (!head) return tl::unexpected(head.error());
  EpochLink link;
  if (*epoch > std::numeric_limits<std::uint32_t>::max() || head->size() != link.head.size())
    return fail(ErrorCode::kInvalid, "an epoch link is out of range");
  link.epoch.value = static_cast<std::uint32_t>(*epoch);
  link.end.value = *end;
  std::copy(head->begin(), head->end(), link.head.begin());
  return link;
}

void encode_header_body(const HeaderBody& body, Bytes& out) {
  cbor::Encoder encoder(out);
  encoder.map(2U + (body.link ? 1U : 0U) + (body.public_key ? 1U : 0U));
  encoder.unsigned_integer(0);
  encoder.text(body.rack);
  encoder.unsigned_integer(1);
  encoder.text(body.software);
  if (body.link) {
    encoder.unsigned_integer(2);
    encode_epoch_link(*body.link, out);
  }
  if (!body.public_key) return;
  encoder.unsigned_integer(3);
  encoder.bytes(*body.public_key);
}

Result<HeaderBody> decode_header_body(ByteView body) {
  cbor::Decoder decoder(body);
  HeaderBody header;
  const auto seen = model::read_map(decoder, [&](std::uint64_t key) -> std::optional<Result<void>> {
    switch (key) {
      case 0:
        return read_text(decoder, header.rack);
      case 1:
        return read_text(decoder, header.software);
      case 2:
        return decode_epoch_link(decoder).map([&](const EpochLink& link) { header.link = link; });
      case 3:
        return decode_public_key(decoder).map(
            [&](const PublicKey& key_bytes) { header.public_key = key_bytes; });
      default:
        return std::nullopt;
    }
  });
  if (!seen) return tl::unexpected(seen.error());
  if (!decoder.at_end()) return fail(ErrorCode::kInvalid, "bytes behind the header's body");
  return header;
}

void encode_recovery_body(const RecoveryBody& body, Bytes& out) {
  encode_pair(body.cut_bytes, body.offset, out);
}

Result<RecoveryBody> decode_recovery_body(ByteView body) {
  return decode_pair(body).map([](const Pair& pair) { return RecoveryBody{pair.first, pair.second}; });
}

void encode_seal_body(const SealBody& body, Bytes& out) { encode_pair(body.blocks, body.records, out); }

Result<SealBody> decode_seal_body(ByteView body) {
  return decode_pair(body).map([](const Pair& pair) { return SealBody{pair.first, pair.second}; });
}

}  // namespace fluxrig::wal
