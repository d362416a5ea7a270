// Tables out of the mixer's other answers: /api/v1/racks, /api/v1/sql and the lines of /api/v1/tail. Hostile
// JSON in, harmless text out. Any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "fluxrig/terminal.hpp"

namespace fluxrig::client {

[[nodiscard]] Outcome<std::string> draw_racks(std::string_view json, UnixNanos now, const Terminal& terminal);

// The rows, then how many there are, and whether the mixer left some out.
[[nodiscard]] Outcome<std::string> draw_query(std::string_view json, const Terminal& terminal);

// One line for a person; nullopt for one that says nothing (keepalive).
[[nodiscard]] std::optional<std::string> draw_tail_line(std::string_view json, const Terminal& terminal);

// RFC 4180 ends rows with CR LF; shells want LF. Line ends within quotes stay as they are.
[[nodiscard]] std::string with_plain_row_ends(std::string_view csv);

// `text` for a terminal: as it is, but printable() line by line; for everything else unchanged.
[[nodiscard]] std::string for_stream(std::string text, bool is_terminal);

}  // namespace fluxrig::client
