#include "base/ids.hpp"

namespace fluxrig {
namespace {

void set_uuid_version(std::array<std::uint8_t, 16>& bytes, unsigned version) noexcept {
  bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0f) | (version << 4));
  bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3f) | 0x80);
}

}  // namespace

FluxId make_flux_id(UnixNanos now, Random& random) noexcept {
  auto id = make_random_id<FluxId>(random);
  const auto millis = static_cast<std::uint64_t>(now.value / kNanosPerMilli);
  store_be16(id.bytes.data(), static_cast<std::uint16_t>(millis >> 32));
  store_be32(id.bytes.data() + 2, static_cast<std::uint32_t>(millis));
  set_uuid_version(id.bytes, 7);
  return id;
}

MachineId make_machine_id(Random& random) noexcept {
  auto id = make_random_id<MachineId>(random);
  set_uuid_version(id.bytes, 4);
  return id;
}

std::string to_uuid(const std::array<std::uint8_t, 16>& bytes) {
  std::string text = to_hex({bytes.data(), bytes.size()});
  for (const std::size_t dash : {8, 13, 18, 23}) text.insert(dash, 1, '-');
  return text;
}

std::optional<std::array<std::uint8_t, 16>> parse_uuid(std::string_view text) {
  if (text.size() != 36) return std::nullopt;
  std::string digits;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (is_dash != (text[i] == '-')) return std::nullopt;
    if (!is_dash) digits.push_back(text[i]);
  }
  const auto bytes = from_hex(digits);
  if (!bytes) return std::nullopt;
  std::array<std::uint8_t, 16> id{};
  std::memcpy(id.data(), bytes->data(), id.size());
  return id;
}

}  // namespace fluxrig
