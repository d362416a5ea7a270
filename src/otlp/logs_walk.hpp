// LogRecord, from a Log or from a Transaction (the audit event). Internal to the module.
#pragma once

#include <fmt/format.h>

#include "otlp/attributes.hpp"
#include "otlp/plan.hpp"
#include "otlp/words.hpp"

namespace fluxrig::otlp {

template <typename Writer>
void write_body(Writer& writer, std::string_view body) {
  if (body.empty()) return;
  writer.message(log::kBody, [&](Writer& any) { any.text(value::kText, body); });
}

template <typename Writer>
void write_log_times(Writer& writer, UnixNanos event, UnixNanos received) {
  time(writer, log::kTime, event);
  time(writer, log::kObservedTime, received.value != 0 ? received : event);
}

template <typename Writer>
void write_severity(Writer& writer, std::uint8_t number) {
  if (number != 0) writer.enumeration(log::kSeverityNumber, number);
  text_unless_empty(writer, log::kSeverityText, severity_word(number));
}

// Which record of the rack's stream it is, so that the audit record can be found.
inline void add_position(Attributes& attributes, const Item& item) {
  const Batch& batch = *item.batch;
  if (batch.first.value == 0) return;
  attributes.add("fluxrig.lane", to_string(batch.lane));
  const auto index = static_cast<std::uint64_t>(item.record - batch.records.data());
  attributes.add("fluxrig.sequence", static_cast<std::int64_t>(batch.first.value + index));
}

template <typename Writer>
void write_log(Writer& writer, const Item& item, const model::Transaction& one) {
  const bool answered = one.outcome == model::TransactionOutcome::kAnswered;
  const std::string flux_id = to_string(one.flux_id);
  std::string body = fmt::format("{} {}", one.name, to_string(one.outcome));
  if (!one.reason.empty()) body.append(": ").append(one.reason);
  Attributes attributes(one.attributes);
  attributes.add("fluxrig.flux_id", flux_id);
  attributes.add_unless_empty("fluxrig.gear", one.gear);
  attributes.add("fluxrig.outcome", to_string(one.outcome));
  attributes.add_unless_empty("fluxrig.reason", one.reason);
  if (!one.redactions.empty())
    attributes.add("fluxrig.redactions", std::span<const std::string>(one.redactions));
  add_position(attributes, item);

  write_log_times(writer, one.end, item.batch->received);
  write_severity(writer, answered ? 9 : 17);
  write_body(writer, body);
  write_attributes(writer, log::kAttributes, attributes);
  uint32_unless_zero(writer, log::kDroppedAttributes,
                     dropped_attributes(one.dropped_attributes, one.attributes));
  flags_unless_zero(writer, log::kFlags, one.trace_flags);
  writer.id(log::kTraceId, one.trace_id.view());
  writer.id(log::kSpanId, one.span_id.view());
  writer.text(log::kEventName, "fluxrig.transaction");
}

template <typename Writer>
void write_log(Writer& writer, const Item& item, const model::Log& one, const Origin* origin) {
  const std::string flux_id = one.flux_id.is_zero() ? std::string() : to_string(one.flux_id);
  Attributes attributes(one.attributes);
  attributes.add_unless_empty("fluxrig.flux_id", flux_id);
  attributes.add_unless_empty("fluxrig.gear", one.gear);
  add_position(attributes, item);

  write_log_times(writer, one.time, item.batch->received);
  write_severity(writer, one.severity);
  write_body(writer, one.body);
  write_attributes(writer, log::kAttributes, attributes);
  uint32_unless_zero(writer, log::kDroppedAttributes, one.dropped_attributes);
  if (origin != nullptr) flags_unless_zero(writer, log::kFlags, origin->trace_flags);
  id_unless_zero(writer, log::kTraceId, one.trace_id);
  id_unless_zero(writer, log::kSpanId, one.span_id);
  text_unless_empty(writer, log::kEventName, one.event_name);
}

}  // namespace fluxrig::otlp
