#include "model/block.hpp"

#include <openssl/evp.h>

#include <algorithm>

#include "model/map_codec.hpp"

namespace fluxrig::model {
namespace {

enum Key : std::uint8_t {
  kVersion = 0,
  kKind = 1,
  kMachineId = 2,
  kLane = 3,
  kEpoch = 4,
  kFirst = 5,
  kCount = 6,
  kPrevious = 7,
  kTime = 8,
  kRecords = 9,
  kBody = 10,
};
constexpr SeenKeys kHeadKeys =
    keys_of(kVersion, kKind, kMachineId, kLane, kEpoch, kFirst, kCount, kPrevious, kTime);
constexpr std::size_t kMaxHeadBytes = 128;

Result<void> read_version(cbor::Decoder& decoder) {
  const auto version = decoder.unsigned_integer();
  if (!version) return tl::unexpected(version.error());
  if (*version != kBlockVersion) return fail(ErrorCode::kUnsupported, "a block of an unknown version");
  return {};
}

Result<void> read_hash(cbor::Decoder& decoder, Hash& out) {
  const auto bytes = decoder.bytes();
  if (!bytes) return tl::unexpected(bytes.error());
  if (bytes->size() != out.size()) return fail(ErrorCode::kInvalid, "a hash of another length");
  std::copy(bytes->begin(), bytes->end(), out.begin());
  return {};
}

struct Records {
  std::size_t count = 0;
  ByteView items;
};

Result<void> read_records(cbor::Decoder& decoder, ByteView block, Records& out) {
  const auto items = decoder.array();
  if (!items) return tl::unexpected(items.error());
  const std::size_t start = decoder.offset();
  for (std::size_t i = 0; i < *items; ++i)
    if (const auto item = decoder.skip(); !item) return tl::unexpected(item.error());
  out = {*items, block.subspan(start, decoder.offset() - start)};
  return {};
}

Result<void> read_body(cbor::Decoder& decoder, ByteView& out) {
  if (decoder.peek() != cbor::Type::kMap) return fail(ErrorCode::kInvalid, "a block's body that is no map");
  const auto item = decoder.skip();
  if (!item) return tl::unexpected(item.error());
  out = *item;
  return {};
}

Result<void> check(const BlockView& view, SeenKeys seen, std::size_t items) {
  if (auto complete = require(seen, kHeadKeys); !complete) return complete;
  const bool has_records = (seen & keys_of(kRecords)) != 0;
  const bool has_body = (seen & keys_of(kBody)) != 0;
  if (has_records != (view.head.kind == BlockKind::kRecords))
    return fail(ErrorCode::kInvalid, "a block's records do not fit its kind");
  if (!has_records && view.head.count != 0)
    return fail(ErrorCode::kInvalid, "a block without records that counts some");
  if (has_records && has_body) return fail(ErrorCode::kInvalid, "a block with records and a body");
  if (has_records && items != view.head.count)
    return fail(ErrorCode::kInvalid, "a block's count is not its number of records");
  if (view.head.first.value > std::numeric_limits<std::uint64_t>::max() - view.head.count)
    return fail(ErrorCode::kInvalid, "a block's sequence overflows");
  return {};
}

struct Digest {
  EVP_MD* sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  Digest() { FR_ASSERT(sha256 != nullptr && context != nullptr); }
  Digest(const Digest&) = delete;
  Digest& operator=(const Digest&) = delete;
  ~Digest() {
    EVP_MD_CTX_free(context);
    EVP_MD_free(sha256);
  }
};

}  // namespace

void encode_block(const BlockHead& head, ByteView records, ByteView body, Bytes& out) {
  FR_ASSERT(head.kind == BlockKind::kRecords ? body.empty() : records.empty());
  out.reserve(out.size() + kMaxHeadBytes + records.size() + body.size());
  MapWriter map(out);
  map.key(kVersion).unsigned_integer(kBlockVersion);
  map.key(kKind).unsigned_integer(static_cast<std::uint8_t>(head.kind));
  map.key(kMachineId).bytes(head.machine_id.view());
  map.key(kLane).unsigned_integer(static_cast<std::uint8_t>(head.lane));
  map.key(kEpoch).unsigned_integer(head.epoch.value);
  map.key(kFirst).unsigned_integer(head.first.value);
  map.key(kCount).unsigned_integer(head.count);
  map.key(kPrevious).bytes(head.previous);
  map.key(kTime).integer(head.time.value);
  if (head.kind == BlockKind::kRecords) {
    cbor::Encoder& encoder = map.key(kRecords);
    encoder.array(head.count);
    encoder.raw(records);
  } else if (!body.empty()) {
    map.key(kBody).raw(body);
  }
}

Result<BlockView> decode_block(ByteView block) {
  if (block.size() > kMaxBlockBytes) return fail(ErrorCode::kOversize, "a block over its largest size");
  cbor::Decoder decoder(block);
  BlockView view;
  BlockHead& head = view.head;
  Records records;
  const auto seen = read_map(decoder, [&](std::uint64_t key) -> std::optional<Result<void>> {
    switch (key) {
      case kVersion:
        return read_version(decoder);
      case kKind:
        return read_within(decoder, {0, static_cast<std::int64_t>(BlockKind::kSeal)}, head.kind);
      case kMachineId:
        return read(decoder, head.machine_id);
      case kLane:
        return read_within(decoder, {0, static_cast<std::int64_t>(Lane::kTelemetry)}, head.lane);
      case kEpoch:
        return read(decoder, head.epoch.value);
      case kFirst:
        return read(decoder, head.first.value);
      case kCount:
        return read(decoder, head.count);
      case kPrevious:
        return read_hash(decoder, head.previous);
      case kTime:
        return read(decoder, head.time);
      case kRecords:
        return read_records(decoder, block, records);
      case kBody:
        return read_body(decoder, view.body);
      default:
        return std::nullopt;
    }
  });
  if (!seen) return tl::unexpected(seen.error());
  if (!decoder.at_end()) return fail(ErrorCode::kInvalid, "bytes behind a block");
  if (const auto checked = check(view, *seen, records.count); !checked)
    return tl::unexpected(checked.error());
  view.records = records.items;
  return view;
}

Hash hash_block(ByteView block) {
  // Once a thread: to look the algorithm up and make a context costs more than to hash a small block.
  static thread_local const Digest digest;
  Hash hash{};
  unsigned int size = 0;
  const bool done = EVP_DigestInit_ex(digest.context, digest.sha256, nullptr) == 1 &&
                    EVP_DigestUpdate(digest.context, block.data(), block.size()) == 1 &&
                    EVP_DigestFinal_ex(digest.context, hash.data(), &size) == 1;
  FR_ASSERT(done && size == hash.size());
  return hash;
}

}  // namespace fluxrig::model
