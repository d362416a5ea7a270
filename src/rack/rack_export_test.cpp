// What the pump hands over is exported once it is on disk, and counted when there is no room.
#include "rack/rack_export.hpp"

#include <gtest/gtest.h>

#include <cerrno>

#include "base/test_gate.hpp"
#include "model/golden_records.hpp"
#include "rack/export_tap.hpp"
#include "wal/memory_disk.hpp"

namespace fluxrig::rack {
namespace {

using otlp::ExportDrop;
using otlp::Signal;

sanitize::CleanRecords encoded(const model::Record& record) {
  sanitize::CleanRecords records;
  records.add(sanitize::clean(record));
  return records;
}

class RackExportTest : public testing::Test {
 protected:
  RackExportTest() {
    otlp::ExportSettings settings;
    settings.general.endpoint = otlp::Url{false, "127.0.0.1", 1, ""};  // nobody listens there
    settings.flush_ms = 0;
    auto started = RackExport::start(settings, {model::golden::machine_id(), {2}, "edge", "1", "", {}}, clock,
                                     diagnostics);
    EXPECT_TRUE(started) << started.error().message;
    exported = *std::move(started);
    auto writer =
        wal::Writer::open({disk, clock, "audit", model::golden::machine_id(), model::Lane::kAudit, {}});
    EXPECT_TRUE(writer) << writer.error().message;
    audit = std::make_unique<AuditLane>(disk, *std::move(writer), wal::Receipts{}, clock, diagnostics);
  }
  void make_tap(bool is_only_way) {
    tap = std::make_unique<ExportTap>(
        ExportTap::Parts{*audit, telemetry, *exported, ledger, drops, clock, is_only_way});
  }
  // Waits until so many items were offered.
  bool offered(Signal signal, std::uint64_t count) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (std::chrono::steady_clock::now() < deadline) {
      if (exported->counters(signal)->offered.load() >= count) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
  }
  // What the ledger says of a signal, produced and dropped for want of room.
  std::pair<std::uint64_t, std::uint64_t> stated(Signal signal) {
    std::pair<std::uint64_t, std::uint64_t> sums;
    ledger.state(clock, lane::TelemetryLedger::Occasion::kLast, [&](const model::Log& log) {
      const auto statement = model::ledger_statement(log);
      if (statement && statement->signal == signal)
        sums = {statement->produced,
                statement->dropped[static_cast<std::size_t>(model::DropCause::kQueueFull)]};
      return true;
    });
    return sums;
  }

  SystemClock clock;
  Diagnostics diagnostics{clock, -1, DiagnosticFormat::kText, Severity::kError, pass_unsearched};
  wal::MemoryDisk disk;
  lane::TelemetryLedger ledger;
  lane::DropCounters drops;
  lane::TelemetryQueue telemetry{clock, ledger, drops, {}};
  std::unique_ptr<AuditLane> audit;
  std::unique_ptr<RackExport> exported;
  std::unique_ptr<ExportTap> tap;
};

TEST_F(RackExportTest, AuditRecordsLeaveOnceTheyAreOnDisk) {
  make_tap(/*is_only_way=*/true);
  tap->offer(Signal::kSpans, encoded(model::golden::span()));
  ASSERT_TRUE(tap->append(encoded(model::golden::transaction())));
  tap->flush();
  disk.fail_next(wal::MemoryDisk::Operation::kSync, EIO);
  EXPECT_FALSE(tap->sync());
  EXPECT_EQ(stated(Signal::kSpans).first, 0U);  // nothing was handed over
  ASSERT_TRUE(tap->sync());
  EXPECT_EQ(stated(Signal::kSpans).first, 1U);
  ASSERT_TRUE(offered(Signal::kSpans, 2));
  EXPECT_TRUE(offered(Signal::kLogs, 1));
  EXPECT_EQ(exported->counters(Signal::kSpans)->offered.load(), 2U);
  EXPECT_EQ(exported->counters(Signal::kLogs)->offered.load(), 1U);
}

TEST_F(RackExportTest, BesideAMixerTheLedgerSpeaksOfTheQueue) {
  make_tap(/*is_only_way=*/false);
  tap->offer(Signal::kSpans, encoded(model::golden::span()));
  tap->flush();
  EXPECT_EQ(telemetry.accepted(), 1U);
  EXPECT_EQ(stated(Signal::kSpans).first, 0U);  // not before the batch is closed
  EXPECT_TRUE(offered(Signal::kSpans, 1));
}

TEST_F(RackExportTest, WhatHasNoRoomIsCountedToTheItem) {
  make_tap(/*is_only_way=*/true);
  model::Span wide = model::golden::span();
  wide.name = std::string(60'000, 'n');
  const auto span = encoded(wide);
  const auto transaction = encoded(model::golden::transaction());
  constexpr std::uint64_t kMany = 400;  // 24 MB, in an instant
  for (std::uint64_t i = 0; i < kMany; ++i) {
    tap->offer(Signal::kSpans, span);
    ASSERT_TRUE(tap->append(transaction));
    if (i % 4 == 0) {
      ASSERT_TRUE(tap->sync());
    }
  }
  ASSERT_TRUE(tap->sync());
  const auto [produced, dropped] = stated(Signal::kSpans);
  EXPECT_EQ(produced, kMany);
  EXPECT_GT(dropped, 0U);
  EXPECT_EQ(drops.count(model::DropCause::kQueueFull), dropped);
  // Each span had its transaction beside it: that is one span more, and one log record.
  ASSERT_TRUE(offered(Signal::kSpans, 2 * kMany));
  ASSERT_TRUE(offered(Signal::kLogs, kMany));
  EXPECT_EQ(exported->counters(Signal::kSpans)->offered.load(), 2 * kMany);
  EXPECT_EQ(exported->counters(Signal::kLogs)->offered.load(), kMany);
  EXPECT_GE(exported->counters(Signal::kSpans)->drops(ExportDrop::kQueueFull), dropped);
}

TEST_F(RackExportTest, TheEndWaitsForNeitherGatheringNorRetries) {
  make_tap(/*is_only_way=*/true);
  ASSERT_TRUE(tap->append(encoded(model::golden::transaction())));
  ASSERT_TRUE(tap->sync());
  const auto began = std::chrono::steady_clock::now();
  exported.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - began, RackExport::kGather);
}

}  // namespace
}  // namespace fluxrig::rack
