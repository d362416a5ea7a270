// An exporter with short waits, for tests with a back end.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "base/clock.hpp"
#include "base/diagnostics.hpp"
#include "base/test_gate.hpp"
#include "otlp/exporter.hpp"

namespace fluxrig::otlp {

class ExporterFixture : public testing::Test {
 protected:
  // Of traces only, with short waits.
  static ExportSettings settings_for(std::uint16_t port) {
    ExportSettings settings;
    settings.general.endpoint = Url{false, "127.0.0.1", port, ""};
    settings.general.timeout_ms = 5'000;
    settings.signals[index_of(Signal::kMetrics)].enabled = false;
    settings.signals[index_of(Signal::kLogs)].enabled = false;
    settings.backoff = {
        .first = 10 * kNanosPerMilli, .most = 20 * kNanosPerMilli, .give_up = 60'000 * kNanosPerMilli};
    settings.flush_ms = 500;
    return settings;
  }
  void start(const ExportSettings& settings) {
    auto started = Exporter::start(settings, "1.2.3", clock, diagnostics);
    ASSERT_TRUE(started) << started.error().message;
    exporter = std::move(*started);
  }
  void offer(std::string body, std::uint64_t items = 1) {
    exporter->offer(Signal::kSpans, {std::move(body), items});
  }
  [[nodiscard]] const ExportCounters& counters() const { return *exporter->counters(Signal::kSpans); }
  // Waits until every item has met its fate.
  void settle(Signal signal = Signal::kSpans) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (exporter->queue_bytes(signal) != 0 && std::chrono::steady_clock::now() < deadline)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    ASSERT_EQ(exporter->queue_bytes(signal), 0U);
  }

  SystemClock clock;
  Diagnostics diagnostics{clock, -1, DiagnosticFormat::kText, Severity::kError, pass_unsearched};
  std::unique_ptr<Exporter> exporter;
};

}  // namespace fluxrig::otlp
