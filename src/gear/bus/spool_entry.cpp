#include "gear/bus/spool_entry.hpp"

#include "cbor/decoder.hpp"
#include "cbor/encoder.hpp"
#include "gear/bus/message_bytes.hpp"

namespace fluxrig::gear::bus {
namespace {

constexpr std::size_t kItems = 5;

// Reads a text into `out`; the first failure stays.
void read_text(cbor::Decoder& decoder, std::string& out, Result<void>& done) {
  if (!done) return;
  const auto text = decoder.text();
  if (text)
    out = *text;
  else
    done = tl::unexpected(text.error());
}

}  // namespace

Bytes encode_spool_entry(const snake::Outgoing& message) {
  Bytes out;
  out.reserve(message.payload.size() + 512);
  cbor::Encoder encoder(out);
  encoder.array(kItems);
  encoder.unsigned_integer(kSpoolEntryVersion);
  encoder.text(message.subject);
  encoder.text(message.message_id);
  encoder.array(2 * message.headers.size());
  for (const auto& [name, value] : message.headers) {
    encoder.text(name);
    encoder.text(value);
  }
  encoder.bytes(message.payload);
  return out;
}

Result<snake::Outgoing> decode_spool_entry(ByteView item) {
  cbor::Decoder decoder(item);
  const auto items = decoder.array();
  if (!items || *items != kItems) return fail(ErrorCode::kInvalid, "a spool entry is not an array of five");
  const auto version = decoder.unsigned_integer();
  if (!version) return tl::unexpected(version.error());
  if (*version != kSpoolEntryVersion)
    return fail(ErrorCode::kUnsupported, "a spool entry of another version");
  snake::Outgoing message;
  Result<void> done;
  read_text(decoder, message.subject, done);
  read_text(decoder, message.message_id, done);
  if (!done) return tl::unexpected(done.error());
  const auto texts = decoder.array();
  if (!texts || *texts % 2 != 0) return fail(ErrorCode::kInvalid, "a spool entry's headers are no pairs");
  if (*texts / 2 > kMaxSpooledHeaders)
    return fail(ErrorCode::kOversize, "a spool entry has too many headers");
  message.headers.resize(*texts / 2);
  for (auto& [name, value] : message.headers) {
    read_text(decoder, name, done);
    read_text(decoder, value, done);
  }
  if (!done) return tl::unexpected(done.error());
  const auto payload = decoder.bytes();
  if (!payload) return tl::unexpected(payload.error());
  if (!decoder.at_end()) return fail(ErrorCode::kInvalid, "bytes follow a spool entry");
  message.payload = MessageBytes::of(Bytes(payload->begin(), payload->end()));
  return message;
}

}  // namespace fluxrig::gear::bus
