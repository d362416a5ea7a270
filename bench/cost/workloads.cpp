#include "bench/cost/workloads.hpp"

#include <array>
#include <vector>

#include "bench/cost/tapped_transaction.hpp"
#include "bench/give_up.hpp"
#include "cbor/decoder.hpp"
#include "model/record_codec.hpp"
#include "otlp/encode.hpp"
#include "sanitize/scan/free_text.hpp"
#include "sanitize/test_clean_list.hpp"
#include "tap/pump.hpp"
#include "wal/memory_disk.hpp"
#include "wal/writer.hpp"

namespace fluxrig::bench {
namespace {

constexpr std::size_t kRingBytes = 4U << 20;
constexpr std::uint32_t kRecordsOfBlock = 16;

// The last block of records is kept, and how many spans were offered.
struct Outputs final : tap::AuditOutput, tap::TelemetryOutput {
  Result<void> append(const sanitize::CleanRecords& records) override {
    block.assign(records.bytes().begin(), records.bytes().end());
    count = records.count();
    return {};
  }
  Result<void> sync() override { return {}; }
  void offer(model::Signal, const sanitize::CleanRecords& one) override { spans += one.count(); }
  void count_dropped(model::DropCause, model::Signal, std::uint64_t) override {}
  Bytes block;
  std::uint32_t count = 0;
  std::uint64_t spans = 0;
};

class Tap final : public Workload {
 public:
  void run(std::size_t times) override {
    for (; times > 0; --times)
      if (!transaction_.run(ring_)) give_up("the ring is full");
  }

 private:
  TappedTransaction transaction_;
  tap::Ring ring_{kRingBytes};
};

// A ring of records, and what empties it.
class PumpedRing {
 public:
  void fill(std::size_t records) {
    for (; records > 0; --records)
      if (!transaction_.run(ring_)) give_up("the ring is full");
  }
  void step() { (void)pump_.step(true); }
  void drain() {
    while (!ring_.empty()) step();
  }
  [[nodiscard]] const Outputs& outputs() const noexcept { return outputs_; }

 private:
  SystemClock clock_;
  TappedTransaction transaction_;
  tap::Ring ring_{kRingBytes};
  tap::EventQueue events_;
  tap::TickConverter ticks_{transaction_.source(), clock_};
  sanitize::Sanitizer sanitizer_{sanitize::TokenKey{"k1", {}}};
  Outputs outputs_;
  tap::Pump pump_{{ring_, events_, tap::Assembler(transaction_.names(), sanitizer_, ticks_), ticks_, outputs_,
                   outputs_, clock_},
                  {}};
};

// A batch is as large as its bytes permit, so the work done is that of the whole ring.
class Pump final : public Workload {
 public:
  Pump() {
    ring_.fill(64);  // buffers have their size after these
    ring_.drain();
    ring_.fill(kTimes);
  }
  void run(std::size_t times) override {
    if (times != kTimes) give_up("the pump is counted over the whole ring");
    ring_.drain();
  }
  static constexpr std::size_t kTimes = 2'000;

 private:
  PumpedRing ring_;
};

Bytes block_of_records() {
  PumpedRing ring;
  ring.fill(kRecordsOfBlock);
  ring.step();
  if (ring.outputs().count != kRecordsOfBlock) give_up("the records are not one block");
  return ring.outputs().block;
}

class Wal final : public Workload {
 public:
  Wal() {
    auto opened = wal::Writer::open({disk_, clock_, "/lane", MachineId{}, model::Lane::kAudit, {}});
    if (!opened) give_up(opened.error().message);
    writer_ = *std::move(opened);
  }
  void run(std::size_t times) override {
    for (; times > 0; --times)
      if (!writer_->append(block_, kRecordsOfBlock) || !writer_->sync()) give_up("the append failed");
  }

 private:
  wal::MemoryDisk disk_;
  SystemClock clock_;
  Bytes block_ = block_of_records();
  std::unique_ptr<wal::Writer> writer_;
};

class Encode final : public Workload {
 public:
  Encode() {
    const Bytes block = block_of_records();
    cbor::Decoder items(block);
    for (std::uint32_t i = 0; i < kRecordsOfBlock; ++i) records_.push_back(*model::decode(*items.skip()));
  }
  void run(std::size_t times) override {
    const otlp::Batch batch{.resource = &resource_, .records = sanitize::TestRecords::of(records_)};
    for (; times > 0; --times)
      if (otlp::encode(model::Signal::kSpans, {&batch, 1}, {}).payloads.empty())
        give_up("nothing was encoded");
  }

 private:
  SeededRandom random_{3};
  otlp::Resource resource_{make_machine_id(random_), {2}, "edge", "0.1.0", "", {}};
  std::vector<model::Record> records_;
};

// `text` is searched in a copy, as a record's is.
class Sanitise : public Workload {
 public:
  explicit Sanitise(std::string text) : text_(std::move(text)) {}
  void run(std::size_t times) override {
    for (; times > 0; --times) {
      copy_.assign(text_);
      sanitize::clean_text(copy_);
    }
  }

 private:
  std::string text_;
  std::string copy_;
};

std::string clean_line() {
  std::string line;
  while (line.size() < 1'000)
    line += "order 84213 of shop-17 answered in 18.4 ms, approved by host: terminal TERM0001, status 200; ";
  line.resize(1'000);
  return line;
}

std::string line_with_card() {
  std::string line = clean_line();
  line.replace(500, 19, "4111-1111-1111-1111");
  return line;
}

template <typename T>
std::unique_ptr<Workload> make() {
  return std::make_unique<T>();
}
template <std::string (*kText)()>
std::unique_ptr<Workload> make_sanitise() {
  return std::make_unique<Sanitise>(kText());
}

constexpr std::array kKinds{
    WorkloadKind{"tap", "a transaction, on its own thread", 2'000, make<Tap>},
    WorkloadKind{"pump", "a transaction: assembled, sanitised, encoded, with 3 child spans", Pump::kTimes,
                 make<Pump>},
    WorkloadKind{"wal", "a block of 16 records: hashed, framed, written, synced", 100, make<Wal>},
    WorkloadKind{"encode", "16 transactions as OTLP", 100, make<Encode>},
    WorkloadKind{"sanitise-clean", "1,000 bytes of text without a number", 1'000, make_sanitise<clean_line>},
    WorkloadKind{"sanitise-card", "1,000 bytes of text with a card number", 1'000,
                 make_sanitise<line_with_card>},
};

}  // namespace

std::span<const WorkloadKind> workload_kinds() noexcept { return kKinds; }

}  // namespace fluxrig::bench
