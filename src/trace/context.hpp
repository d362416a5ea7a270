// W3C Trace Context level 2: what crosses a process boundary. Any thread; values only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/ids.hpp"
#include "base/result.hpp"

namespace fluxrig::trace {

inline constexpr std::uint8_t kSampled = 0x01;
inline constexpr std::uint8_t kRandom = 0x02;

struct Context {
  TraceId trace_id;
  SpanId span_id;          // of the caller when parsed; of the caller-to-be when written
  std::uint8_t flags = 0;  // kSampled | kRandom; the others are reserved and dropped on parse
  std::string tracestate;  // validated, joined, at most 512 characters; empty: none
  [[nodiscard]] bool sampled() const noexcept { return (flags & kSampled) != 0; }
};

// Strict: version 00 is exactly 55 characters; higher versions are read as far as 00 goes when a '-' follows,
// of their flags only `sampled`; version ff, upper case, all-zero ids fail with kInvalid.
[[nodiscard]] Result<Context> parse_traceparent(std::string_view text) noexcept;

// 55 characters, version 00.
[[nodiscard]] std::string format_traceparent(const TraceId& trace_id, const SpanId& span_id,
                                             std::uint8_t flags);

// Validates a tracestate list (several headers joined with ',' by the caller): at most 32 members, keys and
// values by the grammar of level 2; empty members are allowed and dropped. kInvalid voids the whole list. The
// result is canonical (no optional white space) and at most 512 characters, whole members cut from the end,
// those over 128 characters first.
[[nodiscard]] Result<std::string> parse_tracestate(std::string_view text);

// Both headers as received; a bad tracestate never voids a good traceparent (it becomes empty). A sampling
// threshold in it that the sampled flag contradicts is taken out (trace/probability.hpp). nullopt: no or bad
// traceparent, a new trace begins.
[[nodiscard]] std::optional<Context> extract(std::string_view traceparent, std::string_view tracestate);

}  // namespace fluxrig::trace
