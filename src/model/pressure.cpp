#include "model/pressure.hpp"

#include <algorithm>

#include "model/map_codec.hpp"

namespace fluxrig::model {
namespace {

Result<void> read_version(cbor::Decoder& decoder) {
  const auto value = decoder.unsigned_integer();
  if (!value) return tl::unexpected(value.error());
  if (*value != kPressureVersion) return fail(ErrorCode::kUnsupported, "a pressure lease of another version");
  return {};
}

Result<void> read_cause(cbor::Decoder& decoder, PressureCause& out) {
  std::uint64_t value = 0;
  if (const auto done = read(decoder, value); !done) return done;
  constexpr auto unknown = static_cast<std::uint64_t>(PressureCause::kUnknown);
  out = static_cast<PressureCause>(std::min(value, unknown));
  return {};
}

Result<void> read_pace(cbor::Decoder& decoder, std::optional<std::uint64_t>& out) {
  const auto value = decoder.unsigned_integer();
  if (!value) return tl::unexpected(value.error());
  out = *value;
  return {};
}

}  // namespace

std::optional<PressureState> pressure_state(std::string_view name) noexcept {
  const auto* const found = std::find(kPressureStateNames.begin(), kPressureStateNames.end(), name);
  if (found == kPressureStateNames.end()) return std::nullopt;
  return static_cast<PressureState>(found - kPressureStateNames.begin());
}

bool supersedes(const PressureLease& next, const PressureLease& last) noexcept {
  return next.mixer_started != last.mixer_started || next.sequence > last.sequence;
}

void encode(const PressureLease& lease, Bytes& out) {
  MapWriter map(out);
  map.key(0).unsigned_integer(kPressureVersion);
  map.key(1).integer(lease.mixer_started.value);
  map.key(2).unsigned_integer(lease.sequence);
  map.key(3).unsigned_integer(lease.level);
  map.key(4).unsigned_integer(static_cast<std::uint8_t>(lease.cause));
  map.key(5).unsigned_integer(lease.replay_bytes_per_s);
  map.key(6).unsigned_integer(lease.lease_ms);
  if (lease.pace_bytes_per_s) map.key(7).unsigned_integer(*lease.pace_bytes_per_s);
}

Result<PressureLease> decode_pressure_lease(ByteView bytes) {
  cbor::Decoder decoder(bytes);
  PressureLease lease;
  const auto seen = read_map(decoder, [&](std::uint64_t key) -> std::optional<Result<void>> {
    switch (key) {
      case 0:
        return read_version(decoder);
      case 1:
        return read(decoder, lease.mixer_started);
      case 2:
        return read(decoder, lease.sequence);
      case 3:
        return read_within(decoder, {0, kMaxPressureLevel}, lease.level);
      case 4:
        return read_cause(decoder, lease.cause);
      case 5:
        return read(decoder, lease.replay_bytes_per_s);
      case 6:
        return read_within(decoder, {1, kMaxLeaseMs}, lease.lease_ms);
      case 7:
        return read_pace(decoder, lease.pace_bytes_per_s);
      default:
        return std::nullopt;
    }
  });
  if (!seen) return tl::unexpected(seen.error());
  if (const auto whole = require(*seen, keys_of(0, 1, 2, 3, 4, 5, 6)); !whole)
    return tl::unexpected(whole.error());
  if (!decoder.at_end()) return fail(ErrorCode::kInvalid, "bytes follow a pressure lease");
  return lease;
}

}  // namespace fluxrig::model
