#include "otlp/retry_after.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

namespace fluxrig::otlp {
namespace {

constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 7> kDays{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
constexpr std::array<std::string_view, 7> kLongDays{"Monday", "Tuesday",  "Wednesday", "Thursday",
                                                    "Friday", "Saturday", "Sunday"};

// Takes a date apart from left to right; once something does not fit, `good` stays false.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : rest_(text) {}

  void literal(std::string_view expected) {
    if (rest_.starts_with(expected))
      rest_.remove_prefix(expected.size());
    else
      good_ = false;
  }
  // `padded`: the first digit may be a blank.
  int digits(std::size_t count, bool padded = false) {
    if (rest_.size() < count) return fail();
    int number = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const char c = rest_[i];
      if (c == ' ' && padded && i == 0) continue;
      if (c < '0' || c > '9') return fail();
      number = 10 * number + (c - '0');
    }
    rest_.remove_prefix(count);
    return number;
  }
  template <std::size_t N>
  int one_of(const std::array<std::string_view, N>& names) {
    for (std::size_t i = 0; i < N; ++i) {
      if (!rest_.starts_with(names[i])) continue;
      rest_.remove_prefix(names[i].size());
      return static_cast<int>(i);
    }
    return fail();
  }
  [[nodiscard]] bool done() const { return good_ && rest_.empty(); }

 private:
  int fail() {
    good_ = false;
    return 0;
  }

  std::string_view rest_;
  bool good_ = true;
};

struct Moment {
  int year = 0;
  int month = 0;  // from 0
  int day = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
};

void read_time(Cursor& cursor, Moment& moment) {
  moment.hour = cursor.digits(2);
  cursor.literal(":");
  moment.minute = cursor.digits(2);
  cursor.literal(":");
  moment.second = cursor.digits(2);
}

std::optional<Moment> read_fixed(std::string_view text) {
  Cursor cursor(text);
  Moment moment;
  cursor.one_of(kDays);
  cursor.literal(", ");
  moment.day = cursor.digits(2);
  cursor.literal(" ");
  moment.month = cursor.one_of(kMonths);
  cursor.literal(" ");
  moment.year = cursor.digits(4);
  cursor.literal(" ");
  read_time(cursor, moment);
  cursor.literal(" GMT");
  return cursor.done() ? std::optional(moment) : std::nullopt;
}

// Two digits of a year that would be more than 50 years ahead are those of the century before.
std::optional<Moment> read_rfc850(std::string_view text, int this_year) {
  Cursor cursor(text);
  Moment moment;
  cursor.one_of(kLongDays);
  cursor.literal(", ");
  moment.day = cursor.digits(2);
  cursor.literal("-");
  moment.month = cursor.one_of(kMonths);
  cursor.literal("-");
  moment.year = this_year / 100 * 100 + cursor.digits(2);
  if (moment.year > this_year + 50) moment.year -= 100;
  cursor.literal(" ");
  read_time(cursor, moment);
  cursor.literal(" GMT");
  return cursor.done() ? std::optional(moment) : std::nullopt;
}

std::optional<Moment> read_asctime(std::string_view text) {
  Cursor cursor(text);
  Moment moment;
  cursor.one_of(kDays);
  cursor.literal(" ");
  moment.month = cursor.one_of(kMonths);
  cursor.literal(" ");
  moment.day = cursor.digits(2, /*padded=*/true);
  cursor.literal(" ");
  read_time(cursor, moment);
  cursor.literal(" ");
  moment.year = cursor.digits(4);
  return cursor.done() ? std::optional(moment) : std::nullopt;
}

std::optional<std::int64_t> seconds_of(const Moment& moment) {
  namespace chrono = std::chrono;
  const chrono::year_month_day date{chrono::year(moment.year),
                                    chrono::month(static_cast<unsigned>(moment.month + 1)),
                                    chrono::day(static_cast<unsigned>(moment.day))};
  // 60: a leap second.
  if (!date.ok() || moment.hour > 23 || moment.minute > 59 || moment.second > 60) return std::nullopt;
  const std::int64_t days = chrono::sys_days(date).time_since_epoch().count();
  return ((days * 24 + moment.hour) * 60 + moment.minute) * 60 + moment.second;
}

int year_of(UnixNanos now) {
  const std::chrono::sys_days day(
      std::chrono::days(static_cast<int>(now.value / (86'400 * kNanosPerSecond))));
  return static_cast<int>(std::chrono::year_month_day(day).year());
}

std::string_view trimmed(std::string_view text) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace

std::optional<std::int64_t> parse_http_date(std::string_view text, UnixNanos now) noexcept {
  auto moment = read_fixed(text);
  if (!moment) moment = read_rfc850(text, year_of(now));
  if (!moment) moment = read_asctime(text);
  return moment ? seconds_of(*moment) : std::nullopt;
}

std::optional<std::int64_t> parse_retry_after(std::string_view value, UnixNanos now) noexcept {
  value = trimmed(value);
  constexpr std::int64_t kMostSeconds = kMaxRetryAfter / kNanosPerSecond;
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (!value.empty() && std::all_of(value.begin(), value.end(), is_digit)) {
    std::int64_t seconds = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
    // Digits alone can only be out of range: a very long time.
    if (error != std::errc{} || seconds > kMostSeconds) return kMaxRetryAfter;
    return seconds * kNanosPerSecond;
  }
  const auto date = parse_http_date(value, now);
  if (!date) return std::nullopt;
  const auto now_seconds = now.value / kNanosPerSecond;
  if (*date <= now_seconds) return 0;
  if (*date - now_seconds >= kMostSeconds) return kMaxRetryAfter;
  return *date * kNanosPerSecond - now.value;
}

}  // namespace fluxrig::otlp
