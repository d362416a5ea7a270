// FR_ASSERT: a broken invariant of ours, never bad input. Ends the process with file, line and expression, in
// release builds as well.
#pragma once

namespace fluxrig {
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line) noexcept;
}  // namespace fluxrig

#define FR_ASSERT(expression)                                       \
  do {                                                              \
    if (!(expression)) [[unlikely]]                                 \
      ::fluxrig::assertion_failed(#expression, __FILE__, __LINE__); \
  } while (false)
