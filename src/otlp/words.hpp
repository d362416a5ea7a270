// The words for our own enumerations, as the store and the API have them. Internal to the module.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "model/block.hpp"
#include "model/records.hpp"

namespace fluxrig::otlp {

// The short names of the log data model: 9 is INFO, 10 INFO2.
[[nodiscard]] constexpr std::string_view severity_word(std::uint8_t number) noexcept {
  constexpr std::array<std::string_view, 25> kWords = {
      "",       "TRACE",  "TRACE2", "TRACE3", "TRACE4", "DEBUG",  "DEBUG2", "DEBUG3", "DEBUG4",
      "INFO",   "INFO2",  "INFO3",  "INFO4",  "WARN",   "WARN2",  "WARN3",  "WARN4",  "ERROR",
      "ERROR2", "ERROR3", "ERROR4", "FATAL",  "FATAL2", "FATAL3", "FATAL4"};
  return number < kWords.size() ? kWords[number] : "";
}

}  // namespace fluxrig::otlp
