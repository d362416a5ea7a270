#include "base/diagnostics.hpp"

#include <fmt/format.h>
#include <unistd.h>

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

// Length of the valid UTF-8 sequence at the start of `text`; 0 when there is none.
std::size_t utf8_length(std::string_view text) noexcept {
  const auto lead = static_cast<unsigned char>(text[0]);
  const std::size_t length = lead < 0x80                   ? 1
                             : lead >= 0xc2 && lead < 0xe0 ? 2
                             : (lead & 0xf0) == 0xe0       ? 3
                             : lead >= 0xf0 && lead < 0xf5 ? 4
                                                           : 0;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) return 0;
  const auto second = length > 1 ? static_cast<unsigned char>(text[1]) : 0;
  const bool overlong = (lead == 0xe0 && second < 0xa0) || (lead == 0xf0 && second < 0x90);
  const bool out_of_range = (lead == 0xed && second >= 0xa0) || (lead == 0xf4 && second >= 0x90);
  return overlong || out_of_range ? 0 : length;
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
    } else if (const auto length = utf8_length(text); length != 0) {
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
  std::string out;
  if (format_ == DiagnosticFormat::kJson) {
    out = fmt::format(R"({{"time":"{}","severity":"{}","area":"{}","message":"{}")", time, name(severity),
                      escape_json(area), escape_json(message));
    for (const auto& [key, value] : fields)
      out += fmt::format(R"(,"{}":"{}")", escape_json(key), escape_json(value));
    if (left_out != 0) out += fmt::format(R"(,"lines_left_out":{})", left_out);
    out += "}\n";
  } else {
    // The same escapes keep a hostile value from forging a second line or a terminal sequence.
    out = fmt::format("{} {:5} {}: {}", time, name(severity), area, escape_json(message));
    for (const auto& [key, value] : fields) out += fmt::format(" {}={}", key, escape_json(value));
    if (left_out != 0) out += fmt::format(" ({} lines left out)", left_out);
    out += '\n';
  }
  // A full or closed stderr must not stop the gateway; there is nowhere left to report it.
  [[maybe_unused]] const auto written = ::write(fd_, out.data(), out.size());
}

}  // namespace fluxrig
