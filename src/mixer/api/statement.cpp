#include "mixer/api/statement.hpp"

#include <fmt/core.h>

#include <charconv>
#include <chrono>

#include "base/bytes.hpp"
#include "base/ids.hpp"

namespace fluxrig::mixer {
namespace {

constexpr std::size_t kLeastIdDigits = 4;
constexpr std::size_t kIdDigits = 32;

// 36 characters with dashes, from 32 digits that were checked before.
std::string dashed(const std::string& digits) {
  return digits.substr(0, 8) + "-" + digits.substr(8, 4) + "-" + digits.substr(12, 4) + "-" +
         digits.substr(16, 4) + "-" + digits.substr(20);
}

// Reads exactly `width` digits at `at` into `value`, and moves on.
bool read_digits(std::string_view text, std::size_t& at, std::size_t width, int& value) {
  if (at + width > text.size()) return false;
  value = 0;
  for (const std::size_t end = at + width; at < end; ++at) {
    if (text[at] < '0' || text[at] > '9') return false;
    value = value * 10 + (text[at] - '0');
  }
  return true;
}

bool read_separator(std::string_view text, std::size_t& at, char separator) {
  if (at >= text.size() || text[at] != separator) return false;
  ++at;
  return true;
}

std::optional<std::int64_t> parse_age(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || number < 0 || number > 1'000'000 || end + 1 != text.data() + text.size())
    return std::nullopt;
  switch (*end) {
    case 's':
      return number * kNanosPerSecond;
    case 'm':
      return number * 60 * kNanosPerSecond;
    case 'h':
      return number * 3'600 * kNanosPerSecond;
    case 'd':
      return number > 100'000 ? std::nullopt : std::optional(number * 86'400 * kNanosPerSecond);
    default:
      return std::nullopt;
  }
}

std::optional<std::int64_t> parse_fraction(std::string_view text, std::size_t& at) {
  if (!read_separator(text, at, '.')) return 0;
  std::int64_t nanos = 0;
  std::int64_t scale = kNanosPerSecond / 10;
  const std::size_t begin = at;
  for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
    nanos += (text[at] - '0') * scale;
    scale /= 10;
  }
  if (at == begin || at - begin > 9) return std::nullopt;
  return nanos;
}

}  // namespace

std::string Statement::bind(std::string value) {
  parameters_.push_back(std::move(value));
  return fmt::format("${}", parameters_.size());
}

void Statement::where(const std::string& condition) {
  conditions_ += conditions_.empty() ? " WHERE " : " AND ";
  conditions_ += "(" + condition + ")";
}

std::string Statement::text(std::string_view columns, std::string_view source, std::string_view tail) const {
  return fmt::format("SELECT {} FROM {}{} {}", columns, source, conditions_, tail);
}

std::string IdPattern::matches_uuid(std::string_view column, Statement& statement) const {
  const auto low = statement.bind(dashed(least));
  const auto high = statement.bind(dashed(most));
  return fmt::format("{} BETWEEN CAST({} AS UUID) AND CAST({} AS UUID)", column, low, high);
}

std::string IdPattern::matches_hex(std::string_view column, Statement& statement) const {
  const auto low = statement.bind(least);
  const auto high = statement.bind(most);
  return fmt::format("{} BETWEEN {} AND {}", column, low, high);
}

std::optional<IdPattern> parse_id(std::string_view text) {
  std::string digits;
  for (const char c : text) {
    if (c == '-') continue;
    if (c >= 'A' && c <= 'F')
      digits += static_cast<char>(c - 'A' + 'a');
    else if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))
      digits += c;
    else
      return std::nullopt;
    if (digits.size() > kIdDigits) return std::nullopt;
  }
  if (digits.size() < kLeastIdDigits) return std::nullopt;
  IdPattern pattern{digits, digits};
  pattern.least.resize(kIdDigits, '0');
  pattern.most.resize(kIdDigits, 'f');
  return pattern;
}

std::optional<UnixNanos> parse_time(std::string_view text, UnixNanos now) {
  if (const auto age = parse_age(text)) return UnixNanos{now.value - *age};
  std::size_t at = 0;
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  if (!read_digits(text, at, 4, year) || !read_separator(text, at, '-') || !read_digits(text, at, 2, month) ||
      !read_separator(text, at, '-') || !read_digits(text, at, 2, day))
    return std::nullopt;
  std::int64_t fraction = 0;
  if (at != text.size()) {
    if (!(read_separator(text, at, 'T') || read_separator(text, at, ' ')) ||
        !read_digits(text, at, 2, hour) || !read_separator(text, at, ':') ||
        !read_digits(text, at, 2, minute) || !read_separator(text, at, ':') ||
        !read_digits(text, at, 2, second))
      return std::nullopt;
    const auto parsed = parse_fraction(text, at);
    if (!parsed) return std::nullopt;
    fraction = *parsed;
    if (at < text.size() && !(read_separator(text, at, 'Z') && at == text.size())) return std::nullopt;
  }
  using namespace std::chrono;
  const year_month_day date{std::chrono::year{year}, std::chrono::month{static_cast<unsigned>(month)},
                            std::chrono::day{static_cast<unsigned>(day)}};
  if (!date.ok() || year < 1970 || year > 2260 || hour > 23 || minute > 59 || second > 60)
    return std::nullopt;
  const std::int64_t seconds =
      duration_cast<std::chrono::seconds>(sys_days{date}.time_since_epoch()).count() + hour * 3'600 +
      minute * 60 + second;
  return UnixNanos{seconds * kNanosPerSecond + fraction};
}

}  // namespace fluxrig::mixer
