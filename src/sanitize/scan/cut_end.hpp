// The end of a text that was cut to its length before anybody searched it: a number that began there is no
// number any more, and all of its digits but the last would stay. Any thread.
#pragma once

#include <span>

namespace fluxrig::sanitize {

// Overwrites what could be the beginning of a number, in any encoding of docs/security.md: a run without
// blanks of 12 characters and more, a run of hexadecimal digits and separators with 7 decimal ones and more,
// the last 48 bytes of what is no plain ASCII. The end of a sentence stays.
void hide_cut_end(std::span<char> text) noexcept;

}  // namespace fluxrig::sanitize
