// The message of flux.context: [version, [key, flux_id, trace_id, span_id, flags, tracestate], ...].
#include "cbor/decoder.hpp"
#include "cbor/encoder.hpp"
#include "model/block.hpp"
#include "rack/context_exchange.hpp"
#include "sanitize/sanitizer.hpp"

namespace fluxrig::rack {
namespace {

constexpr std::uint64_t kVersion = 1;
constexpr std::size_t kItems = 6;
constexpr std::size_t kMaxTracestate = 512;

template <typename Id>
bool read_id(cbor::Decoder& in, Id& out) {
  const auto bytes = in.bytes();
  const auto id = bytes ? Id::from_bytes(*bytes) : std::nullopt;
  if (id) out = *id;
  return id.has_value();
}

bool read_offer(cbor::Decoder& in, OfferedContext& out) {
  const auto items = in.array();
  if (!items || *items != kItems) return false;
  if (!read_id(in, out.key) || !read_id(in, out.flux_id) || !read_id(in, out.context.trace_id) ||
      !read_id(in, out.context.span_id))
    return false;
  const auto flags = in.unsigned_integer();
  if (!flags || *flags > 0xff) return false;
  out.context.flags = *flags & (trace::kSampled | trace::kRandom);
  const auto tracestate = in.text();
  if (!tracestate || tracestate->size() > kMaxTracestate) return false;
  const auto checked = trace::parse_tracestate(*tracestate);
  out.context.tracestate = checked ? *checked : std::string();
  return !out.context.trace_id.is_zero() && !out.context.span_id.is_zero();
}

}  // namespace

ContextKey context_key(std::string_view key) {
  const model::Hash hash = model::hash_block(as_bytes(key));
  return *ContextKey::from_bytes({hash.data(), 16});
}

struct OfferBytes {
  [[nodiscard]] static sanitize::CleanBytes of(const std::vector<OfferedContext>& offers);
};

sanitize::CleanBytes OfferBytes::of(const std::vector<OfferedContext>& offers) {
  Bytes out;
  cbor::Encoder encoder(out);
  encoder.array(1 + offers.size());
  encoder.unsigned_integer(kVersion);
  for (const auto& offer : offers) {
    encoder.array(kItems);
    encoder.bytes(offer.key.view());
    encoder.bytes(offer.flux_id.view());
    encoder.bytes(offer.context.trace_id.view());
    encoder.bytes(offer.context.span_id.view());
    encoder.unsigned_integer(offer.context.flags);
    encoder.text(sanitize::mask_card_numbers(offer.context.tracestate));
  }
  return sanitize::CleanBytes(std::move(out));
}

sanitize::CleanBytes encode_offers(const std::vector<OfferedContext>& offers) {
  return OfferBytes::of(offers);
}

Result<std::vector<OfferedContext>> decode_offers(ByteView bytes) {
  cbor::Decoder in(bytes);
  const auto items = in.array();
  if (!items || *items == 0) return fail(ErrorCode::kInvalid, "a context message is not an array");
  if (*items > kMaxOffers + 1) return fail(ErrorCode::kOversize, "too many contexts in one message");
  const auto version = in.unsigned_integer();
  if (!version) return fail(ErrorCode::kInvalid, "a context message has no version");
  if (*version != kVersion) return fail(ErrorCode::kUnsupported, "a context message of another version");
  std::vector<OfferedContext> offers(*items - 1);
  for (auto& offer : offers)
    if (!read_offer(in, offer)) return fail(ErrorCode::kInvalid, "a context message holds a bad entry");
  if (!in.at_end()) return fail(ErrorCode::kInvalid, "bytes follow a context message");
  return offers;
}

}  // namespace fluxrig::rack
