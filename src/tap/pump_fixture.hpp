// A pump over a ring, with lanes that keep what they get. Tests only.
#pragma once

#include <gtest/gtest.h>

#include <map>

#include "model/record_codec.hpp"
#include "tap/pump.hpp"

namespace fluxrig::tap {

// Splits concatenated CBOR items by decoding each prefix that is a record.
struct FakeAudit final : AuditOutput {
  Result<void> append(const sanitize::CleanRecords& batch) override {
    if (broken) return fail(ErrorCode::kFull, "the disk is full", ENOSPC);
    const ByteView records = batch.bytes();
    appended.insert(appended.end(), records.begin(), records.end());
    count += batch.count();
    largest = std::max(largest, records.size());
    ++blocks;
    return {};
  }
  Result<void> sync() override {
    ++syncs;
    if (unsyncable) return fail(ErrorCode::kIo, "the disk is broken", EIO);
    return {};
  }
  Bytes appended;
  std::uint32_t count = 0;
  std::size_t largest = 0;
  int blocks = 0;
  int syncs = 0;
  bool broken = false;
  bool unsyncable = false;
};

struct FakeTelemetry final : TelemetryOutput {
  void offer(model::Signal signal, const sanitize::CleanRecords& one) override {
    records.push_back(*model::decode(one.bytes()));
    EXPECT_EQ(signal, model::signal_of(records.back()));
  }
  void count_dropped(model::DropCause cause, model::Signal signal, std::uint64_t n) override {
    dropped[{cause, signal}] += n;
  }
  [[nodiscard]] std::uint64_t spans_dropped(model::DropCause cause) const {
    const auto found = dropped.find({cause, model::Signal::kSpans});
    return found == dropped.end() ? 0 : found->second;
  }
  std::vector<model::Record> records;
  std::map<std::pair<model::DropCause, model::Signal>, std::uint64_t> dropped;
};

class PumpTest : public ::testing::Test {
 protected:
  PumpTest()
      : sanitizer_(sanitize::TokenKey{"k1", {}}),
        ticks_(source_, clock_),
        pump_({ring_, events_, Assembler(names_, sanitizer_, ticks_), ticks_, audit_, telemetry_, clock_},
              {}) {}

  // A transaction with one child span, as the runtime would write it.
  Draft draft(model::TransactionOutcome outcome = model::TransactionOutcome::kAnswered) {
    RecordHead head;
    head.flux_id.bytes.fill(1);
    head.trace_id.bytes.fill(2);
    head.span_id.bytes.fill(3);
    head.trace_flags = trace::kSampled;
    head.gear = names_.name("shop");
    head.name = names_.name("POST /authorize");
    head.outcome = outcome;
    head.start = source_.now();
    head.end = source_.now();
    Draft out;
    out.begin(head, "vendor=1");
    SpanSlot slot;
    slot.gear = names_.name("bank");
    slot.name = names_.name("0200");
    (void)out.begin_span(slot);
    return out;
  }
  void write(Draft& draft) {
    RingPosition position;
    ASSERT_EQ(draft.write(ring_, position), Draft::Written::kAll);
    last_ = position;
  }

  SystemClock clock_;
  TickSource source_;
  Names names_;
  sanitize::Sanitizer sanitizer_;
  TickConverter ticks_;
  Ring ring_{8192};
  EventQueue events_;
  FakeAudit audit_;
  FakeTelemetry telemetry_;
  Pump pump_;
  RingPosition last_;
};

}  // namespace fluxrig::tap
