#include "sink/duckdb/parquet_part.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>

#include "sink/duckdb/schema.hpp"

namespace fluxrig::sink {
namespace {

using std::chrono::days;
using std::chrono::sys_days;
using std::chrono::year_month_day;

// Takes the digits at the front that are followed by `after`.
bool take_number(std::string_view& text, std::uint64_t& value, std::string_view after) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end == text.data()) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (!text.starts_with(after)) return false;
  text.remove_prefix(after.size());
  return true;
}

}  // namespace

std::string part_path(std::string_view signal, std::int64_t hour_micros, std::uint64_t id,
                      std::uint64_t rows) {
  const year_month_day date{sys_days{days{hour_micros / kMicrosPerDay}}};
  return fmt::format("signal={}/date={:04}-{:02}-{:02}/hour={:02}/part-{:010}-{}.parquet", signal,
                     static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()), hour_micros / kMicrosPerHour % 24, id, rows);
}

std::optional<ParquetPart> parse_part_path(const std::filesystem::path& relative) {
  ParquetPart part;
  part.path = relative.generic_string();
  std::string_view text = part.path;
  const auto known = std::find_if(signals().begin(), signals().end(), [&](const Signal& signal) {
    return text.starts_with(fmt::format("signal={}/date=", signal.name));
  });
  if (known == signals().end()) return std::nullopt;
  part.signal = known->name;
  text.remove_prefix(part.signal.size() + sizeof("signal=/date=") - 1);
  std::uint64_t year = 0;
  std::uint64_t month = 0;
  std::uint64_t day = 0;
  std::uint64_t hour = 0;
  if (!take_number(text, year, "-") || !take_number(text, month, "-") || !take_number(text, day, "/hour=") ||
      !take_number(text, hour, "/part-") || !take_number(text, part.id, "-") ||
      !take_number(text, part.rows, ".parquet") || !text.empty() || year > 9'999 || month > 12 || day > 31 ||
      hour > 23)
    return std::nullopt;
  const year_month_day date{std::chrono::year{static_cast<int>(year)},
                            std::chrono::month{static_cast<unsigned>(month)},
                            std::chrono::day{static_cast<unsigned>(day)}};
  if (!date.ok()) return std::nullopt;
  part.hour_micros = sys_days{date}.time_since_epoch().count() * kMicrosPerDay +
                     static_cast<std::int64_t>(hour) * kMicrosPerHour;
  // Only the one spelling that part_path gives: anything else is not ours.
  if (part_path(part.signal, part.hour_micros, part.id, part.rows) != part.path) return std::nullopt;
  return part;
}

std::string timestamp_sql(std::int64_t micros) { return fmt::format("make_timestamp({}::BIGINT)", micros); }

}  // namespace fluxrig::sink
