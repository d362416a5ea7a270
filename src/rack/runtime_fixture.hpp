// The runtime over gears that do what a test tells them, with a real ring and pump and no threads but the
// test's. Tests only.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <functional>

#include "base/test_gate.hpp"
#include "cbor/decoder.hpp"
#include "model/record_codec.hpp"
#include "rack/runtime.hpp"
#include "tap/pump.hpp"

namespace fluxrig::rack {

using gear::Failure;
using gear::FailureCode;
using gear::Message;
using gear::Step;
using gear::Transaction;

// Every call is a function of the test; what happened is remembered.
class ScriptedGear final : public gear::Gear {
 public:
  Step on_request(Transaction& transaction, Message& message) override {
    last = transaction.ticket();
    return request ? request(transaction, message) : Step::next();
  }
  Step on_reply(Transaction& transaction, Message& message) override {
    return reply ? reply(transaction, message) : Step::next();
  }
  Step on_failure(Transaction& transaction, const Failure& failure, Message& message) override {
    return failed ? failed(transaction, failure, message) : Step::fail(failure);
  }
  void send_reply(Transaction&, Message& message) override { sent.push_back(message.payload); }

  std::function<Step(Transaction&, Message&)> request;
  std::function<Step(Transaction&, Message&)> reply;
  std::function<Step(Transaction&, const Failure&, Message&)> failed;
  std::vector<std::string> sent;
  gear::Ticket last;
};

struct MemoryAudit final : tap::AuditOutput {
  Result<void> append(const sanitize::CleanRecords& batch) override {
    cbor::Decoder items(batch.bytes());
    if (broken) return fail(ErrorCode::kFull, "the disk is full", ENOSPC);
    for (std::uint32_t i = 0; i < batch.count(); ++i) {
      auto record = *model::decode(*items.skip());
      order.push_back(record.index());
      if (auto* intent = std::get_if<model::Intent>(&record); intent != nullptr)
        intents.push_back(std::move(*intent));
      else
        records.push_back(std::get<model::Transaction>(record));
    }
    return {};
  }
  Result<void> sync() override {
    ++syncs;
    return {};
  }
  std::vector<model::Transaction> records;
  std::vector<model::Intent> intents;
  std::vector<std::size_t> order;  // the kinds of all, as they came
  bool broken = false;
  int syncs = 0;
};

struct MemoryTelemetry final : tap::TelemetryOutput {
  void offer(model::Signal, const sanitize::CleanRecords& one) override {
    spans.push_back(std::get<model::Span>(*model::decode(one.bytes())));
  }
  void count_dropped(model::DropCause, model::Signal, std::uint64_t n) override { dropped += n; }
  std::vector<model::Span> spans;
  std::uint64_t dropped = 0;
};

class RuntimeTest : public ::testing::Test {
 protected:
  void build(Durability durability = Durability::kCommit, std::uint32_t in_flight = 100) {
    Wiring wiring;
    const auto add = [&](std::string name, gear::Role role, ScriptedGear*& out) {
      auto owned = std::make_unique<ScriptedGear>();
      out = owned.get();
      static const gear::GearType kIngress{.name = "in", .role = gear::Role::kIngress};
      static const gear::GearType kFilter{.name = "filter", .role = gear::Role::kFilter};
      static const gear::GearType kEgress{.name = "out", .role = gear::Role::kEgress};
      const auto& type = role == gear::Role::kIngress  ? kIngress
                         : role == gear::Role::kEgress ? kEgress
                                                       : kFilter;
      return wiring.add({std::move(name), type, std::move(owned)}, *names_);
    };
    const auto in = add("shop", gear::Role::kIngress, shop_);
    const auto middle = add("map", gear::Role::kFilter, map_);
    const auto out = add("bank", gear::Role::kEgress, bank_);
    wiring.wire(in, 0, middle);
    wiring.wire(middle, 0, out);
    limits_.in_flight = in_flight;
    runtime_ = std::make_unique<Runtime>(
        Runtime::Parts{io_, clock_, random_, diagnostics_, *names_, ticks_source_, 1.0, ring_, bell_,
                       admission_, bus_, MachineId{}, "edge", limits_, durability, intent_},
        std::move(wiring));
    bank_->request = [](Transaction&, Message& message) {
      message.payload = "answer";
      return Step::reply();
    };
    shop_->failed = [](Transaction&, const Failure& failure, Message& message) {
      message.payload = failure.reason;
      return Step::reply();
    };
    ASSERT_TRUE(runtime_->start());
  }

  Result<gear::Ticket> begin(gear::Arrival arrival = {}) {
    return runtime_->begin(*shop_, std::move(arrival), {});
  }
  // One turn of the pump, then of the loop.
  void commit() {
    (void)pump_.step(true);
    runtime_->publish_durable(pump_.durable());
    poll();
  }
  void poll() {
    io_.restart();
    io_.poll();
  }

  boost::asio::io_context io_{1};
  SystemClock clock_;
  SeededRandom random_{42};
  Diagnostics diagnostics_{clock_, 2, DiagnosticFormat::kText, Severity::kError, pass_unsearched};
  std::unique_ptr<tap::Names> names_ = std::make_unique<tap::Names>();
  tap::TickSource ticks_source_;
  tap::TickConverter ticks_{ticks_source_, clock_};
  tap::Ring ring_{16384};
  Doorbell bell_;
  Admission admission_;
  Limits limits_;
  IntentMode intent_ = IntentMode::kOff;
  snake::Bus* bus_ = nullptr;
  tap::EventQueue events_;
  sanitize::Sanitizer sanitizer_{sanitize::TokenKey{"k1", {}}};
  MemoryAudit audit_;
  MemoryTelemetry telemetry_;
  tap::Pump pump_{
      {ring_, events_, tap::Assembler(*names_, sanitizer_, ticks_), ticks_, audit_, telemetry_, clock_}, {}};
  std::unique_ptr<Runtime> runtime_;
  tap::RingPosition durable_;
  int drained_ = 0;
  ScriptedGear* shop_ = nullptr;
  ScriptedGear* map_ = nullptr;
  ScriptedGear* bank_ = nullptr;
};

}  // namespace fluxrig::rack
