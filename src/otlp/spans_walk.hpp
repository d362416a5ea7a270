// Span, from a Transaction (the rack's root span) or a Span. Internal to the module.
#pragma once

#include <algorithm>

#include "otlp/attributes.hpp"
#include "otlp/plan.hpp"
#include "otlp/status.hpp"
#include "trace/probability.hpp"

namespace fluxrig::otlp {

// Span.flags above the eight of W3C: whether it is known where the parent is, and that it is elsewhere.
inline constexpr std::uint32_t kHasIsRemote = 0x100;
inline constexpr std::uint32_t kIsRemote = 0x200;

template <typename Writer>
void write_times(Writer& writer, UnixNanos start, UnixNanos end) {
  time(writer, span::kStart, start);
  time(writer, span::kEnd, std::max(start, end));
}

template <typename Writer>
void write_status(Writer& writer, model::StatusCode code, std::string_view message) {
  if (code == model::StatusCode::kUnset) return;
  writer.message(span::kStatus, [&](Writer& status) {
    if (code == model::StatusCode::kError) text_unless_empty(status, span::kStatusMessage, message);
    status.enumeration(span::kStatusCode, static_cast<int>(code));
  });
}

// What a consumer works on was created by its parent (semantic conventions, messaging): the link says so even
// where a back end cuts traces at the queue.
template <typename Writer>
void write_creation_link(Writer& writer, const TraceId& trace_id, const SpanId& creator,
                         std::uint32_t flags) {
  writer.id(span_link::kTraceId, trace_id.view());
  writer.id(span_link::kSpanId, creator.view());
  Attributes attributes({});
  attributes.add("fluxrig.link", std::string_view("creation"));
  write_attributes(writer, span_link::kAttributes, attributes);
  writer.fixed32(span_link::kFlags, flags);
}

template <typename Writer>
void write_link(Writer& writer, const model::Link& one) {
  const std::string flux_id = to_string(one.flux_id);
  Attributes attributes({});
  attributes.add_unless_empty("fluxrig.link", one.relation);
  if (!one.flux_id.is_zero()) attributes.add("fluxrig.flux_id", flux_id);
  writer.id(span_link::kTraceId, one.trace_id.view());
  writer.id(span_link::kSpanId, one.span_id.view());
  write_attributes(writer, span_link::kAttributes, attributes);
  writer.fixed32(span_link::kFlags, kHasIsRemote);  // it passed this rack
}

template <typename Writer>
void write_span(Writer& writer, const model::Transaction& one) {
  const Status status = status_of(one);
  const std::string flux_id = to_string(one.flux_id);
  Attributes attributes(one.attributes);
  attributes.add("fluxrig.flux_id", flux_id);
  attributes.add_unless_empty("fluxrig.gear", one.gear);
  attributes.add("fluxrig.outcome", to_string(one.outcome));
  attributes.add("fluxrig.child_spans", std::int64_t{one.child_spans});
  attributes.add_unless_empty("error.type", status.error_type);

  writer.id(span::kTraceId, one.trace_id.view());
  writer.id(span::kSpanId, one.span_id.view());
  // Root spans are sampled by nobody: each stands for itself, whatever its children or its caller's do.
  writer.text(span::kTraceState, trace::with_threshold(one.tracestate, "0"));
  id_unless_zero(writer, span::kParentSpanId, one.parent_span_id);
  text_unless_empty(writer, span::kName, one.name);
  writer.enumeration(span::kKind, static_cast<int>(one.kind));
  write_times(writer, one.start, one.end);
  write_attributes(writer, span::kAttributes, attributes);
  uint32_unless_zero(writer, span::kDroppedAttributes,
                     dropped_attributes(one.dropped_attributes, one.attributes));
  // A parent of the rack's root span came in a header: it is elsewhere.
  const bool is_remote = !one.parent_span_id.is_zero();
  const std::uint32_t flags = one.trace_flags | kHasIsRemote | (is_remote ? kIsRemote : 0);
  const bool is_created = one.kind == model::SpanKind::kConsumer && is_remote;
  if (is_created || !one.links.empty())
    writer.list(span::kLinks, [&](auto& list) {
      if (is_created)
        list.item([&](Writer& item) { write_creation_link(item, one.trace_id, one.parent_span_id, flags); });
      for (const auto& link : one.links) list.item([&](Writer& item) { write_link(item, link); });
    });
  write_status(writer, status.code, status.message);
  writer.fixed32(span::kFlags, flags);
}

template <typename Writer>
void write_span(Writer& writer, const model::Span& one, const Origin* origin) {
  const Status status = status_of(one);
  const std::string flux_id = to_string(one.flux_id);
  Attributes attributes(one.attributes);
  attributes.add("fluxrig.flux_id", flux_id);
  attributes.add_unless_empty("fluxrig.gear", one.gear);
  attributes.add_unless_empty("error.type", status.error_type);

  writer.id(span::kTraceId, one.trace_id.view());
  writer.id(span::kSpanId, one.span_id.view());
  if (origin != nullptr) text_unless_empty(writer, span::kTraceState, origin->tracestate);
  id_unless_zero(writer, span::kParentSpanId, one.parent_span_id);
  text_unless_empty(writer, span::kName, one.name);
  writer.enumeration(span::kKind, static_cast<int>(one.kind));
  write_times(writer, one.start, one.end);
  write_attributes(writer, span::kAttributes, attributes);
  uint32_unless_zero(writer, span::kDroppedAttributes, one.dropped_attributes);
  const std::uint32_t flags = kHasIsRemote | (origin != nullptr ? origin->trace_flags : 0U);
  if (one.kind == model::SpanKind::kConsumer && !one.parent_span_id.is_zero())
    writer.list(span::kLinks, [&](auto& list) {
      list.item([&](Writer& item) { write_creation_link(item, one.trace_id, one.parent_span_id, flags); });
    });
  write_status(writer, status.code, status.message);
  writer.fixed32(span::kFlags, flags);
}

}  // namespace fluxrig::otlp
