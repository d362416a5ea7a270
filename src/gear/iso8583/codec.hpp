// ISO 8583 messages to fields and back, by a specification. Pure functions; any thread.
//
// Fields: "mti" with four digits, then "2" to "128" as present. Values are canonical text whatever the wire:
// digits for n, characters for a/an/ans/ns, 'C' or 'D' and digits for x+n, upper-case hex for b, track text
// with '=' for z. Fixed text keeps its spaces. Decoding is strict: every length and character is checked and
// nothing may follow the last element.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "gear/iso8583/spec.hpp"
#include "gear/message.hpp"

namespace fluxrig::gear::iso8583 {

// What is wrong and where. The error's detail is a literal that names no bytes.
struct Defect {
  Error error;
  unsigned element = 0;  // 0: the message type or what surrounds the elements; 1: the bitmaps
};

template <typename T>
using Coded = tl::expected<T, Defect>;

// Replaces `fields`. On a defect they hold what came before it: enough to say which message it was, if "mti"
// is there.
[[nodiscard]] Coded<void> decode(const Specification& spec, std::string_view bytes, Fields& fields);

// Replaces `bytes`. Short values of fixed elements are padded as the specification says; too long ones,
// unknown names and wrong characters are defects.
[[nodiscard]] Coded<void> encode(const Specification& spec, const Fields& fields, std::string& bytes);

// "2" to "128" as it stands in Fields; static storage. `number` must be in 0..128.
[[nodiscard]] const std::string& element_name(unsigned number) noexcept;
// 0 when `name` is not the name of an element (2..128 without leading zeros).
[[nodiscard]] unsigned element_number(std::string_view name) noexcept;

}  // namespace fluxrig::gear::iso8583
