// The mixer's telemetry ledger as a table: one line for each rack, hour and signal, its epochs together.
// Hostile JSON in, harmless text out. Any thread.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "fluxrig/terminal.hpp"

namespace fluxrig::client {

struct LedgerView {
  std::string text;
  bool exact = false;
};
[[nodiscard]] Outcome<LedgerView> draw_ledger(std::string_view json, const Terminal& terminal);

}  // namespace fluxrig::client
