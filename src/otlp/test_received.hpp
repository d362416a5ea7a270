// Requests of services as the tests write them, and what is made of them. Tests only.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "otlp/received_traces.hpp"

namespace fluxrig::otlp::received {

inline constexpr std::string_view kIds =
    R"("traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b7")";

// One span with these members, in one scope of one resource.
inline std::string request(const std::string& span, const std::string& resource = "",
                           const std::string& scope = "") {
  return R"({"resourceSpans":[{"resource":{)" + resource + R"(},"scopeSpans":[{"scope":{)" + scope +
         R"(},"spans":[{)" + span + "}]}]}]}";
}
inline std::string with(const std::string& members) {
  return request(std::string(kIds).append(",").append(members));
}

inline ReceivedTraces decoded(const std::string& json) {
  auto traces = decode_traces(json, Protocol::kHttpJson);
  EXPECT_TRUE(traces) << json;
  return traces ? *std::move(traces) : ReceivedTraces{};
}
inline model::Span only(const std::string& json) {
  auto traces = decoded(json);
  EXPECT_EQ(traces.spans.size(), 1U) << json;
  EXPECT_EQ(traces.rejected, 0U) << traces.reason;
  return traces.spans.empty() ? model::Span{} : std::move(traces.spans.front());
}
inline const model::Value* value_of(const model::Span& span, std::string_view key) {
  for (const auto& attribute : span.attributes)
    if (attribute.key == key) return &attribute.value;
  return nullptr;
}
inline std::string text_of(const model::Span& span, std::string_view key) {
  const auto* value = value_of(span, key);
  const auto* text = value != nullptr ? std::get_if<std::string>(value) : nullptr;
  return text != nullptr ? *text : "no text";
}
inline std::string attributes(const std::string& value) {
  return with(R"("attributes":[{"key":"a","value":)" + value + "}]");
}

// The message of a request around the bytes of one span.
[[nodiscard]] std::string in_protobuf(const std::string& span);
// A span of this name.
[[nodiscard]] std::string span_bytes(const std::string& name);

}  // namespace fluxrig::otlp::received
