#include "base/diagnostics.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include "base/utf8.hpp"

namespace fluxrig {
namespace {

std::string_view name(Severity severity) noexcept {
  switch (severity) {
    case Severity::kError:
      return "error";
    case Severity::kWarn:
      return "warn";
    case Severity::kInfo:
      return "info";
    case Severity::kDebug:
      return "debug";
  }
  return "error";
}

}  // namespace

std::string escape_json(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 8);
  while (!text.empty()) {
    const char c = text[0];
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    } else if (const auto length = utf8_character(text); length != 0) {
      out += text.substr(0, length);
      text.remove_prefix(length);
      continue;
    } else {
      out += "\\ufffd";
    }
    text.remove_prefix(1);
  }
  return out;
}

bool Diagnostics::admit(std::uint64_t& left_out) noexcept {
  const std::int64_t second = clock_.monotonic().value / kNanosPerSecond;
  if (second_.exchange(second, std::memory_order_relaxed) != second)
    lines_.store(0, std::memory_order_relaxed);
  if (lines_.fetch_add(1, std::memory_order_relaxed) >= kLinesPerSecond) {
    left_out_.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  left_out = left_out_.exchange(0, std::memory_order_relaxed);
  return true;
}

void Diagnostics::line(Severity severity, std::string_view area, std::string_view message,
                       std::initializer_list<Field> fields) {
  if (severity > least_.load(std::memory_order_relaxed)) return;
  std::uint64_t left_out = 0;
  if (!admit(left_out)) return;

  const std::string time = to_rfc3339(clock_.now());
  const auto clean = [this](std::string_view text) { return escape_json(gate_(text)); };
  std::string out;
  if (format_ == DiagnosticFormat::kJson) {
    out = fmt::format(R"({{"time":"{}","severity":"{}","area":"{}","message":"{}")", time, name(severity),
                      clean(area), clean(message));
    for (const auto& [key, value] : fields) out += fmt::format(R"(,"{}":"{}")", clean(key), clean(value));
    if (left_out != 0) out += fmt::format(R"(,"lines_left_out":{})", left_out);
    out += "}\n";
  } else {
    // The same escapes keep a hostile value from forging a second line or a terminal sequence.
    out = fmt::format("{} {:5} {}: {}", time, name(severity), clean(area), clean(message));
    for (const auto& [key, value] : fields) out += fmt::format(" {}={}", clean(key), clean(value));
    if (left_out != 0) out += fmt::format(" ({} lines left out)", left_out);
    out += '\n';
  }
  // A full or closed stderr must not stop the gateway; there is nowhere left to report it.
  [[maybe_unused]] const auto written = ::write(fd_, out.data(), out.size());
}

}  // namespace fluxrig
