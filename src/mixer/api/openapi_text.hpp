// docs/openapi.yaml, as built into the program. Any thread.
#pragma once

#include "mixer/api/reply_text.hpp"

namespace fluxrig::mixer {
[[nodiscard]] ReplyText openapi_document();
}  // namespace fluxrig::mixer
