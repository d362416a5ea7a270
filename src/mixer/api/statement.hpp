// One SELECT in the making: text with $1, $2, ... and the values to bind. What comes from a request only ever
// goes through bind(). One thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"

namespace fluxrig::mixer {

class Statement {
 public:
  // The place-holder for `value`.
  [[nodiscard]] std::string bind(std::string value);
  void where(const std::string& condition);  // joined by AND

  // "SELECT <columns> FROM <source> WHERE ... <tail>"
  [[nodiscard]] std::string text(std::string_view columns, std::string_view source,
                                 std::string_view tail) const;
  [[nodiscard]] const std::vector<std::string>& parameters() const noexcept { return parameters_; }

 private:
  std::string conditions_;
  std::vector<std::string> parameters_;
};

// A flux_id, trace_id or machine_id, or the beginning of one: 4 to 32 hex digits, dashes where they please.
struct IdPattern {
  std::string least;  // 32 hex digits
  std::string most;
  [[nodiscard]] bool whole() const noexcept { return least == most; }
  // Conditions over a UUID column and over a column of 32 hex digits; both can use the store's min-max
  // indexes.
  [[nodiscard]] std::string matches_uuid(std::string_view column, Statement& statement) const;
  [[nodiscard]] std::string matches_hex(std::string_view column, Statement& statement) const;
};
[[nodiscard]] std::optional<IdPattern> parse_id(std::string_view text);

// "2026-11-22T14:03:07.412Z", "2026-11-22", nanoseconds are kept; or an age, "90s", "15m", "2h", "7d", before
// `now`.
[[nodiscard]] std::optional<UnixNanos> parse_time(std::string_view text, UnixNanos now);

}  // namespace fluxrig::mixer
