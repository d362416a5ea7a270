// gzip (RFC 1952) of whole bodies. Pure; any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace fluxrig::otlp {

// At zlib's level 6. Aborts only where memory allocation would.
[[nodiscard]] std::string gzip(std::string_view text);

// Hostile bytes. kInvalid: not one whole gzip stream, or something behind it; kOversize: it holds more than
// `most` bytes; unpacked were 64 KiB more at most.
[[nodiscard]] Result<std::string> gunzip(std::string_view packed, std::size_t most);

}  // namespace fluxrig::otlp
