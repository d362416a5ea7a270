// Text as the encodings need it. Internal to the module.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace fluxrig::otlp {

// Each byte that begins no character becomes U+FFFD.
[[nodiscard]] std::string repaired(std::string_view text);

// RFC 4648, with padding.
[[nodiscard]] std::string to_base64(std::string_view bytes);
// Of either alphabet of RFC 4648, with padding or without; nullopt: it is none.
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text);

}  // namespace fluxrig::otlp
