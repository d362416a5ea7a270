// W3C Baggage on its way through: passed on as it came, within bounds. It is never recorded. Any thread;
// values only.
#pragma once

#include <cstddef>
#include <string>

namespace fluxrig::trace {

inline constexpr std::size_t kMaxBaggageSize = 8192;    // the least that the standard asks to pass on
inline constexpr std::size_t kMaxBaggageMembers = 180;  // the most that its grammar allows

// What may be sent on as one header. Text within the bounds comes back as it is, white space included. Whole
// members go, the others keep their order: those with a character that no header may hold (control, not
// ASCII), and those that no longer fit behind the ones before.
[[nodiscard]] std::string bound_baggage(std::string text);

}  // namespace fluxrig::trace
