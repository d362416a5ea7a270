// The words that stand in the store for the enumerations of the model, and values as text. Any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/records.hpp"

namespace fluxrig::sink {

[[nodiscard]] std::string_view kind_name(model::SpanKind kind) noexcept;        // "server"
[[nodiscard]] std::string_view status_name(model::StatusCode status) noexcept;  // "error"
[[nodiscard]] std::string_view severity_name(
    std::uint8_t severity) noexcept;                              // "WARN", as OpenTelemetry names it
[[nodiscard]] std::string value_text(const model::Value& value);  // numbers and booleans as in JSON
[[nodiscard]] std::string exemplars_json(const std::vector<model::Exemplar>& exemplars);  // empty when none

}  // namespace fluxrig::sink
