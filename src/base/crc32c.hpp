// CRC-32C (Castagnoli, RFC 3720 appendix B.4): reflected polynomial 0x82f63b78, as in iSCSI and ext4. Any
// thread.
#pragma once

#include <cstdint>

#include "base/bytes.hpp"

namespace fluxrig {

// The checksum of `bytes`; `seed` is the checksum of what precedes them. SSE 4.2 where the processor has it.
[[nodiscard]] std::uint32_t crc32c(ByteView bytes, std::uint32_t seed = 0) noexcept;

}  // namespace fluxrig
