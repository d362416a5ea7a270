// A backlog over a memory disk, with a ledger and drop counters, that can be killed. Tests only.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "base/random.hpp"
#include "lane/telemetry_backlog.hpp"
#include "model/block.hpp"
#include "wal/memory_disk.hpp"
#include "wal/segment_name.hpp"

namespace fluxrig::lane {

using Firsts = std::vector<std::uint64_t>;

class TelemetryBacklogTest : public ::testing::Test {
 protected:
  wal::MemoryDisk disk;
  ManualClock clock;
  DropCounters drops;
  std::unique_ptr<TelemetryLedger> ledger = std::make_unique<TelemetryLedger>();
  std::unique_ptr<TelemetryBacklog> backlog;
  std::uint64_t next_sequence = 1;

  void SetUp() override {
    ASSERT_TRUE(disk.make_directory("data"));
    open();
  }
  static MachineId machine() {
    MachineId id;
    id.bytes[0] = 7;
    return id;
  }
  [[nodiscard]] Outcome<std::unique_ptr<TelemetryBacklog>> try_open() {
    return TelemetryBacklog::open({disk, clock, *ledger, drops, "data/telemetry", machine(), "edge", "0.1",
                                   TelemetryBacklog::kMinBytes, 0});
  }
  void open() {
    backlog.reset();
    auto opened = try_open();
    ASSERT_TRUE(opened) << opened.error().message;
    backlog = *std::move(opened);
  }
  void kill() {
    backlog.reset();
    disk.kill();
    // What it had not yet stated died with it.
    ledger = std::make_unique<TelemetryLedger>();
    open();
  }
  // A batch of ten records: eight spans, two metrics.
  TelemetryBlock block(std::size_t bytes = 4000) {
    TelemetryBatch batch;
    for (int i = 0; i < 9; ++i) batch.records.push_back(0x01);
    batch.records.push_back(0x59);  // a byte string with a length of two bytes
    batch.records.push_back(static_cast<std::uint8_t>(bytes >> 8U));
    batch.records.push_back(static_cast<std::uint8_t>(bytes));
    batch.records.resize(batch.records.size() + bytes, 0x55);
    batch.count = 10;
    batch.signals = {{8, 2, 0}};
    batch.time = clock.now();
    batch.epoch = {5};
    batch.first = {next_sequence};
    next_sequence += batch.count;
    return make_block(batch, machine());
  }
  std::optional<TelemetryBacklog::Item> next() {
    auto item = backlog->next();
    EXPECT_TRUE(item);
    return item ? *std::move(item) : std::nullopt;
  }
  Firsts rest() {
    Firsts out;
    while (const auto item = next()) out.push_back(item->block.first.value);
    return out;
  }
  // Everything lost that was not yet stated.
  std::vector<model::LostTelemetry> lost() {
    std::vector<model::LostTelemetry> out;
    clock.advance(TelemetryLedger::kStateEvery);
    ledger->state(clock, TelemetryLedger::Occasion::kRunning, [&](const model::Log& log) {
      if (const auto one = model::lost_telemetry(log)) out.push_back(*one);
      return true;
    });
    return out;
  }
  void fill_until_evicted() {
    for (int i = 0; drops.count(DropCause::kEvicted) == 0; ++i) {
      ASSERT_LT(i, 10'000);
      ASSERT_TRUE(backlog->append(block(), Sent::kNever));
    }
  }
  void keep_house() {
    clock.advance(TelemetryBacklog::kStoreEvery);
    for (int i = 0; backlog->keep_house(TelemetryBacklog::Need::kNone); ++i) ASSERT_LT(i, 10'000);
  }
};

}  // namespace fluxrig::lane
