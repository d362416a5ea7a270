// Consistent probability sampling, as OpenTelemetry writes it into tracestate:
// `ot=th:<threshold>;rv:<randomness>` (its specification, "TraceState: Probability Sampling"). Both have 56
// bits. A span is kept when the randomness of its trace reaches the threshold; it then stands for 2^56 /
// (2^56 - threshold) spans. Who decides by the same randomness with a lower threshold keeps what the others
// keep, and more. Any thread; values only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/ids.hpp"

namespace fluxrig::trace {

inline constexpr std::uint64_t kRejectAll = std::uint64_t{1} << 56;  // no randomness reaches it

struct Probability {
  std::optional<std::uint64_t> threshold;   // th: under which the trace was sampled; nullopt: not known
  std::optional<std::uint64_t> randomness;  // rv: instead of the trace id's
};

// Of a valid tracestate. What breaks its form is as if it were not there; of several the first counts.
[[nodiscard]] Probability parse_probability(std::string_view tracestate) noexcept;

// rv, or else the 56 random bits that level 2 of Trace Context gives a trace id.
[[nodiscard]] std::uint64_t randomness_of(const TraceId& trace_id, const Probability& stated) noexcept;

// For a share from 0 (kRejectAll) to 1 (0).
[[nodiscard]] std::uint64_t threshold_of(double ratio) noexcept;

// As th has it: 1 to 14 lower-case digits without zeros at the end, "0" for all. Below kRejectAll.
[[nodiscard]] std::string format_threshold(std::uint64_t threshold);

// The same tracestate without th. Its entry, when others of its kind are left in it, moves to the front, as
// the standard asks of changed entries.
[[nodiscard]] std::string without_threshold(std::string_view tracestate);

// The same with this th ("0", "e66") instead, in front, as the standard asks of changed entries. Of 32
// members without an entry of ours the last one makes room for it.
[[nodiscard]] std::string with_threshold(std::string_view tracestate, std::string_view threshold);

}  // namespace fluxrig::trace
