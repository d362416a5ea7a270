// bench_store fill DIRECTORY SPANS HOURS: a store of that many spans, as production leaves it: every hour
// goes into the hot tables and, when it has been over for long enough, through the mixer's own housekeeping
// into Parquet; the last hours stay hot. Ends with the present hour. One line of JSON says what was made and
// how long it took. scripts/bench_query.py asks a mixer that is started over it.
#include <fmt/format.h>
#include <sys/resource.h>

#include <charconv>
#include <chrono>

#include "base/diagnostics.hpp"
#include "bench/give_up.hpp"
#include "bench/store/hour_rows.hpp"
#include "sanitize/sanitizer.hpp"
#include "sink/duckdb/duckdb_ingest.hpp"
#include "sink/duckdb/result_table.hpp"

namespace fluxrig::bench {
namespace {

using sink::kMicrosPerHour;

// One transaction has this many child spans, and is a span itself.
constexpr std::uint64_t kSpansOfTransaction = 4;

double seconds_since(std::chrono::steady_clock::time_point began) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
}

class Filler {
 public:
  Filler(const std::string& directory, std::uint64_t transactions, std::int64_t hours)
      : now_(SystemClock{}.now()),
        first_hour_(now_.value / kNanosPerMicro / kMicrosPerHour - hours + 1),
        hours_(hours),
        of_hour_(transactions / static_cast<std::uint64_t>(hours)),
        clock_({first_hour_ * kMicrosPerHour * kNanosPerMicro}),
        core_(options(directory), clock_, diagnostics_),
        sink_(core_) {
    if (of_hour_ == 0) give_up("fewer transactions than hours");
  }

  void run() {
    if (auto opened = core_.open(); !opened) give_up(opened.error().message);
    if (auto started = sink_.start(); !started) give_up(started.error().message);
    for (std::int64_t hour = 0; hour < hours_; ++hour) {
      fill(hour);
      clock_.advance(3'600 * kNanosPerSecond);
      close_hours();
      fmt::print(stderr, "\r{} of {} hours", hour + 1, hours_);
    }
    fmt::print(stderr, "\n");
    must(standing_sql({made_, now_}) + "CHECKPOINT;");
    report();
  }

 private:
  static sink::StoreOptions options(const std::string& directory) {
    sink::StoreOptions options;
    std::filesystem::create_directories(directory + "/parquet");
    options.directory = std::filesystem::canonical(directory);
    options.threads = 2;
    options.memory_limit_bytes = 2ULL << 30;
    options.retention_days = 0;
    options.checkpoint_bytes = UINT64_MAX;  // after each hour instead, when little is hot
    options.retired_file_grace_ms = 0;
    return options;
  }
  void must(const std::string& sql) {
    if (auto done = core_.connection().run(sql); !done) give_up(done.error().message);
  }
  void fill(std::int64_t hour) {
    const auto began = std::chrono::steady_clock::now();
    // The present hour as far as it has come.
    const auto start = (first_hour_ + hour) * kMicrosPerHour;
    const auto length = std::min(kMicrosPerHour, now_.value / kNanosPerMicro - start);
    HourOfRows rows{start, made_, of_hour_, length * kNanosPerMicro / static_cast<std::int64_t>(of_hour_)};
    for (const auto& sql : rows.insert_sql()) must(sql);
    made_ += of_hour_;
    filling_ += seconds_since(began);
  }
  void close_hours() {
    const auto began = std::chrono::steady_clock::now();
    for (;;) {
      const auto more = sink_.maintain(clock_.now());
      if (!more) give_up("housekeeping failed");
      if (!*more) break;
      ++steps_;
    }
    must("CHECKPOINT");
    closing_ += seconds_since(began);
  }
  std::string cell(const std::string& sql) {
    auto table = sink::read_all(core_.connection(), sql);
    if (!table) give_up(table.error().message);
    return table->rows.at(0).at(0).value_or("null");
  }
  void report() {
    struct rusage usage {};
    getrusage(RUSAGE_SELF, &usage);
    fmt::print(
        R"({{"spans":{},"transactions":{},"hours":{},"machine_id":"{}","files":{},"parquet_bytes":{},"places":{},)"
        R"("hot_spans":{},"fill_seconds":{:.1f},"close_seconds":{:.1f},"close_steps":{},"peak_rss_kib":{}}})"
        "\n",
        made_ * kSpansOfTransaction, made_, hours_, kMachine, cell("SELECT count(*) FROM parquet_files"),
        cell("SELECT coalesce(sum(bytes), 0) FROM parquet_files"),
        cell("SELECT sum(estimated_size) FROM duckdb_tables() WHERE table_name LIKE '%_places%'"),
        cell("SELECT (SELECT count(*) FROM hot_child_spans) + (SELECT count(*) FROM hot_transactions)"),
        filling_, closing_, steps_, usage.ru_maxrss);
  }

  const UnixNanos now_;
  const std::int64_t first_hour_;
  const std::int64_t hours_;
  const std::uint64_t of_hour_;
  ManualClock clock_;
  SystemClock system_clock_;
  Diagnostics diagnostics_{system_clock_, 2, DiagnosticFormat::kText, Severity::kWarn,
                           sanitize::mask_card_numbers};
  sink::StoreCore core_;
  sink::DuckDbSink sink_;
  std::uint64_t made_ = 0;
  double filling_ = 0;
  double closing_ = 0;
  std::uint64_t steps_ = 0;
};

std::uint64_t number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value == 0) give_up("that is no number");
  return value;
}

}  // namespace
}  // namespace fluxrig::bench

int main(int count, char** words) {
  using namespace fluxrig::bench;
  if (count != 5 || std::string_view(words[1]) != "fill")
    give_up("usage: bench_store fill DIRECTORY SPANS HOURS");
  Filler filler(words[2], number(words[3]) / kSpansOfTransaction,
                static_cast<std::int64_t>(number(words[4])));
  filler.run();
  return 0;
}
