#include "trace/probability.hpp"

#include <cmath>

#include "base/assert.hpp"
#include "base/bytes.hpp"

namespace fluxrig::trace {
namespace {

constexpr std::string_view kEntry = "ot=";
constexpr std::size_t kDigits = 14;
constexpr std::size_t kMostMembers = 32;
constexpr std::size_t kMostValueBytes = 256;

// Up to the next `separator`, which goes as well.
std::string_view take_until(std::string_view& rest, char separator) noexcept {
  const auto end = rest.find(separator);
  const auto part = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return part;
}

// The first digits of 14; those that are not there are zeros.
std::optional<std::uint64_t> parse_digits(std::string_view text) noexcept {
  if (text.empty() || text.size() > kDigits) return std::nullopt;
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < kDigits; ++i) {
    const char c = i < text.size() ? text[i] : '0';
    const bool is_letter = c >= 'a' && c <= 'f';
    if (!is_letter && (c < '0' || c > '9')) return std::nullopt;
    value = value << 4 | static_cast<std::uint64_t>(is_letter ? c - 'a' + 10 : c - '0');
  }
  return value;
}

// The value of the first `ot` entry; empty: there is none.
std::string_view entry_of(std::string_view tracestate) noexcept {
  while (!tracestate.empty())
    if (const auto member = take_until(tracestate, ','); member.starts_with(kEntry))
      return member.substr(kEntry.size());
  return {};
}

bool is_threshold(std::string_view part) noexcept { return part.starts_with("th:"); }

// The parts of our entry but th. One that is empty or ends with a space could not stand at the end of a
// value.
template <typename Visit>
void each_other_part(std::string_view tracestate, Visit&& visit) {
  for (auto rest = entry_of(tracestate); !rest.empty();)
    if (const auto part = take_until(rest, ';'); !is_threshold(part) && !part.empty() && part.back() != ' ')
      visit(part);
}

// A key stands once in what we send: older entries of ours go.
void append_other_members(std::string_view tracestate, std::size_t most, std::string& out) {
  for (auto rest = tracestate; !rest.empty() && most > 0;) {
    const auto member = take_until(rest, ',');
    if (member.starts_with(kEntry)) continue;
    if (!out.empty()) out += ',';
    out += member;
    --most;
  }
}

}  // namespace

Probability parse_probability(std::string_view tracestate) noexcept {
  Probability out;
  bool seen_threshold = false;
  for (auto rest = entry_of(tracestate); !rest.empty();) {
    const auto part = take_until(rest, ';');
    if (is_threshold(part) && !seen_threshold) {
      seen_threshold = true;
      out.threshold = parse_digits(part.substr(3));
    } else if (part.starts_with("rv:") && !out.randomness && part.size() == 3 + kDigits) {
      // What breaks its form may be left out on the way, so it must not hide another.
      out.randomness = parse_digits(part.substr(3));
    }
  }
  return out;
}

std::uint64_t randomness_of(const TraceId& trace_id, const Probability& stated) noexcept {
  return stated.randomness ? *stated.randomness : load_be64(trace_id.bytes.data() + 8) & (kRejectAll - 1);
}

std::uint64_t threshold_of(double ratio) noexcept {
  if (!(ratio > 0)) return kRejectAll;
  if (ratio >= 1) return 0;
  return kRejectAll - static_cast<std::uint64_t>(std::llround(std::ldexp(ratio, 56)));
}

std::string format_threshold(std::uint64_t threshold) {
  FR_ASSERT(threshold < kRejectAll);
  if (threshold == 0) return "0";
  std::string text(kDigits, '0');
  for (std::size_t i = kDigits; i > 0; --i, threshold >>= 4)
    text[i - 1] = "0123456789abcdef"[threshold & 0xf];
  text.resize(text.find_last_not_of('0') + 1);
  return text;
}

std::string without_threshold(std::string_view tracestate) {
  std::string entry;
  each_other_part(tracestate, [&](std::string_view part) {
    entry.append(entry.empty() ? kEntry : std::string_view(";")).append(part);
  });
  append_other_members(tracestate, kMostMembers, entry);
  return entry;
}

std::string with_threshold(std::string_view tracestate, std::string_view threshold) {
  std::string entry = std::string(kEntry).append("th:").append(threshold);
  each_other_part(tracestate, [&](std::string_view part) {
    if (entry.size() + 1 + part.size() <= kEntry.size() + kMostValueBytes) entry.append(";").append(part);
  });
  append_other_members(tracestate, kMostMembers - 1, entry);
  return entry;
}

}  // namespace fluxrig::trace
