// Any bytes as a request of OTLP/HTTP, in both encodings and packed: decoded or refused, and what is decoded
// is within its bounds and text.
#include <string>

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "base/utf8.hpp"
#include "otlp/gzip.hpp"
#include "otlp/received_traces.hpp"

namespace {

using namespace fluxrig;

void check(const model::Span& one) {
  FR_ASSERT(!one.trace_id.is_zero() && !one.span_id.is_zero());
  FR_ASSERT(one.name.size() <= otlp::kMaxReceivedName && is_utf8(one.name));
  FR_ASSERT(one.status_message.size() <= otlp::kMaxReceivedText && is_utf8(one.status_message));
  FR_ASSERT(one.start.value >= 0 && one.start <= one.end);
  FR_ASSERT(one.attributes.size() <= otlp::kMaxReceivedAttributes + otlp::kKeptResource.size() + 16);
  for (const auto& attribute : one.attributes) {
    FR_ASSERT(!attribute.key.empty() && attribute.key.size() <= otlp::kMaxReceivedName);
    FR_ASSERT(is_utf8(attribute.key));
    if (const auto* text = std::get_if<std::string>(&attribute.value))
      FR_ASSERT(text->size() <= otlp::kMaxReceivedText && is_utf8(*text));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto body = as_text({data, size});
  for (const auto protocol : {otlp::Protocol::kHttpProtobuf, otlp::Protocol::kHttpJson}) {
    const auto decoded = otlp::decode_traces(body, protocol);
    if (!decoded) continue;
    FR_ASSERT(decoded->spans.size() <= otlp::kMaxReceivedSpans);
    for (const auto& one : decoded->spans) check(one);
  }
  constexpr std::size_t kMost = 64U << 10;
  if (const auto unpacked = otlp::gunzip(body, kMost)) FR_ASSERT(unpacked->size() <= kMost);
  const std::string all(body);
  FR_ASSERT(otlp::gunzip(otlp::gzip(all), all.size()) == all);
  return 0;
}
