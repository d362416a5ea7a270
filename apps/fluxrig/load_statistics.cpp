#include "fluxrig/load_statistics.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/clock.hpp"
#include "base/diagnostics.hpp"

namespace fluxrig::client {
namespace {

double milliseconds(double nanos) noexcept { return nanos / static_cast<double>(kNanosPerMilli); }
double seconds(std::int64_t nanos) noexcept {
  return static_cast<double>(nanos) / static_cast<double>(kNanosPerSecond);
}

struct Quantile {
  const char* name;
  const char* json;
  double share;
};
constexpr Quantile kQuantiles[] = {
    {"p50", "p50", 0.5}, {"p90", "p90", 0.9}, {"p99", "p99", 0.99}, {"p99.9", "p999", 0.999}};

}  // namespace

std::string_view to_string(LoadError error) noexcept {
  constexpr std::array<std::string_view, kLoadErrors> kNames{"connect",  "closed", "timeout",
                                                             "protocol", "unsent", "status"};
  return kNames[static_cast<std::size_t>(error)];
}

double value_at(const model::ExponentialHistogram& histogram, double quantile) {
  if (histogram.count == 0) return 0;
  const double rank = std::max(1.0, std::ceil(quantile * static_cast<double>(histogram.count)));
  double before = static_cast<double>(histogram.zero_count);
  if (rank <= before) return 0;
  for (std::size_t i = 0; i < histogram.buckets.size(); ++i) {
    const double in_bucket = static_cast<double>(histogram.buckets[i]);
    if (in_bucket == 0 || rank > before + in_bucket) {
      before += in_bucket;
      continue;
    }
    const double position =
        static_cast<double>(histogram.offset) + static_cast<double>(i) + (rank - before) / in_bucket;
    return std::clamp(std::exp2(std::ldexp(position, -histogram.scale)), histogram.min, histogram.max);
  }
  return histogram.max;
}

void LoadStatistics::record(std::int64_t nanos) {
  const auto value = static_cast<std::uint64_t>(std::max<std::int64_t>(nanos, 0));
  all_.record(value);
  interval_->record(value);
}

void LoadStatistics::answered(std::int64_t nanos, unsigned status, bool success) {
  ++answered_;
  ++statuses_[std::min<std::size_t>(status, kStatuses - 1)];
  if (!success) ++errors_[static_cast<std::size_t>(LoadError::kStatus)];
  record(nanos);
}

void LoadStatistics::lost(LoadError error, std::int64_t nanos) {
  ++errors_[static_cast<std::size_t>(error)];
  record(nanos);
}

std::uint64_t LoadStatistics::error_count() const noexcept {
  return std::accumulate(errors_.begin(), errors_.end(), std::uint64_t{0});
}

double LoadStatistics::throughput() const noexcept {
  return elapsed_ <= 0 ? 0 : static_cast<double>(answered_) / seconds(elapsed_);
}

std::string LoadStatistics::progress_line(std::int64_t elapsed_nanos) {
  const auto latencies = interval_->snapshot();
  interval_ = std::make_unique<tap::Histogram>();
  return fmt::format("{:4.0f} s  sent {}  answered {}  errors {}  p50 {:.2f} ms  p99 {:.2f} ms\n",
                     seconds(elapsed_nanos), sent_, answered_, error_count(),
                     milliseconds(value_at(latencies, 0.5)), milliseconds(value_at(latencies, 0.99)));
}

std::string LoadStatistics::summary(const Run& run, const Terminal& terminal) const {
  const auto latencies = all_.snapshot();
  std::string out = fmt::format("{} {}  {} over {} connection{}\n", run.protocol, printable(run.target),
                                run.rate > 0 ? fmt::format("{} requests/s", run.rate) : "as fast as answered",
                                run.connections, run.connections == 1 ? "" : "s");
  out += fmt::format("sent        {} in {:.1f} s, {} answered: {:.0f}/s\n", sent_, seconds(elapsed_),
                     answered_, throughput());
  out += fmt::format("latency     min {:.2f}", milliseconds(latencies.min));
  for (const auto& quantile : kQuantiles)
    out += fmt::format("  {} {:.2f}", quantile.name, milliseconds(value_at(latencies, quantile.share)));
  out += fmt::format("  max {:.2f} ms{}\n", milliseconds(latencies.max),
                     run.rate > 0 ? "  (from when each was due)" : "");
  std::string statuses;
  for (std::size_t i = 0; i < kStatuses; ++i)
    if (statuses_[i] != 0)
      statuses += fmt::format("{}{:0{}} x {}", statuses.empty() ? "" : ", ", i,
                              run.protocol == "http" ? 3 : 2, statuses_[i]);
  if (!statuses.empty()) out += "replies     " + statuses + "\n";
  std::string errors;
  for (std::size_t i = 0; i < kLoadErrors; ++i)
    if (errors_[i] != 0)
      errors += fmt::format("{}{} {}", errors.empty() ? "" : ", ", to_string(static_cast<LoadError>(i)),
                            errors_[i]);
  out += "errors      " +
         (errors.empty() ? paint(terminal, Colour::kGreen, "none") : paint(terminal, Colour::kRed, errors)) +
         "\n";
  if (strays_ != 0) out += fmt::format("strays      {} replies that nobody waited for any more\n", strays_);
  if (elapsed_ > 0)
    out += fmt::format("generator   {:.1f} s of CPU, {:.0f} % of a core\n", seconds(cpu_),
                       100 * seconds(cpu_) / seconds(elapsed_));
  return out;
}

std::string LoadStatistics::summary_json(const Run& run) const {
  const auto latencies = all_.snapshot();
  std::string quantiles;
  for (const auto& quantile : kQuantiles)
    quantiles +=
        fmt::format(R"("{}":{:.4f},)", quantile.json, milliseconds(value_at(latencies, quantile.share)));
  std::string statuses;
  for (std::size_t i = 0; i < kStatuses; ++i)
    if (statuses_[i] != 0)
      statuses += fmt::format(R"({}"{}":{})", statuses.empty() ? "" : ",", i, statuses_[i]);
  std::string errors;
  for (std::size_t i = 0; i < kLoadErrors; ++i)
    errors +=
        fmt::format(R"({}"{}":{})", i == 0 ? "" : ",", to_string(static_cast<LoadError>(i)), errors_[i]);
  const double mean = latencies.count == 0 ? 0 : latencies.sum / static_cast<double>(latencies.count);
  return fmt::format(
      R"({{"protocol":"{}","target":"{}","rate":{},"connections":{},"seconds":{:.3f},"sent":{},"answered":{},)"
      R"("succeeded":{},"per_second":{:.1f},"latency_ms":{{"min":{:.4f},{}"max":{:.4f},"mean":{:.4f}}},)"
      R"("corrected":{},"statuses":{{{}}},"errors":{{{}}},"error_count":{},"strays":{},"cpu_seconds":{:.3f}}})"
      "\n",
      run.protocol, escape_json(run.target), run.rate, run.connections, seconds(elapsed_), sent_, answered_,
      answered_ - count(LoadError::kStatus), throughput(), milliseconds(latencies.min), quantiles,
      milliseconds(latencies.max), milliseconds(mean), run.rate > 0, statuses, errors, error_count(), strays_,
      seconds(cpu_));
}

}  // namespace fluxrig::client
