#include "lane/backlog_entry.hpp"

#include "cbor/decoder.hpp"
#include "cbor/encoder.hpp"
#include "model/block.hpp"

namespace fluxrig::lane {
namespace {
constexpr std::uint64_t kVersion = 1;
constexpr std::size_t kItems = 6;
}  // namespace

void encode(const TelemetryBlock& block, Sent sent, Bytes& out) {
  cbor::Encoder encoder(out);
  encoder.array(kItems);
  encoder.unsigned_integer(kVersion);
  encoder.unsigned_integer(static_cast<std::uint64_t>(sent));
  for (const auto count : block.signals.counts) encoder.unsigned_integer(count);
  encoder.raw(block.bytes);
}

Result<BacklogEntry> decode_backlog_entry(ByteView item) {
  const auto invalid = fail(ErrorCode::kInvalid, "not an entry of the telemetry backlog");
  cbor::Decoder decoder(item);
  if (decoder.array() != kItems) return invalid;
  const auto version = decoder.unsigned_integer();
  if (!version) return invalid;
  if (*version != kVersion) return fail(ErrorCode::kUnsupported, "a backlog entry of another version");
  const auto sent = decoder.unsigned_integer();
  if (!sent || *sent > static_cast<std::uint64_t>(Sent::kMaybe)) return invalid;
  BacklogEntry entry;
  entry.sent = static_cast<Sent>(*sent);
  for (auto& count : entry.block.signals.counts) {
    const auto value = decoder.unsigned_integer();
    if (!value || *value > model::kMaxBlockBytes) return invalid;
    count = *value;
  }
  const auto bytes = decoder.skip();
  if (!bytes || !decoder.at_end()) return invalid;
  const auto view = model::decode_block(*bytes);
  if (!view) return tl::unexpected(view.error());
  const auto& head = view->head;
  if (head.kind != model::BlockKind::kRecords || head.lane != model::Lane::kTelemetry || head.count == 0 ||
      entry.block.signals.total() != head.count)
    return invalid;
  auto& block = entry.block;
  block.epoch = head.epoch;
  block.first = head.first;
  block.count = head.count;
  block.time = head.time;
  block.bytes.assign(bytes->begin(), bytes->end());
  return entry;
}

}  // namespace fluxrig::lane
