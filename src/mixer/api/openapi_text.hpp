// docs/openapi.yaml, as built into the program. Any thread.
#pragma once

#include <string_view>

namespace fluxrig::mixer {
[[nodiscard]] std::string_view openapi_text() noexcept;
}  // namespace fluxrig::mixer
