// UTF-8 by RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. Any thread; no ownership.
#pragma once

#include <cstddef>
#include <string_view>

namespace fluxrig {

// Bytes of the character at the front; 0 when none stands there (empty, cut or malformed).
[[nodiscard]] std::size_t utf8_character(std::string_view text) noexcept;

// Length of the longest well-formed prefix; text.size() when all of it is UTF-8.
[[nodiscard]] std::size_t utf8_prefix(std::string_view text) noexcept;

[[nodiscard]] inline bool is_utf8(std::string_view text) noexcept { return utf8_prefix(text) == text.size(); }

}  // namespace fluxrig
