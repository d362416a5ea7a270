// Text as both encodings need it: UTF-8, whatever the record holds. Internal to the module.
#pragma once

#include <string>
#include <string_view>

namespace fluxrig::otlp {

// Each byte that begins no character becomes U+FFFD.
[[nodiscard]] std::string repaired(std::string_view text);

}  // namespace fluxrig::otlp
