// Files named on the command line. One thread.
#pragma once

#include <string>

#include "base/result.hpp"

namespace fluxrig::client {

// The sentence of a failure names the file and the cause. At most `most` bytes; more is refused.
[[nodiscard]] Outcome<std::string> read_file(const std::string& path, std::size_t most);

}  // namespace fluxrig::client
