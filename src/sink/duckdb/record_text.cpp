#include "sink/duckdb/record_text.hpp"

#include <fmt/format.h>

#include <cmath>

namespace fluxrig::sink {

std::string_view kind_name(model::SpanKind kind) noexcept {
  switch (kind) {
    case model::SpanKind::kInternal:
      return "internal";
    case model::SpanKind::kServer:
      return "server";
    case model::SpanKind::kClient:
      return "client";
    case model::SpanKind::kProducer:
      return "producer";
    case model::SpanKind::kConsumer:
      return "consumer";
  }
  return "unspecified";
}

std::string_view status_name(model::StatusCode status) noexcept {
  switch (status) {
    case model::StatusCode::kUnset:
      return "unset";
    case model::StatusCode::kOk:
      return "ok";
    case model::StatusCode::kError:
      return "error";
  }
  return "unset";
}

std::string_view severity_name(std::uint8_t severity) noexcept {
  static constexpr std::string_view kNames[] = {"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"};
  return severity >= 1 && severity <= 24 ? kNames[(severity - 1) / 4] : "UNSPECIFIED";
}

std::string value_text(const model::Value& value) {
  return std::visit(
      [](const auto& one) -> std::string {
        if constexpr (std::is_same_v<std::decay_t<decltype(one)>, std::string>)
          return one;
        else
          return fmt::format("{}", one);
      },
      value);
}

std::string exemplars_json(const std::vector<model::Exemplar>& exemplars) {
  if (exemplars.empty()) return {};
  std::string json = "[";
  for (const auto& one : exemplars) {
    if (json.size() > 1) json += ',';
    // JSON has no NaN and no infinity.
    const auto value = std::isfinite(one.value) ? fmt::format("{}", one.value) : std::string("null");
    json += fmt::format(R"({{"time":"{}","value":{},"trace_id":"{}","span_id":"{}","flux_id":"{}"}})",
                        to_rfc3339(one.time), value, to_string(one.trace_id), to_string(one.span_id),
                        to_string(one.flux_id));
  }
  return json += ']';
}

}  // namespace fluxrig::sink
