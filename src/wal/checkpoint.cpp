#include "wal/checkpoint.hpp"

#include <openssl/sha.h>

#include <algorithm>
#include <limits>
#include <string_view>
#include <vector>

#include "base/assert.hpp"
#include "cbor/encoder.hpp"
#include "model/map_codec.hpp"

namespace fluxrig::wal {
namespace {

// Signed before the statement, so that a signature can never be taken for one of another use of the key.
constexpr std::string_view kPurpose{"fluxrig-checkpoint-v1\0", 22};
constexpr std::uint64_t kVersion = 1;
constexpr std::size_t kMaxIdBytes = 256;       // rule-set and token-key ids, causes
constexpr std::size_t kMaxOwnCauseBytes = 40;  // of those that we write: all of them fit a statement

using model::keys_of;
using model::read_map;

Bytes signed_message(ByteView statement) {
  Bytes message(kPurpose.size() + statement.size());
  std::copy(kPurpose.begin(), kPurpose.end(), message.begin());
  std::copy(statement.begin(), statement.end(),
            message.begin() + static_cast<std::ptrdiff_t>(kPurpose.size()));
  return message;
}

model::Hash hash_of(ByteView bytes) {
  model::Hash hash{};
  SHA256(bytes.data(), bytes.size(), hash.data());
  return hash;
}

Bytes encode_statement(const CheckpointStatement& statement) {
  Bytes out;
  cbor::Encoder encoder(out);
  encoder.map(12);
  const auto key = [&](std::uint64_t number) -> cbor::Encoder& {
    encoder.unsigned_integer(number);
    return encoder;
  };
  key(0).unsigned_integer(kVersion);
  key(1).bytes(statement.machine_id.view());
  key(2).unsigned_integer(static_cast<std::uint64_t>(statement.lane));
  key(3).unsigned_integer(statement.epoch.value);
  key(4).unsigned_integer(statement.sequence.value);
  key(5).bytes(statement.head);
  key(6).integer(statement.time.value);
  key(7).bytes(statement.previous);
  // Deterministic CBOR orders the keys by their encoded bytes: shorter ones first, then by content.
  std::vector<std::pair<std::string_view, std::uint64_t>> drops;
  for (const auto& [cause, count] : statement.drops)
    if (cause.size() <= kMaxOwnCauseBytes) drops.emplace_back(cause, count);
  std::stable_sort(drops.begin(), drops.end(),
                   [](const auto& a, const auto& b) { return a.first.size() < b.first.size(); });
  if (drops.size() > kMaxDropCauses) drops.resize(kMaxDropCauses);
  key(8).map(drops.size());
  for (const auto& [cause, count] : drops) {
    encoder.text(cause);
    encoder.unsigned_integer(count);
  }
  key(9).text(std::string_view(statement.rule_set).substr(0, kMaxIdBytes));
  key(10).text(std::string_view(statement.token_key).substr(0, kMaxIdBytes));
  key(11).bytes(statement.key_id);
  return out;
}

template <std::size_t N>
Result<void> read_array(cbor::Decoder& decoder, std::array<std::uint8_t, N>& out) {
  const auto bytes = decoder.bytes();
  if (!bytes) return tl::unexpected(bytes.error());
  if (bytes->size() != N) return fail(ErrorCode::kInvalid, "a byte string of another length");
  std::copy(bytes->begin(), bytes->end(), out.begin());
  return {};
}

Result<void> read_id(cbor::Decoder& decoder, std::string& out) {
  const auto text = decoder.text();
  if (!text) return tl::unexpected(text.error());
  if (text->size() > kMaxIdBytes) return fail(ErrorCode::kOversize, "an id over its limit");
  out = *text;
  return {};
}

Result<void> read_drops(cbor::Decoder& decoder, std::map<std::string, std::uint64_t>& drops) {
  const auto entries = decoder.map();
  if (!entries) return tl::unexpected(entries.error());
  if (*entries > kMaxDropCauses) return fail(ErrorCode::kOversize, "too many causes of drops");
  std::string last;
  for (std::size_t i = 0; i < *entries; ++i) {
    std::string cause;
    if (const auto read = read_id(decoder, cause); !read) return read;
    const bool ascends = cause.size() != last.size() ? cause.size() > last.size() : cause > last;
    if (i > 0 && !ascends) return fail(ErrorCode::kInvalid, "keys that do not ascend");
    const auto count = decoder.unsigned_integer();
    if (!count) return tl::unexpected(count.error());
    drops.emplace(cause, *count);
    last = std::move(cause);
  }
  return {};
}

Result<CheckpointStatement> decode_statement(ByteView bytes) {
  CheckpointStatement statement;
  std::uint64_t version = 0;
  cbor::Decoder decoder(bytes);
  const auto seen = read_map(decoder, [&](std::uint64_t key) -> std::optional<Result<void>> {
    switch (key) {
      case 0:
        return model::read(decoder, version);
      case 1:
        return model::read(decoder, statement.machine_id);
      case 2:
        return model::read_within(decoder, {0, 2}, statement.lane);
      case 3:
        return model::read(decoder, statement.epoch.value);
      case 4:
        return model::read(decoder, statement.sequence.value);
      case 5:
        return read_array(decoder, statement.head);
      case 6:
        return model::read(decoder, statement.time);
      case 7:
        return read_array(decoder, statement.previous);
      case 8:
        return read_drops(decoder, statement.drops);
      case 9:
        return read_id(decoder, statement.rule_set);
      case 10:
        return read_id(decoder, statement.token_key);
      case 11:
        return read_array(decoder, statement.key_id);
      default:
        return std::nullopt;
    }
  });
  if (!seen) return tl::unexpected(seen.error());
  if ((*seen & 1U) != 0 && version != kVersion)
    return fail(ErrorCode::kUnsupported, "a newer version of the checkpoint");
  if (const auto all = model::require(*seen, keys_of(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)); !all)
    return tl::unexpected(all.error());
  if (!decoder.at_end()) return fail(ErrorCode::kInvalid, "bytes behind the statement");
  return statement;
}

}  // namespace

model::Hash encode_checkpoint_body(const CheckpointStatement& statement, const SigningKey& key, Bytes& out) {
  const Bytes bytes = encode_statement(statement);
  FR_ASSERT(bytes.size() <= kMaxStatementBytes);
  cbor::Encoder encoder(out);
  encoder.map(2);
  encoder.unsigned_integer(0);
  encoder.bytes(bytes);
  encoder.unsigned_integer(1);
  encoder.bytes(key.sign(signed_message(bytes)));
  return hash_of(bytes);
}

Result<Checkpoint> decode_checkpoint_body(ByteView body) {
  Checkpoint checkpoint;
  cbor::Decoder decoder(body);
  const auto seen = read_map(decoder, [&](std::uint64_t key) -> std::optional<Result<void>> {
    if (key == 1) return read_array(decoder, checkpoint.signature);
    if (key != 0) return std::nullopt;
    const auto bytes = decoder.bytes();
    if (!bytes) return tl::unexpected(bytes.error());
    if (bytes->size() > kMaxStatementBytes) return fail(ErrorCode::kOversize, "a statement over its limit");
    checkpoint.statement_bytes.assign(bytes->begin(), bytes->end());
    return Result<void>();
  });
  if (!seen) return tl::unexpected(seen.error());
  if (const auto all = model::require(*seen, keys_of(0, 1)); !all) return tl::unexpected(all.error());
  if (!decoder.at_end()) return fail(ErrorCode::kInvalid, "bytes behind the checkpoint");
  auto statement = decode_statement(checkpoint.statement_bytes);
  if (!statement) return tl::unexpected(statement.error());
  checkpoint.statement = *std::move(statement);
  checkpoint.hash = hash_of(checkpoint.statement_bytes);
  return checkpoint;
}

bool signed_by(const Checkpoint& checkpoint, const PublicKey& key) {
  return checkpoint.statement.key_id == key_id_of(key) &&
         verify_signature(key, signed_message(checkpoint.statement_bytes), checkpoint.signature);
}

bool matches(const CheckpointStatement& statement, const model::BlockHead& head) {
  return statement.machine_id == head.machine_id && statement.lane == head.lane &&
         statement.epoch == head.epoch && statement.sequence == head.first && statement.head == head.previous;
}

}  // namespace fluxrig::wal
