#include "model/record_codec.hpp"

#include "model/record_fields.hpp"
#include "model/record_keys.hpp"

namespace fluxrig::model {
namespace {

using cbor::Decoder;
Result<void> read_redactions(Decoder& decoder, std::vector<std::string>& out) {
  const auto items = read_count(decoder, kMaxRedactions);
  if (!items) return tl::unexpected(items.error());
  out.resize(*items);
  for (std::string& redaction : out)
    if (auto done = read(decoder, redaction); !done) return done;
  return {};
}

Result<void> read_link(Decoder& decoder, Link& out) {
  const auto seen = read_map(decoder, [&](std::uint64_t number) -> Read {
    switch (number) {
      case key::kLinkTraceId:
        return read(decoder, out.trace_id);
      case key::kLinkSpanId:
        return read(decoder, out.span_id);
      case key::kLinkFluxId:
        return read(decoder, out.flux_id);
      case key::kLinkRelation:
        return read(decoder, out.relation);
      default:
        return std::nullopt;
    }
  });
  if (!seen) return tl::unexpected(seen.error());
  return require(*seen, keys_of(key::kLinkTraceId, key::kLinkSpanId));
}

Result<void> read_links(Decoder& decoder, std::vector<Link>& out) {
  const auto items = read_count(decoder, kMaxLinks);
  if (!items) return tl::unexpected(items.error());
  out.resize(*items);
  for (Link& link : out)
    if (auto done = read_link(decoder, link); !done) return done;
  return {};
}

// Keys that a transaction and a span share.
template <typename T>
Read read_span_key(Decoder& decoder, std::uint64_t number, T& out) {
  switch (number) {
    case key::kFluxId:
      return read(decoder, out.flux_id);
    case key::kTraceId:
      return read(decoder, out.trace_id);
    case key::kSpanId:
      return read(decoder, out.span_id);
    case key::kParentSpanId:
      return read(decoder, out.parent_span_id);
    case key::kGear:
      return read(decoder, out.gear);
    case key::kName:
      return read(decoder, out.name);
    case key::kTime:
      return read(decoder, out.start);
    case key::kEnd:
      return read(decoder, out.end);
    case key::kAttributes:
      return read_attributes(decoder, out.attributes);
    case key::kDroppedAttributes:
      return read(decoder, out.dropped_attributes);
    default:
      return std::nullopt;
  }
}

constexpr SeenKeys kSpanKeys = keys_of(key::kFluxId, key::kTraceId, key::kSpanId, key::kTime, key::kEnd);
constexpr Range kSpanKinds{1, static_cast<std::int64_t>(SpanKind::kConsumer)};
constexpr Range kOutcomes{1, static_cast<std::int64_t>(TransactionOutcome::kAbandoned)};
constexpr Range kStatuses{0, static_cast<std::int64_t>(StatusCode::kError)};
constexpr Range kSeverities{0, 24};

Result<void> decode_one(Decoder& decoder, Transaction& out) {
  const auto seen = read_map(decoder, [&](std::uint64_t number) -> Read {
    switch (number) {
      case key::kTransactionSpanKind:
        return read_within(decoder, kSpanKinds, out.kind);
      case key::kTraceFlags:
        return read(decoder, out.trace_flags);
      case key::kTracestate:
        return read(decoder, out.tracestate);
      case key::kOutcome:
        return read_within(decoder, kOutcomes, out.outcome);
      case key::kReason:
        return read(decoder, out.reason);
      case key::kRedactions:
        return read_redactions(decoder, out.redactions);
      case key::kChildSpans:
        return read(decoder, out.child_spans);
      case key::kLinks:
        return read_links(decoder, out.links);
      default:
        return read_span_key(decoder, number, out);
    }
  });
  return check(decoder, seen, kSpanKeys | keys_of(key::kTransactionSpanKind, key::kOutcome));
}

Result<void> decode_one(Decoder& decoder, Span& out) {
  const auto seen = read_map(decoder, [&](std::uint64_t number) -> Read {
    switch (number) {
      case key::kSpanKind:
        return read_within(decoder, kSpanKinds, out.kind);
      case key::kStatus:
        return read_within(decoder, kStatuses, out.status);
      case key::kStatusMessage:
        return read(decoder, out.status_message);
      default:
        return read_span_key(decoder, number, out);
    }
  });
  return check(decoder, seen, kSpanKeys | keys_of(key::kSpanKind));
}

Result<void> decode_one(Decoder& decoder, Log& out) {
  const auto seen = read_map(decoder, [&](std::uint64_t number) -> Read {
    switch (number) {
      case key::kFluxId:
        return read(decoder, out.flux_id);
      case key::kTraceId:
        return read(decoder, out.trace_id);
      case key::kSpanId:
        return read(decoder, out.span_id);
      case key::kGear:
        return read(decoder, out.gear);
      case key::kName:
        return read(decoder, out.event_name);
      case key::kTime:
        return read(decoder, out.time);
      case key::kAttributes:
        return read_attributes(decoder, out.attributes);
      case key::kSeverity:
        return read_within(decoder, kSeverities, out.severity);
      case key::kBody:
        return read(decoder, out.body);
      case key::kDroppedAttributes:
        return read(decoder, out.dropped_attributes);
      default:
        return std::nullopt;
    }
  });
  return check(decoder, seen, keys_of(key::kTime, key::kSeverity));
}

Result<void> decode_one(Decoder& decoder, Intent& out) {
  const auto seen = read_map(decoder, [&](std::uint64_t number) -> Read {
    switch (number) {
      case key::kFluxId:
        return read(decoder, out.flux_id);
      case key::kTraceId:
        return read(decoder, out.trace_id);
      case key::kSpanId:
        return read(decoder, out.span_id);
      case key::kGear:
        return read(decoder, out.gear);
      case key::kName:
        return read(decoder, out.name);
      case key::kTime:
        return read(decoder, out.time);
      case key::kAttributes:
        return read_attributes(decoder, out.attributes);
      case key::kRedactions:
        return read_redactions(decoder, out.redactions);
      case key::kDroppedAttributes:
        return read(decoder, out.dropped_attributes);
      default:
        return std::nullopt;
    }
  });
  return check(decoder, seen, keys_of(key::kFluxId, key::kTraceId, key::kSpanId, key::kTime));
}

Result<void> decode_one(Decoder& decoder, MetricPoint& out) { return decode_metric_point(decoder, out); }

template <typename T>
Result<Record> decode_as(Decoder& decoder) {
  T record;
  if (const auto done = decode_one(decoder, record); !done) return tl::unexpected(done.error());
  return Record(std::move(record));
}

// Key 0 is the smallest, so it comes first.
Result<std::uint64_t> read_kind(Decoder decoder) noexcept {
  const auto entries = decoder.map();
  if (!entries) return tl::unexpected(entries.error());
  const auto number = decoder.unsigned_integer();
  if (!number) return number;
  if (*number != key::kKind) return fail(ErrorCode::kInvalid, "a record without a kind");
  return decoder.unsigned_integer();
}

}  // namespace

Result<Record> decode(ByteView item) {
  if (item.size() > kMaxRecordBytes) return fail(ErrorCode::kOversize, "a record over its largest size");
  Decoder decoder(item);
  const auto kind = read_kind(decoder);
  if (!kind) return tl::unexpected(kind.error());
  switch (*kind) {
    case static_cast<std::uint64_t>(RecordKind::kTransaction):
      return decode_as<Transaction>(decoder);
    case static_cast<std::uint64_t>(RecordKind::kSpan):
      return decode_as<Span>(decoder);
    case static_cast<std::uint64_t>(RecordKind::kMetricPoint):
      return decode_as<MetricPoint>(decoder);
    case static_cast<std::uint64_t>(RecordKind::kLog):
      return decode_as<Log>(decoder);
    case static_cast<std::uint64_t>(RecordKind::kIntent):
      return decode_as<Intent>(decoder);
    default:
      return fail(ErrorCode::kUnsupported, "a record of an unknown kind");
  }
}

}  // namespace fluxrig::model
