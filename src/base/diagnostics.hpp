// Lines on stderr for the operator: text ("2026-... warn wal: ...") or JSON, one object a line. Never part of
// the telemetry path. Any thread; a line is one write(2).
#pragma once

#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.hpp"

namespace fluxrig {

enum class Severity : std::uint8_t { kError, kWarn, kInfo, kDebug };
enum class DiagnosticFormat : std::uint8_t { kText, kJson };

// What every text of a line passes before it is written: sanitize::mask_card_numbers, which this module
// cannot know. Tests of other things take base/test_gate.hpp.
using TextGate = std::string (*)(std::string_view text);

class Diagnostics {
 public:
  using Field = std::pair<std::string_view, std::string>;

  // `fd` stays the caller's; 2 is stderr.
  Diagnostics(const Clock& clock, int fd, DiagnosticFormat format, Severity least, TextGate gate) noexcept
      : clock_(clock), fd_(fd), format_(format), least_(least), gate_(gate) {}

  // `area` is the module ("wal", "snake", "gear.shop"). The message must hold no payload bytes; area, message
  // and fields pass the gate all the same. At most kLinesPerSecond lines a second are written; the next one
  // says how many were left out.
  void line(Severity severity, std::string_view area, std::string_view message,
            std::initializer_list<Field> fields = {});

  void error(std::string_view area, std::string_view message, std::initializer_list<Field> fields = {}) {
    line(Severity::kError, area, message, fields);
  }
  void warn(std::string_view area, std::string_view message, std::initializer_list<Field> fields = {}) {
    line(Severity::kWarn, area, message, fields);
  }
  void info(std::string_view area, std::string_view message, std::initializer_list<Field> fields = {}) {
    line(Severity::kInfo, area, message, fields);
  }

  void set_least(Severity least) noexcept { least_.store(least, std::memory_order_relaxed); }
  [[nodiscard]] Severity least() const noexcept { return least_.load(std::memory_order_relaxed); }

  static constexpr std::uint32_t kLinesPerSecond = 100;

 private:
  [[nodiscard]] bool admit(std::uint64_t& left_out) noexcept;

  const Clock& clock_;
  int fd_;
  DiagnosticFormat format_;
  std::atomic<Severity> least_;
  TextGate gate_;
  // The second that is being counted, its lines, and the lines left out since the last one written. Relaxed:
  // a line more or less at the limit does no harm.
  std::atomic<std::int64_t> second_{0};
  std::atomic<std::uint32_t> lines_{0};
  std::atomic<std::uint64_t> left_out_{0};
};

// Escapes for a JSON string body; control characters become \u00XX, bytes that are not UTF-8 become U+FFFD.
[[nodiscard]] std::string escape_json(std::string_view text);

}  // namespace fluxrig
