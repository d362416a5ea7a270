// A part of a text, for people.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace fluxrig::sanitize {

// At most the first `most` bytes of a text, whole characters. Searched before it is cut: in half a number
// nothing would be found. Any thread.
[[nodiscard]] std::string excerpt(std::string_view text, std::size_t most);

}  // namespace fluxrig::sanitize
