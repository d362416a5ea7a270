// The loss block's body: its own file, because it is the one that hostile or damaged racks could lie with.
#include "model/map_codec.hpp"
#include "wal/control_body.hpp"

namespace fluxrig::wal {
namespace {

constexpr std::size_t kMaxCauseBytes = 64;

Result<LossBody::Range> decode_range(cbor::Decoder& decoder) {
  const auto items = decoder.array();
  if (!items) return tl::unexpected(items.error());
  if (*items != 3) return fail(ErrorCode::kInvalid, "a range of losses has three items");
  LossBody::Range range;
  if (const auto read = model::read(decoder, range.epoch.value); !read) return tl::unexpected(read.error());
  if (const auto read = model::read(decoder, range.first.value); !read) return tl::unexpected(read.error());
  if (const auto read = model::read(decoder, range.last.value); !read) return tl::unexpected(read.error());
  if (range.first.value == 0 || range.last.value == ~std::uint64_t{0} ||
      range.last.value < range.first.value - 1)
    return fail(ErrorCode::kInvalid, "a range of losses that is out of bounds");
  return range;
}

Result<void> read_cause(cbor::Decoder& decoder, std::string& out) {
  const auto text = decoder.text();
  if (!text) return tl::unexpected(text.error());
  if (text->empty() || text->size() > kMaxCauseBytes)
    return fail(ErrorCode::kInvalid, "a cause of no or too many bytes");
  out = *text;
  return {};
}

}  // namespace

void encode_loss_body(const LossBody& body, Bytes& out) {
  model::MapWriter map(out);
  map.key(0).text(body.cause);
  if (body.count) map.key(1).unsigned_integer(*body.count);
  map.key(2).integer(body.from.value);
  if (body.to) map.key(3).integer(body.to->value);
  if (!body.range) return;
  auto& encoder = map.key(4);
  encoder.array(3);
  encoder.unsigned_integer(body.range->epoch.value);
  encoder.unsigned_integer(body.range->first.value);
  encoder.unsigned_integer(body.range->last.value);
}

Result<LossBody> decode_loss_body(ByteView bytes) {
  LossBody body;
  cbor::Decoder decoder(bytes);
  const auto seen = model::read_map(decoder, [&](std::uint64_t key) -> std::optional<Result<void>> {
    switch (key) {
      case 0:
        return read_cause(decoder, body.cause);
      case 1:
        return model::read(decoder, body.count.emplace());
      case 2:
        return model::read(decoder, body.from);
      case 3:
        return model::read(decoder, body.to.emplace());
      case 4: {
        const auto range = decode_range(decoder);
        if (!range) return tl::unexpected(range.error());
        body.range = *range;
        return Result<void>();
      }
      default:
        return std::nullopt;
    }
  });
  if (!seen) return tl::unexpected(seen.error());
  if (const auto all = model::require(*seen, model::keys_of(0, 2)); !all) return tl::unexpected(all.error());
  if (!decoder.at_end()) return fail(ErrorCode::kInvalid, "bytes behind the loss");
  return body;
}

}  // namespace fluxrig::wal
