// The identities that every record carries. Distinct types without implicit conversion. Any thread.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/random.hpp"

namespace fluxrig {

// N raw bytes, big-endian as on the wire.
template <std::size_t N, typename Tag>
struct IdBytes {
  std::array<std::uint8_t, N> bytes{};

  [[nodiscard]] bool is_zero() const noexcept { return bytes == std::array<std::uint8_t, N>{}; }
  [[nodiscard]] ByteView view() const noexcept { return {bytes.data(), N}; }
  // nullopt unless exactly N bytes.
  [[nodiscard]] static std::optional<IdBytes> from_bytes(ByteView view) noexcept {
    if (view.size() != N) return std::nullopt;
    IdBytes id;
    std::memcpy(id.bytes.data(), view.data(), N);
    return id;
  }
  friend auto operator<=>(const IdBytes&, const IdBytes&) = default;
};

// One business transaction over all racks: UUID version 7 (RFC 9562), made at ingress.
using FluxId = IdBytes<16, struct FluxIdTag>;
// The rack's identity: a UUID, the common name of its certificate.
using MachineId = IdBytes<16, struct MachineIdTag>;
// W3C Trace Context; all zeros is invalid.
using TraceId = IdBytes<16, struct TraceIdTag>;
using SpanId = IdBytes<8, struct SpanIdTag>;

[[nodiscard]] FluxId make_flux_id(UnixNanos now, Random& random) noexcept;
[[nodiscard]] MachineId make_machine_id(Random& random) noexcept;  // UUID version 4

// Random bytes, never all zero. `Source` is Random, or SeededRandom itself: no virtual calls then.
template <typename Id, typename Source>
[[nodiscard]] Id make_random_id(Source& random) noexcept {
  Id id;
  do {
    for (std::size_t i = 0; i < id.bytes.size(); i += 8) store_be64(id.bytes.data() + i, random.next());
  } while (id.is_zero());
  return id;
}
template <typename Source>
[[nodiscard]] TraceId make_trace_id(Source& random) noexcept {
  return make_random_id<TraceId>(random);
}
template <typename Source>
[[nodiscard]] SpanId make_span_id(Source& random) noexcept {
  return make_random_id<SpanId>(random);
}

// 8-4-4-4-12 lower-case hex.
[[nodiscard]] std::string to_uuid(const std::array<std::uint8_t, 16>& bytes);
[[nodiscard]] std::optional<std::array<std::uint8_t, 16>> parse_uuid(std::string_view text);  // either case

[[nodiscard]] inline std::string to_string(const FluxId& id) { return to_uuid(id.bytes); }
[[nodiscard]] inline std::string to_string(const MachineId& id) { return to_uuid(id.bytes); }
[[nodiscard]] inline std::string to_string(const TraceId& id) { return to_hex(id.view()); }
[[nodiscard]] inline std::string to_string(const SpanId& id) { return to_hex(id.view()); }

// A position in one stream of records of one rack; gapless within a boot epoch, the first is 1.
struct Sequence {
  std::uint64_t value = 0;
  friend auto operator<=>(const Sequence&, const Sequence&) = default;
};
// Counts the starts of a rack on one data directory; the first is 1.
struct Epoch {
  std::uint32_t value = 0;
  friend auto operator<=>(const Epoch&, const Epoch&) = default;
};

}  // namespace fluxrig

template <std::size_t N, typename Tag>
struct std::hash<fluxrig::IdBytes<N, Tag>> {
  std::size_t operator()(const fluxrig::IdBytes<N, Tag>& id) const noexcept {
    // Ids are random in their last bytes; a UUIDv7 is not in its first.
    std::size_t value = 0;
    std::memcpy(&value, id.bytes.data() + N - sizeof value, sizeof value);
    return value;
  }
};
