#include "fluxrig/record_json.hpp"

#include <fmt/core.h>

#include <cmath>

#include "base/diagnostics.hpp"
#include "fluxrig/terminal.hpp"

namespace fluxrig::client {
namespace {

// Direction marks and C1 characters are legal in JSON and harmful on a terminal: printable() names them.
std::string quoted(std::string_view text) { return "\"" + escape_json(printable(text)) + "\""; }

template <typename Id>
std::string id_or_null(const Id& id) {
  return id.is_zero() ? "null" : "\"" + to_string(id) + "\"";
}

std::string time_text(UnixNanos time) { return "\"" + to_rfc3339(time) + "\""; }

std::string number(double value) { return std::isfinite(value) ? fmt::format("{}", value) : "null"; }

std::string value_text(const model::Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return quoted(*text);
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return fmt::format("{}", *integer);
  if (const auto* real = std::get_if<double>(&value)) return number(*real);
  return std::get<bool>(value) ? "true" : "false";
}

std::string attributes_text(const std::vector<model::Attribute>& attributes) {
  std::string out = "{";
  for (const auto& attribute : attributes)
    out += (out.size() > 1 ? "," : "") + quoted(attribute.key) + ":" + value_text(attribute.value);
  return out + "}";
}

// Stored times are any 64-bit numbers: unsigned, so that a hostile pair does not overflow.
std::int64_t duration_of(const model::Transaction& record) noexcept {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(record.end.value) -
                                   static_cast<std::uint64_t>(record.start.value));
}

// The members of each kind, without braces.
std::string redactions_text(const std::vector<std::string>& redactions) {
  std::string out;
  for (const auto& redaction : redactions) out += (out.empty() ? "" : ",") + quoted(redaction);
  return "[" + out + "]";
}

std::string members(const model::Intent& record) {
  return fmt::format(
      R"("record":"intent","flux_id":{},"trace_id":{},"span_id":{},"gear":{},"name":{},"time":{},)"
      R"("attributes":{},"redactions":{})",
      id_or_null(record.flux_id), id_or_null(record.trace_id), id_or_null(record.span_id),
      quoted(record.gear), quoted(record.name), time_text(record.time), attributes_text(record.attributes),
      redactions_text(record.redactions));
}

std::string members(const model::Transaction& record) {
  return fmt::format(
      R"("record":"transaction","flux_id":{},"trace_id":{},"span_id":{},"parent_span_id":{},"gear":{},"name":{},)"
      R"("start":{},"end":{},"duration_ns":{},"outcome":"{}","reason":{},"attributes":{},"redactions":{},)"
      R"("child_spans":{})",
      id_or_null(record.flux_id), id_or_null(record.trace_id), id_or_null(record.span_id),
      id_or_null(record.parent_span_id), quoted(record.gear), quoted(record.name), time_text(record.start),
      time_text(record.end), duration_of(record), to_string(record.outcome), quoted(record.reason),
      attributes_text(record.attributes), redactions_text(record.redactions), record.child_spans);
}

std::string members(const model::Span& record) {
  return fmt::format(
      R"("record":"span","flux_id":{},"trace_id":{},"span_id":{},"parent_span_id":{},"gear":{},"name":{},)"
      R"("start":{},"end":{},"status":{},"status_message":{},"attributes":{})",
      id_or_null(record.flux_id), id_or_null(record.trace_id), id_or_null(record.span_id),
      id_or_null(record.parent_span_id), quoted(record.gear), quoted(record.name), time_text(record.start),
      time_text(record.end), static_cast<int>(record.status), quoted(record.status_message),
      attributes_text(record.attributes));
}

template <typename Histogram>
std::string histogram_text(const Histogram& histogram) {
  return fmt::format(R"("histogram":{{"count":{},"sum":{},"min":{},"max":{}}})", histogram.count,
                     number(histogram.sum), number(histogram.min), number(histogram.max));
}

std::string data_text(const decltype(model::MetricPoint::data)& data) {
  if (const auto* sum = std::get_if<model::Sum>(&data)) return fmt::format(R"("sum":{})", number(sum->value));
  if (const auto* gauge = std::get_if<model::Gauge>(&data))
    return fmt::format(R"("gauge":{})", number(gauge->value));
  if (const auto* histogram = std::get_if<model::ExplicitHistogram>(&data)) return histogram_text(*histogram);
  return histogram_text(std::get<model::ExponentialHistogram>(data));
}

std::string members(const model::MetricPoint& record) {
  return fmt::format(
      R"("record":"metric","name":{},"unit":{},"gear":{},"start":{},"time":{},"attributes":{},{})",
      quoted(record.name), quoted(record.unit), quoted(record.gear), time_text(record.start),
      time_text(record.time), attributes_text(record.attributes), data_text(record.data));
}

std::string members(const model::Log& record) {
  return fmt::format(
      R"("record":"log","time":{},"severity":{},"event_name":{},"body":{},"gear":{},"flux_id":{},"trace_id":{},)"
      R"("span_id":{},"attributes":{})",
      time_text(record.time), record.severity, quoted(record.event_name), quoted(record.body),
      quoted(record.gear), id_or_null(record.flux_id), id_or_null(record.trace_id),
      id_or_null(record.span_id), attributes_text(record.attributes));
}

}  // namespace

std::string record_as_json(const RecordPlace& place, const model::Record& record) {
  return fmt::format(R"({{"epoch":{},"sequence":{},{}}})", place.epoch.value, place.sequence.value,
                     std::visit([](const auto& kind) { return members(kind); }, record));
}

std::string undecodable_as_json(const RecordPlace& place, std::size_t bytes, const Error& error) {
  return fmt::format(R"({{"epoch":{},"sequence":{},"record":"undecodable","bytes":{},"cause":"{}"}})",
                     place.epoch.value, place.sequence.value, bytes, escape_json(to_string(error)));
}

}  // namespace fluxrig::client
