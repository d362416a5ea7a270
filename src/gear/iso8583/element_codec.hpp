// One value of an ISO 8583 message: its length prefix and its content, with every check. Pure; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "gear/iso8583/spec.hpp"

namespace fluxrig::gear::iso8583 {

// Reads forward over bytes that it does not own.
class Cursor {
 public:
  explicit Cursor(std::string_view bytes) noexcept
      : at_(reinterpret_cast<const std::uint8_t*>(bytes.data())), end_(at_ + bytes.size()) {}
  [[nodiscard]] std::size_t left() const noexcept { return static_cast<std::size_t>(end_ - at_); }
  // Null when fewer than `count` are left.
  [[nodiscard]] const std::uint8_t* take(std::size_t count) noexcept {
    if (count > left()) return nullptr;
    const auto* start = at_;
    at_ += count;
    return start;
  }

 private:
  const std::uint8_t* at_;
  const std::uint8_t* end_;
};

// Appends the canonical value to `value`.
[[nodiscard]] Result<void> decode_value(const Element& element, Cursor& cursor, std::string& value);
// Appends the wire form of the canonical `value`.
[[nodiscard]] Result<void> encode_value(const Element& element, std::string_view value, std::string& bytes);

// Digits alone, for the message type.
[[nodiscard]] Result<void> decode_digits(Encoding encoding, std::size_t count, Cursor& cursor,
                                         std::string& digits);
void encode_digits(Encoding encoding, std::string_view digits, std::string& bytes);

// 8 bytes as they are, or 16 hex digits, either case.
[[nodiscard]] Result<std::uint64_t> decode_bitmap(Encoding encoding, Cursor& cursor);
void encode_bitmap(Encoding encoding, std::uint64_t bits, std::string& bytes);

}  // namespace fluxrig::gear::iso8583
