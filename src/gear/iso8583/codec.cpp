#include "gear/iso8583/codec.hpp"

#include <bit>

#include "base/assert.hpp"
#include "gear/iso8583/character_class.hpp"
#include "gear/iso8583/element_codec.hpp"

namespace fluxrig::gear::iso8583 {

namespace {

constexpr std::uint64_t kFirstBit = std::uint64_t{1} << 63;
constexpr std::size_t kMessageTypeDigits = 4;

tl::unexpected<Defect> defect(const Error& error, unsigned element) noexcept {
  return tl::unexpected<Defect>(Defect{error, element});
}
tl::unexpected<Defect> defect(ErrorCode code, const char* detail, unsigned element) noexcept {
  return defect(Error{code, 0, detail}, element);
}

Coded<void> check_message_type(const Specification& spec, std::string_view type) noexcept {
  if (type.size() != kMessageTypeDigits)
    return defect(ErrorCode::kInvalid, "the message type is not 4 digits", 0);
  for (const char c : type)
    if (kClassOf[static_cast<std::uint8_t>(c)] != kDigit)
      return defect(ErrorCode::kInvalid, "the message type is not 4 digits", 0);
  if (type[0] != spec.version)
    return defect(ErrorCode::kUnsupported, "the message type is of another version than the specification",
                  0);
  return {};
}

// The elements whose bits are set in one bitmap, in order; `base` is the number before its first.
Coded<void> decode_elements(const Specification& spec, std::uint64_t bits, unsigned base, Cursor& cursor,
                            Fields& fields) {
  while (bits != 0) {
    const auto index = static_cast<unsigned>(std::countl_zero(bits));
    bits &= ~(kFirstBit >> index);
    const unsigned number = base + index + 1;
    const Element& element = spec.elements[number];
    if (!element.defined)
      return defect(ErrorCode::kUnsupported, "the specification does not describe this element", number);
    std::string value;
    if (const auto read = decode_value(element, cursor, value); !read) return defect(read.error(), number);
    fields.append(element_name(number), std::move(value));
  }
  return {};
}

}  // namespace

const std::string& element_name(unsigned number) noexcept {
  static const auto names = [] {
    std::array<std::string, kLastElement + 1> made;
    for (unsigned i = 0; i <= kLastElement; ++i) made[i] = std::to_string(i);
    return made;
  }();
  FR_ASSERT(number <= kLastElement);
  return names[number];
}

unsigned element_number(std::string_view name) noexcept {
  if (name.empty() || name.size() > 3 || name[0] == '0') return 0;
  unsigned number = 0;
  for (const char c : name) {
    if (c < '0' || c > '9') return 0;
    number = number * 10 + static_cast<unsigned>(c - '0');
  }
  return number >= 2 && number <= kLastElement ? number : 0;
}

Coded<void> decode(const Specification& spec, std::string_view bytes, Fields& fields) {
  fields.clear();
  Cursor cursor(bytes);
  std::string type;
  if (const auto read = decode_digits(spec.message_type, kMessageTypeDigits, cursor, type); !read)
    return defect(read.error(), 0);
  if (auto checked = check_message_type(spec, type); !checked) return checked;

  const auto primary = decode_bitmap(spec.bitmap, cursor);
  if (!primary) return defect(primary.error(), 1);
  std::uint64_t secondary = 0;
  if ((*primary & kFirstBit) != 0) {
    const auto read = decode_bitmap(spec.bitmap, cursor);
    if (!read) return defect(read.error(), 1);
    secondary = *read;
  }
  fields.reserve(1 + static_cast<std::size_t>(std::popcount(*primary) + std::popcount(secondary)));
  fields.append("mti", std::move(type));
  if ((secondary & kFirstBit) != 0)
    return defect(ErrorCode::kUnsupported, "a third bitmap is not supported", 65);

  if (auto read = decode_elements(spec, *primary & ~kFirstBit, 0, cursor, fields); !read) return read;
  if (auto read = decode_elements(spec, secondary, 64, cursor, fields); !read) return read;
  if (cursor.left() != 0) return defect(ErrorCode::kInvalid, "bytes follow the last element", 0);
  return {};
}

Coded<void> encode(const Specification& spec, const Fields& fields, std::string& bytes) {
  bytes.clear();
  std::array<const std::string*, kLastElement + 1> values{};
  const std::string* type = nullptr;
  std::uint64_t bits[2] = {0, 0};
  for (const auto& [name, value] : fields) {
    const unsigned number = element_number(name);
    if (number == 0) {
      if (name != "mti") return defect(ErrorCode::kInvalid, "a field is not a data element from 2 to 128", 0);
      type = &value;
      continue;
    }
    if (number == 65 || !spec.elements[number].defined)
      return defect(ErrorCode::kUnsupported, "the specification does not describe this element", number);
    values[number] = &value;
    bits[(number - 1) / 64] |= kFirstBit >> ((number - 1) % 64);
  }
  if (type == nullptr) return defect(ErrorCode::kInvalid, "the message type is missing", 0);
  if (auto checked = check_message_type(spec, *type); !checked) return checked;

  encode_digits(spec.message_type, *type, bytes);
  encode_bitmap(spec.bitmap, bits[0] | (bits[1] != 0 ? kFirstBit : 0), bytes);
  if (bits[1] != 0) encode_bitmap(spec.bitmap, bits[1], bytes);
  for (unsigned half = 0; half < 2; ++half) {
    for (std::uint64_t left = bits[half]; left != 0;) {
      const auto index = static_cast<unsigned>(std::countl_zero(left));
      left &= ~(kFirstBit >> index);
      const unsigned number = half * 64 + index + 1;
      if (const auto written = encode_value(spec.elements[number], *values[number], bytes); !written) {
        bytes.clear();
        return defect(written.error(), number);
      }
    }
  }
  return {};
}

}  // namespace fluxrig::gear::iso8583
