// gzip (RFC 1952) of whole bodies. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

namespace fluxrig::otlp {

// At zlib's level 6. Aborts only where memory allocation would.
[[nodiscard]] std::string gzip(std::string_view text);

}  // namespace fluxrig::otlp
