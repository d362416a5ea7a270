#include "gear/net/framing.hpp"

#include <array>

#include "base/bytes.hpp"

namespace fluxrig::gear::net {
namespace {

struct Length {
  Frame::Kind kind = Frame::Kind::kIncomplete;  // kMessage: `value` is the length
  std::size_t value = 0;
};

Length ascii_length(std::string_view bytes) noexcept {
  std::size_t value = 0;
  // A bad digit is reported before all four are there: garbage should not wait for more garbage.
  for (std::size_t i = 0; i < 4; ++i) {
    if (i == bytes.size()) return {};
    if (bytes[i] < '0' || bytes[i] > '9') return {Frame::Kind::kBroken, 0};
    value = value * 10 + static_cast<std::size_t>(bytes[i] - '0');
  }
  return {Frame::Kind::kMessage, value};
}

Length length_of(Framing framing, std::string_view bytes) noexcept {
  if (framing == Framing::kAscii4) return ascii_length(bytes);
  if (bytes.size() < overhead(framing)) return {};
  const auto* p = as_bytes(bytes).data();
  return {Frame::Kind::kMessage, framing == Framing::kLength2 ? load_be16(p) : load_be32(p)};
}

Frame next_line(std::string_view bytes, std::size_t max_frame) noexcept {
  // The longest line that fits has max_frame characters, CR and LF.
  const auto end = bytes.substr(0, max_frame + 2).find('\n');
  if (end == std::string_view::npos)
    return {bytes.size() >= max_frame + 2 ? Frame::Kind::kOversize : Frame::Kind::kIncomplete, 0, {}};
  auto line = bytes.substr(0, end);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  if (line.size() > max_frame) return {Frame::Kind::kOversize, 0, {}};
  return {line.empty() ? Frame::Kind::kPoll : Frame::Kind::kMessage, end + 1, line};
}

}  // namespace

std::optional<Framing> framing_of(std::string_view name) noexcept {
  if (name == "length2") return Framing::kLength2;
  if (name == "length4") return Framing::kLength4;
  if (name == "ascii4") return Framing::kAscii4;
  if (name == "newline") return Framing::kNewline;
  return std::nullopt;
}

std::size_t overhead(Framing framing) noexcept {
  if (framing == Framing::kLength2) return 2;
  return framing == Framing::kNewline ? 1 : 4;
}

Frame next_frame(Framing framing, std::string_view bytes, std::size_t max_frame) noexcept {
  if (framing == Framing::kNewline) return next_line(bytes, max_frame);
  const auto length = length_of(framing, bytes);
  if (length.kind != Frame::Kind::kMessage) return {length.kind, 0, {}};
  const auto head = overhead(framing);
  if (length.value == 0) return {Frame::Kind::kPoll, head, {}};
  if (length.value > max_frame) return {Frame::Kind::kOversize, 0, {}};
  if (bytes.size() - head < length.value) return {};
  return {Frame::Kind::kMessage, head + length.value, bytes.substr(head, length.value)};
}

bool append_frame(Framing framing, std::string_view payload, std::string& out) {
  const auto size = payload.size();
  std::array<std::uint8_t, 4> head{};
  switch (framing) {
    case Framing::kLength2:
      if (size > 0xffff) return false;
      store_be16(head.data(), static_cast<std::uint16_t>(size));
      break;
    case Framing::kLength4:
      if (size > 0xffff'ffff) return false;
      store_be32(head.data(), static_cast<std::uint32_t>(size));
      break;
    case Framing::kAscii4:
      if (size > 9999) return false;
      for (std::size_t i = 4, rest = size; i > 0; rest /= 10)
        head[--i] = static_cast<std::uint8_t>('0' + rest % 10);
      break;
    case Framing::kNewline:
      if (payload.find('\n') != std::string_view::npos) return false;
      out.append(payload).push_back('\n');
      return true;
  }
  out.append(as_text({head.data(), overhead(framing)})).append(payload);
  return true;
}

}  // namespace fluxrig::gear::net
