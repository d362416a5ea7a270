// The link over a WAL on a memory disk and a bus that the test answers for. Tests only.
#pragma once

#include <gtest/gtest.h>

#include "base/test_gate.hpp"
#include "model/record_codec.hpp"
#include "rack/fake_bus.hpp"
#include "rack/link.hpp"
#include "snake/subjects.hpp"
#include "wal/test_lane.hpp"

namespace fluxrig::rack {

class LinkTest : public ::testing::Test {
 protected:
  void SetUp() override {
    lane_.open();
    if (HasFatalFailure()) return;
    telemetry_.begin_epoch(lane_.writer->epoch());
    auto backlog = lane::TelemetryBacklog::open({lane_.disk, lane_.clock, ledger_, drops_, "telemetry",
                                                 wal::test_machine(), "edge", "0.1.0",
                                                 lane::TelemetryBacklog::kMinBytes, 0});
    ASSERT_TRUE(backlog) << backlog.error().message;
    backlog_ = *std::move(backlog);
    link_ = std::make_unique<Link>(
        Link::Parts{bus_,
                    lane_.clock,
                    random_,
                    diagnostics_,
                    wal::test_machine(),
                    model::Hello{"edge", "0.1.0", lane_.writer->epoch(), {}, {}},
                    lane_.disk,
                    lane_.directory,
                    lane_.writer->durable(),
                    {},
                    telemetry_,
                    backlog_.get(),
                    [this](const model::Receipt& receipt) { taken_.push_back(receipt); },
                    [] { return std::string("{}"); },
                    [this] { ++wakes_; },
                    connection_changed_,
                    [this] {
                      return AuditShipper::Position{lane_.writer->epoch(), lane_.writer->next_sequence()};
                    },
                    {},
                    [this] { ++segments_begun_; },
                    [this](const pressure::Transition& one) { transitions_.push_back(one); }});
  }
  void append(std::uint64_t first, std::uint32_t count, std::size_t bytes = 8) {
    ASSERT_TRUE(lane_.writer->append(wal::test_records(first, count, bytes), count));
    ASSERT_TRUE(lane_.writer->sync());
  }
  // The sequences in the audit messages that the bus was given, or that it has not answered.
  std::vector<std::uint64_t> sent_sequences() const { return sequences_in(bus_.history); }
  std::vector<std::uint64_t> published_sequences() const {
    std::vector<snake::Outgoing> waiting;
    for (const auto& one : bus_.streamed) waiting.push_back(one.message);
    return sequences_in(waiting);
  }
  static std::vector<std::uint64_t> sequences_in(const std::vector<snake::Outgoing>& messages) {
    std::vector<std::uint64_t> sequences;
    for (const auto& message : messages) {
      if (message.subject != snake::audit_subject(wal::test_machine())) continue;
      cbor::Decoder items(message.payload);
      while (!items.at_end()) {
        const auto item = items.skip();
        EXPECT_TRUE(item);
        if (!item) return sequences;
        const auto block = model::decode_block(*item);
        EXPECT_TRUE(block);
        for (std::uint32_t i = 0; block && i < block->head.count; ++i)
          sequences.push_back(block->head.first.value + i);
      }
    }
    return sequences;
  }
  std::size_t sent_bytes() const {
    std::size_t bytes = 0;
    for (const auto& message : bus_.history) bytes += message.payload.size();
    return bytes;
  }
  void receipt(std::uint64_t first, std::uint64_t last) {
    Bytes bytes;
    model::encode(model::Receipt{model::Lane::kAudit, lane_.writer->epoch(), {{{first}, {last}}}}, bytes);
    bus_.handlers[snake::receipt_subject(wal::test_machine())](snake::Delivery{"", "", {}, bytes});
  }

  void lease(std::uint8_t level, std::uint64_t replay_bytes_per_s = 1U << 20,
             std::optional<std::uint64_t> pace = std::nullopt) {
    model::PressureLease lease;
    lease.mixer_started = {1};
    lease.sequence = ++lease_;
    lease.level = level;
    lease.cause = level == 0 ? model::PressureCause::kNone : model::PressureCause::kSinkErrors;
    lease.replay_bytes_per_s = replay_bytes_per_s;
    lease.pace_bytes_per_s = pace;
    lease.lease_ms = 60'000;
    Bytes bytes;
    model::encode(lease, bytes);
    bus_.handlers[snake::pressure_subject(wal::test_machine())](snake::Delivery{"", "", {}, bytes});
  }
  // Turns every 100 ms; the stream takes everything, except what the last turn publishes.
  void run(int seconds) {
    for (int i = 0; i < 10 * seconds; ++i) {
      bus_.answer_all(true);
      lane_.clock.advance(100 * kNanosPerMilli);
      link_->turn();
    }
  }
  // An outage in which blocks 1 to `blocks` of 20 kB are written; then the bus is back and the lease allows
  // so much.
  void come_back_with(std::uint64_t blocks, std::uint64_t replay_bytes_per_s) {
    link_->turn();
    bus_.up = false;
    for (std::uint64_t i = 1; i <= blocks; ++i) append(i, 1, 20'000);
    run(3);
    bus_.up = connection_changed_ = true;
    run(9);
    lease(0, replay_bytes_per_s);
  }
  model::PressureState state() const { return link_->pressure().state(); }

  wal::TestLane lane_;
  FakeBus bus_;
  SeededRandom random_{1};
  std::uint64_t lease_ = 0;
  Diagnostics diagnostics_{lane_.clock, 2, DiagnosticFormat::kText, Severity::kError, pass_unsearched};
  lane::DropCounters drops_;
  lane::TelemetryLedger ledger_;
  lane::TelemetryQueue telemetry_{lane_.clock, ledger_, drops_, {}};
  std::unique_ptr<lane::TelemetryBacklog> backlog_;
  std::atomic<bool> connection_changed_{false};
  std::vector<pressure::Transition> transitions_;
  int segments_begun_ = 0;
  std::vector<model::Receipt> taken_;
  int wakes_ = 0;
  std::unique_ptr<Link> link_;
};

}  // namespace fluxrig::rack
