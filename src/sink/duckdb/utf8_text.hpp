// DuckDB stops the whole database on text that is not UTF-8, so none may reach it. Any thread.
#pragma once

#include <string>
#include <string_view>

namespace fluxrig::sink {

// The text itself when it is valid UTF-8; otherwise `scratch`, with U+FFFD for each offending byte.
[[nodiscard]] std::string_view valid_utf8(std::string_view text, std::string& scratch);

}  // namespace fluxrig::sink
