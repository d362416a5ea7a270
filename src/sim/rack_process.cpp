#include "sim/rack_process.hpp"

#include <algorithm>

#include "wal/chain_signer.hpp"

namespace fluxrig::sim {
namespace {

constexpr int kNoFile = -1;  // diagnostics are not looked at

sanitize::TokenKey token_key() {
  sanitize::TokenKey key{"k1", {}};
  key.bytes.fill(7);
  return key;
}

lane::TelemetryQueue::Limits limits(const Plan& plan) {
  lane::TelemetryQueue::Limits limits;
  limits.queue_bytes = plan.telemetry_queue_bytes;
  limits.batch_bytes = plan.telemetry_queue_bytes / 8;
  return limits;
}

// One for each machine, for ever.
wal::SigningKey signing_key(const MachineId& machine) {
  std::array<std::uint8_t, 32> seed{};
  std::copy(machine.bytes.begin(), machine.bytes.end(), seed.begin());
  return wal::SigningKey::from_seed(seed);
}

wal::ChainSigner::Facts facts(const lane::DropCounters& drops) {
  wal::ChainSigner::Facts facts;
  for (std::size_t i = 0; i < lane::kDropCauses; ++i) {
    const auto cause = static_cast<lane::DropCause>(i);
    if (drops.count(cause) != 0) facts.drops[std::string(lane::to_string(cause))] = drops.count(cause);
  }
  return facts;
}

}  // namespace

RackProcess::RackProcess(const Parts& parts)
    : clock(parts.world.clock, parts.wall_offset),
      diagnostics(clock, kNoFile, DiagnosticFormat::kText, Severity::kError),
      tick_source(clock),
      ticks(tick_source, clock),
      ring(parts.world.plan.ring_bytes),
      sanitizer(token_key()),
      telemetry(clock, ledger, drops, limits(parts.world.plan)),
      counted(telemetry),
      bus(parts.world, parts.server, parts.mixer),
      metrics_at(clock.monotonic().value) {}

// As Rack::open_audit, make_pump and make_link do.
Outcome<void> RackProcess::open(const Parts& parts) {
  const Plan& plan = parts.world.plan;
  (void)parts.disk.make_directory(parts.directory);
  wal::WriterSetup setup{parts.disk,          clock, parts.directory + "/audit", parts.machine_id,
                         model::Lane::kAudit, {}};
  setup.options.segment_bytes = plan.segment_bytes;
  setup.options.directory_bytes = plan.directory_bytes;
  setup.options.free_reserve_bytes = 0;
  setup.options.spare_segments = plan.spare_segments;
  setup.options.rack = parts.rack;
  setup.options.software = "sim";
  setup.options.epoch_floor = static_cast<std::uint32_t>(clock.now().value / kNanosPerSecond);
  auto key = signing_key(parts.machine_id);
  setup.options.public_key = key.public_key();
  auto writer = wal::Writer::open(setup);
  if (!writer) return tl::unexpected(writer.error());
  auto receipts = wal::Receipts::load(parts.disk, setup.directory);
  if (!receipts) receipts = wal::Receipts{};
  telemetry.begin_epoch((*writer)->epoch());
  const wal::Receipts stored = *receipts;
  audit = std::make_unique<rack::AuditLane>(parts.disk, *std::move(writer), *std::move(receipts), clock,
                                            diagnostics);
  audit->sign_with(std::make_unique<wal::ChainSigner>(clock, std::move(key), parts.machine_id,
                                                      [this] { return facts(drops); }));
  audit->listen({[](const wal::LossBody&) {},
                 [this] {
                   if (link) link->resend_chain();
                 }});
  pump = std::make_unique<tap::Pump>(
      tap::Pump::Parts{ring, events, tap::Assembler(parts.names, sanitizer, ticks), ticks, *audit, counted,
                       clock},
      tap::Sampling{plan.sampling, 250 * kNanosPerMilli});
  link = std::make_unique<rack::Link>(
      rack::Link::Parts{bus, clock, diagnostics, parts.machine_id,
                        model::Hello{parts.rack, "sim", audit->writer().epoch(), {}, clock.now()}, parts.disk,
                        audit->writer().directory(), audit->writer().durable(), stored, telemetry,
                        [this, wake = parts.wake_pump](const model::Receipt& receipt) {
                          audit->deliver_receipt(receipt);
                          wake();
                        },
                        [] { return std::string("{}"); }, parts.wake_link, connection_changed,
                        [this] { return audit->live_position(); },
                        [this, wake = parts.wake_pump](std::string_view file) {
                          audit->deliver_damage(file);
                          wake();
                        },
                        [this, wake = parts.wake_pump] {
                          audit->begin_segment();
                          wake();
                        }});
  return {};
}

}  // namespace fluxrig::sim
