// Whether this build's sanitiser does anything. Only `./dev leaks` links one that does not, in programs of
// its own, to show that its search finds what would leak: no program that is shipped can be told to. Such a
// rack or mixer refuses `profile: production` and says what it is.
#pragma once

namespace fluxrig::sanitize {

// Only for src/sanitize: everybody else asks `sanitises`, which belongs to the library that was linked.
#ifdef FLUXRIG_SANITISER_OFF
inline constexpr bool kSanitises = false;
#else
inline constexpr bool kSanitises = true;
#endif

[[nodiscard]] bool sanitises() noexcept;

}  // namespace fluxrig::sanitize
