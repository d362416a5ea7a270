#include "model/receipt.hpp"

#include <algorithm>

#include "cbor/decoder.hpp"
#include "cbor/encoder.hpp"

namespace fluxrig::model {
namespace {

Result<Lane> lane_of(std::uint64_t value) {
  switch (value) {
    case 0:
      return Lane::kSpool;
    case 1:
      return Lane::kAudit;
    case 2:
      return Lane::kTelemetry;
    default:
      return fail(ErrorCode::kInvalid, "a receipt names a lane that does not exist");
  }
}

Result<std::vector<std::pair<Sequence, Sequence>>> decode_ranges(cbor::Decoder& decoder) {
  const auto count = decoder.array();
  if (!count) return tl::unexpected(count.error());
  if (*count > kMaxReceiptRanges) return fail(ErrorCode::kOversize, "a receipt holds too many ranges");
  std::vector<std::pair<Sequence, Sequence>> ranges;
  ranges.reserve(*count);
  std::uint64_t previous_last = 0;
  for (std::size_t i = 0; i < *count; ++i) {
    const auto pair = decoder.array();
    if (!pair || *pair != 2) return fail(ErrorCode::kInvalid, "a receipt's range is not a pair");
    const auto first = decoder.unsigned_integer();
    if (!first) return tl::unexpected(first.error());
    const auto last = decoder.unsigned_integer();
    if (!last) return tl::unexpected(last.error());
    if (*first <= previous_last || *last < *first)
      return fail(ErrorCode::kInvalid, "a receipt's ranges are not ascending and disjoint");
    ranges.emplace_back(Sequence{*first}, Sequence{*last});
    previous_last = *last;
  }
  return ranges;
}

Result<Receipt::ChainHead> decode_chain(cbor::Decoder& decoder) {
  const auto items = decoder.array();
  if (!items || *items != 2) return fail(ErrorCode::kInvalid, "a receipt's chain is not a pair");
  const auto next = decoder.unsigned_integer();
  if (!next) return tl::unexpected(next.error());
  const auto hash = decoder.bytes();
  if (!hash) return tl::unexpected(hash.error());
  Receipt::ChainHead chain;
  if (*next == 0 || hash->size() != chain.hash.size())
    return fail(ErrorCode::kInvalid, "a receipt's chain is out of range");
  chain.next = Sequence{*next};
  std::copy(hash->begin(), hash->end(), chain.hash.begin());
  return chain;
}

struct Seen {
  bool version = false;
  bool lane = false;
  bool epoch = false;
  bool ranges = false;
};

Result<void> decode_entry(cbor::Decoder& decoder, std::uint64_t key, Receipt& receipt, Seen& seen) {
  if (key == 3) {
    auto ranges = decode_ranges(decoder);
    if (!ranges) return tl::unexpected(ranges.error());
    receipt.ranges = std::move(*ranges);
    seen.ranges = true;
    return {};
  }
  if (key == 4) {
    const auto chain = decode_chain(decoder);
    if (!chain) return tl::unexpected(chain.error());
    receipt.chain = *chain;
    return {};
  }
  if (key > 4) {
    const auto unknown = decoder.skip();
    if (!unknown) return tl::unexpected(unknown.error());
    return {};
  }
  const auto value = decoder.unsigned_integer();
  if (!value) return tl::unexpected(value.error());
  if (key == 0) {
    if (*value != kReceiptVersion) return fail(ErrorCode::kUnsupported, "a receipt of another version");
    seen.version = true;
  } else if (key == 1) {
    const auto lane = lane_of(*value);
    if (!lane) return tl::unexpected(lane.error());
    receipt.lane = *lane;
    seen.lane = true;
  } else {
    if (*value == 0 || *value > UINT32_MAX)
      return fail(ErrorCode::kInvalid, "a receipt's epoch is out of range");
    receipt.epoch = Epoch{static_cast<std::uint32_t>(*value)};
    seen.epoch = true;
  }
  return {};
}

}  // namespace

void encode(const Receipt& receipt, Bytes& out) {
  cbor::Encoder encoder(out);
  encoder.map(receipt.chain ? 5 : 4);
  encoder.unsigned_integer(0);
  encoder.unsigned_integer(kReceiptVersion);
  encoder.unsigned_integer(1);
  encoder.unsigned_integer(static_cast<std::uint8_t>(receipt.lane));
  encoder.unsigned_integer(2);
  encoder.unsigned_integer(receipt.epoch.value);
  encoder.unsigned_integer(3);
  encoder.array(receipt.ranges.size());
  for (const auto& [first, last] : receipt.ranges) {
    encoder.array(2);
    encoder.unsigned_integer(first.value);
    encoder.unsigned_integer(last.value);
  }
  if (!receipt.chain) return;
  encoder.unsigned_integer(4);
  encoder.array(2);
  encoder.unsigned_integer(receipt.chain->next.value);
  encoder.bytes(receipt.chain->hash);
}

Result<Receipt> decode_receipt(ByteView bytes) {
  cbor::Decoder decoder(bytes);
  const auto entries = decoder.map();
  if (!entries) return tl::unexpected(entries.error());
  Receipt receipt;
  Seen seen;
  std::uint64_t least_key = 0;
  for (std::size_t i = 0; i < *entries; ++i) {
    const auto key = decoder.unsigned_integer();
    if (!key) return tl::unexpected(key.error());
    if (*key < least_key) return fail(ErrorCode::kInvalid, "a receipt's keys are not ascending");
    least_key = *key + 1;
    if (const auto entry = decode_entry(decoder, *key, receipt, seen); !entry)
      return tl::unexpected(entry.error());
  }
  if (!decoder.at_end()) return fail(ErrorCode::kInvalid, "bytes follow a receipt");
  if (!seen.version || !seen.lane || !seen.epoch || !seen.ranges)
    return fail(ErrorCode::kInvalid, "a receipt lacks a key");
  return receipt;
}

}  // namespace fluxrig::model
