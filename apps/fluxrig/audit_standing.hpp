// Tables out of the mixer's /api/v1/audit/status and /alarms. Hostile JSON in, harmless text out. Any thread.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "fluxrig/terminal.hpp"

namespace fluxrig::client {

[[nodiscard]] Outcome<std::string> draw_audit_status(std::string_view json, UnixNanos now,
                                                     const Terminal& terminal);
[[nodiscard]] Outcome<std::string> draw_audit_alarms(std::string_view json, const Terminal& terminal);

}  // namespace fluxrig::client
