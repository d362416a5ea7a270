#include "gear/bus/flux_message.hpp"

#include <algorithm>
#include <optional>

#include "base/utf8.hpp"
#include "cbor/decoder.hpp"
#include "cbor/encoder.hpp"
#include "gear/bus/message_bytes.hpp"
#include "gear/bus/sealed_message.hpp"

namespace fluxrig::gear::bus {
namespace {

constexpr std::uint64_t kVersion = 1;
enum Key : std::uint64_t {
  kVersionKey = 0,
  kPayloadKey = 1,
  kFieldsKey = 2,
  kMetaKey = 3,
  kFailureKey = 4,
};
constexpr std::size_t kMaxSealBytes = 128;  // what sealing adds
constexpr std::size_t kMaxKeys = 16;        // room for later versions' additions

// The codes are on the wire: their numbers never change.
static_assert(static_cast<int>(FailureCode::kMalformed) == 0);
static_assert(static_cast<int>(FailureCode::kRejected) == 1);
static_assert(static_cast<int>(FailureCode::kNotFound) == 2);
static_assert(static_cast<int>(FailureCode::kOversize) == 3);
static_assert(static_cast<int>(FailureCode::kUnavailable) == 4);
static_assert(static_cast<int>(FailureCode::kTimeout) == 5);
static_assert(static_cast<int>(FailureCode::kRefused) == 6);
static_assert(static_cast<int>(FailureCode::kInternal) == 7);

Failure failure_of(std::uint64_t code) noexcept {
  switch (code) {
    case 0:
      return {FailureCode::kMalformed, "the other rack: the message is malformed"};
    case 1:
      return {FailureCode::kRejected, "the other rack: the message was rejected"};
    case 2:
      return {FailureCode::kNotFound, "the other rack: no route for the message"};
    case 3:
      return {FailureCode::kOversize, "the other rack: the message is over a limit"};
    case 4:
      return {FailureCode::kUnavailable, "the other rack: its next hop is away"};
    case 5:
      return {FailureCode::kTimeout, "the other rack: nothing answered in time"};
    case 6:
      return {FailureCode::kRefused, "the other rack: refused, try later"};
    case 7:
      return {FailureCode::kInternal, "the other rack: an internal fault"};
    default:
      return {FailureCode::kInternal, "the other rack: a failure that this version does not know"};
  }
}

Result<void> check_fields(const Fields& fields, std::size_t& size) {
  if (fields.size() > kMaxFields) return fail(ErrorCode::kOversize, "too many fields");
  for (const auto& [name, value] : fields) {
    if (name.size() > kMaxFieldName) return fail(ErrorCode::kOversize, "a field name is too long");
    if (!is_utf8(name)) return fail(ErrorCode::kInvalid, "a field name is not UTF-8");
    if (value.size() > kMaxFieldValue) return fail(ErrorCode::kOversize, "a field value is too long");
    size += name.size() + value.size() + 8;
  }
  return {};
}

// Names and values in turn: a map would have to be sorted, and the order of fields is theirs to keep.
void encode_fields(cbor::Encoder& encoder, std::uint64_t key, const Fields& fields) {
  if (fields.empty()) return;
  encoder.unsigned_integer(key);
  encoder.array(fields.size() * 2);
  for (const auto& [name, value] : fields) {
    encoder.text(name);
    encoder.bytes(as_bytes(value));
  }
}

Result<void> decode_fields(cbor::Decoder& decoder, Fields& fields) {
  const auto items = decoder.array();
  if (!items) return tl::unexpected(items.error());
  if (*items % 2 != 0) return fail(ErrorCode::kInvalid, "a field has no value");
  if (*items / 2 > kMaxFields) return fail(ErrorCode::kOversize, "too many fields");
  fields.reserve(*items / 2);
  for (std::size_t i = 0; i < *items / 2; ++i) {
    const auto name = decoder.text();
    if (!name) return tl::unexpected(name.error());
    if (name->size() > kMaxFieldName) return fail(ErrorCode::kOversize, "a field name is too long");
    const auto value = decoder.bytes();
    if (!value) return tl::unexpected(value.error());
    if (value->size() > kMaxFieldValue) return fail(ErrorCode::kOversize, "a field value is too long");
    fields.append(*name, std::string(as_text(*value)));
  }
  return {};
}

Result<void> decode_payload(cbor::Decoder& decoder, std::string& payload) {
  const auto bytes = decoder.bytes();
  if (!bytes) return tl::unexpected(bytes.error());
  if (bytes->size() > kMaxPayload) return fail(ErrorCode::kOversize, "the payload is too long");
  payload.assign(as_text(*bytes));
  return {};
}

Result<void> decode_failure(cbor::Decoder& decoder, std::optional<Failure>& failure) {
  const auto items = decoder.array();
  if (!items) return tl::unexpected(items.error());
  if (*items != 2) return fail(ErrorCode::kInvalid, "a failure is not a code and a reason");
  const auto code = decoder.unsigned_integer();
  if (!code) return tl::unexpected(code.error());
  const auto reason = decoder.text();
  if (!reason) return tl::unexpected(reason.error());
  if (reason->size() > kMaxReason) return fail(ErrorCode::kOversize, "the reason is too long");
  failure = failure_of(*code);
  return {};
}

Result<void> decode_version(cbor::Decoder& decoder) {
  const auto version = decoder.unsigned_integer();
  if (!version) return tl::unexpected(version.error());
  if (*version != kVersion)
    return fail(ErrorCode::kUnsupported, "a version of the message that is not known");
  return {};
}

Result<void> decode_value(cbor::Decoder& decoder, std::uint64_t key, FluxMessage& into) {
  switch (key) {
    case kVersionKey:
      return decode_version(decoder);
    case kPayloadKey:
      return decode_payload(decoder, into.message.payload);
    case kFieldsKey:
      return decode_fields(decoder, into.message.fields);
    case kMetaKey:
      return decode_fields(decoder, into.message.meta);
    case kFailureKey:
      return decode_failure(decoder, into.failure);
    default:
      if (auto skipped = decoder.skip(); !skipped) return tl::unexpected(skipped.error());
      return {};
  }
}

Result<Bytes> encode_clear(const Message& message) {
  std::size_t size = message.payload.size() + 32;
  if (message.payload.size() > kMaxPayload) return fail(ErrorCode::kOversize, "the payload is too long");
  for (const Fields* fields : {&message.fields, &message.meta})
    if (auto checked = check_fields(*fields, size); !checked) return tl::unexpected(checked.error());
  if (size > kMaxEncoded) return fail(ErrorCode::kOversize, "the message is too long");

  Bytes out;
  out.reserve(size);
  cbor::Encoder encoder(out);
  encoder.map(1U + (message.payload.empty() ? 0U : 1U) + (message.fields.empty() ? 0U : 1U) +
              (message.meta.empty() ? 0U : 1U));
  encoder.unsigned_integer(kVersionKey);
  encoder.unsigned_integer(kVersion);
  if (!message.payload.empty()) {
    encoder.unsigned_integer(kPayloadKey);
    encoder.bytes(as_bytes(message.payload));
  }
  encode_fields(encoder, kFieldsKey, message.fields);
  encode_fields(encoder, kMetaKey, message.meta);
  return out;
}

Result<FluxMessage> decode_clear(ByteView bytes) {
  if (bytes.size() > kMaxEncoded) return fail(ErrorCode::kOversize, "the message is too long");
  cbor::Decoder decoder(bytes);
  const auto keys = decoder.map();
  if (!keys) return tl::unexpected(keys.error());
  if (*keys == 0) return fail(ErrorCode::kInvalid, "the message has no version");
  if (*keys > kMaxKeys) return fail(ErrorCode::kOversize, "the message has too many keys");
  FluxMessage result;
  std::uint64_t last = 0;
  for (std::size_t i = 0; i < *keys; ++i) {
    const auto key = decoder.unsigned_integer();
    if (!key) return tl::unexpected(key.error());
    // The version comes first: everything else is read by its rules.
    if (i == 0 ? *key != kVersionKey : *key <= last)
      return fail(ErrorCode::kInvalid, "the keys of the message are not in order");
    last = *key;
    if (auto decoded = decode_value(decoder, *key, result); !decoded) return tl::unexpected(decoded.error());
  }
  if (!decoder.at_end()) return fail(ErrorCode::kInvalid, "bytes follow the message");
  return result;
}

}  // namespace

Result<sanitize::CleanBytes> encode_message(const Message& message, sanitize::MessageSeal* seal,
                                            const Address& address) {
  auto clear = encode_clear(message);
  if (!clear) return tl::unexpected(clear.error());
  if (seal == nullptr) return MessageBytes::of(*std::move(clear));
  auto sealed = seal_message(*clear, *seal, address);
  sanitize::wipe(*clear);
  return MessageBytes::of(std::move(sealed));
}

sanitize::CleanBytes encode_failure(const Failure& failure) {
  Bytes out;
  cbor::Encoder encoder(out);
  encoder.map(2);
  encoder.unsigned_integer(kVersionKey);
  encoder.unsigned_integer(kVersion);
  encoder.unsigned_integer(kFailureKey);
  encoder.array(2);
  encoder.unsigned_integer(static_cast<std::uint64_t>(failure.code));
  encoder.text(std::string_view(failure.reason).substr(0, kMaxReason));
  return MessageBytes::of(std::move(out));
}

Result<FluxMessage> decode_message(ByteView bytes, sanitize::MessageSeal* seal, const Address& address) {
  if (bytes.size() > kMaxEncoded + kMaxSealBytes)
    return fail(ErrorCode::kOversize, "the message is too long");
  auto opened = open_message(bytes, seal, address);
  if (!opened) return tl::unexpected(opened.error());
  if (!*opened) return decode_clear(bytes);
  auto message = decode_clear(**opened);
  sanitize::wipe(**opened);
  return message;
}

}  // namespace fluxrig::gear::bus
