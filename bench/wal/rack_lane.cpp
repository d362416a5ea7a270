#include "bench/wal/rack_lane.hpp"
#include "bench/give_up.hpp"

#include "rack/pump_thread.hpp"
#include "wal/posix_disk.hpp"

namespace fluxrig::bench {
namespace {

constexpr std::int64_t kReceiptsEvery = 50 * kNanosPerMilli;

// Nobody reads the child spans and metrics of this rack.
struct NoTelemetry final : tap::TelemetryOutput {
  void offer(model::Signal, const sanitize::CleanRecords&) override {}
  void count_dropped(model::DropCause, model::Signal, std::uint64_t) override {}
};

MachineId machine() {
  MachineId id;
  id.bytes.fill(0xa5);
  return id;
}

}  // namespace

struct RackLane::Parts {
  SystemClock clock;
  Diagnostics diagnostics{clock, 2, DiagnosticFormat::kText, Severity::kWarn, sanitize::mask_card_numbers};
  wal::PosixDisk disk;
  Payment payment;
  tap::TickConverter ticks{payment.source(), clock};
  sanitize::Sanitizer sanitizer{test_key()};
  tap::Ring ring;
  tap::EventQueue events;
  NoTelemetry telemetry;
  rack::Doorbell bell;
  rack::Admission admission;
  std::unique_ptr<rack::AuditLane> audit;
  std::unique_ptr<tap::Pump> pump;
  std::unique_ptr<rack::PumpThread> thread;
  MonotonicNanos receipted_at;

  void make(const Load& load, std::function<void(tap::RingPosition)> durable);
  void give_receipt();
};

void RackLane::Parts::make(const Load& load, std::function<void(tap::RingPosition)> durable) {
  auto writer =
      wal::Writer::open({disk, clock, load.directory + "/audit", machine(), model::Lane::kAudit, {}});
  if (!writer) give_up(writer.error().message);
  audit = std::make_unique<rack::AuditLane>(disk, *std::move(writer), wal::Receipts{}, clock, diagnostics);
  pump = std::make_unique<tap::Pump>(
      tap::Pump::Parts{ring, events, tap::Assembler(payment.names(), sanitizer, ticks), ticks, *audit,
                       telemetry, clock},
      tap::Sampling{});
  thread = std::make_unique<rack::PumpThread>(rack::PumpThread::Parts{
      .pump = *pump,
      .ticks = ticks,
      .audit = *audit,
      .bell = bell,
      .admission = admission,
      .clock = clock,
      .diagnostics = diagnostics,
      .durability = load.commit ? rack::Durability::kCommit : rack::Durability::kInterval,
      .durable = std::move(durable),
      .worked = [this] { give_receipt(); },
      .emit_metrics = [](tap::Pump&) {},
      .state_ledger = [](lane::TelemetryLedger::Occasion) { return true; },
  });
  thread->start();
}

void RackLane::Parts::give_receipt() {
  const MonotonicNanos now = clock.monotonic();
  const Sequence last = audit->last_synced();
  if (now.value - receipted_at.value < kReceiptsEvery || last.value == 0) return;
  receipted_at = now;
  model::Receipt receipt;
  receipt.epoch = audit->writer().epoch();
  receipt.ranges = {{Sequence{1}, last}};
  audit->deliver_receipt(receipt);
}

RackLane::RackLane(const Load& load, std::function<void(tap::RingPosition)> durable)
    : parts_(std::make_unique<Parts>()) {
  parts_->make(load, std::move(durable));
}

RackLane::~RackLane() { parts_->thread->stop(); }

const Payment& RackLane::payment() const noexcept { return parts_->payment; }

bool RackLane::write(tap::Draft& draft, tap::RingPosition& position) noexcept {
  const bool written = draft.write(parts_->ring, position) != tap::Draft::Written::kNone;
  parts_->bell.ring();
  return written;
}

}  // namespace fluxrig::bench
