#include "sim/rack_process.hpp"

#include <algorithm>

#include "gear/bus/bus_in.hpp"
#include "gear/bus/bus_out.hpp"
#include "wal/chain_signer.hpp"

namespace fluxrig::sim {
namespace {

constexpr int kNoFile = -1;  // diagnostics are not looked at
// Short beside the product's, so that a run meets them.
constexpr auto kTransactionTimeout = std::chrono::milliseconds(8000);
constexpr auto kPatience = std::chrono::milliseconds(2000);  // of bus_out with the stream

rack::IntentMode intent_mode(IntentRule rule) {
  switch (rule) {
    case IntentRule::kCommit:
      return rack::IntentMode::kCommit;
    case IntentRule::kOff:
      return rack::IntentMode::kOff;
    case IntentRule::kAsync:
      break;
  }
  return rack::IntentMode::kAsync;
}

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
    : disk(parts.disk),
      clock(parts.world.clock, parts.wall_offset),
      diagnostics(clock, kNoFile, DiagnosticFormat::kText, Severity::kError, sanitize::mask_card_numbers),
      tick_source(clock),
      ticks(tick_source, clock),
      ring(parts.world.plan.ring_bytes),
      sanitizer(token_key()),
      telemetry(clock, ledger, drops, limits(parts.world.plan)),
      counted(telemetry),
      loop(parts.world, parts.worked),
      bus(parts.world, parts.server, parts.mixer),
      safe_until(parts.world.schedule.now()),
      metrics_at(clock.monotonic().value) {
  bus.on_touched([this] { loop.poke(); });
}

// As Rack::start does.
Outcome<void> RackProcess::open(const Parts& parts) {
  const Plan& plan = parts.world.plan;
  (void)disk.make_directory(parts.directory);
  if (auto opened = open_audit(parts); !opened) return opened;
  if (plan.backlog_bytes != 0) open_backlog(parts);
  tap::AuditOutput& output = counted_audit ? static_cast<tap::AuditOutput&>(*counted_audit) : *audit;
  pump = std::make_unique<tap::Pump>(
      tap::Pump::Parts{ring, events, tap::Assembler(names, sanitizer, ticks), ticks, output, counted, clock},
      tap::Sampling{plan.sampling, 250 * kNanosPerMilli});
  rack::Limits open_limits;
  open_limits.in_flight = 1000;
  open_limits.transaction_timeout = kTransactionTimeout;
  rack::Runtime::Parts runtime_parts{
      loop.io(), clock, parts.world.random, diagnostics, names,      tick_source, 1.0, ring, bell,
      admission, &bus,  parts.machine_id,   parts.rack,  open_limits};
  runtime_parts.durability = plan.commit ? rack::Durability::kCommit : rack::Durability::kInterval;
  runtime_parts.intent = intent_mode(plan.intent);
  runtime_parts.interval = std::chrono::milliseconds(plan.interval / kNanosPerMilli);
  runtime_parts.employ = [this](gear::Job& job, const char*) { return loop.employ(job); };
  runtime = std::make_unique<rack::Runtime>(std::move(runtime_parts), wiring(parts));
  runtime->set_data(disk, parts.directory);
  runtime->set_sampling(plan.sampling);
  if (auto started = runtime->start(); !started) return started;
  make_link(parts);
  return {};
}

Outcome<void> RackProcess::open_audit(const Parts& parts) {
  const Plan& plan = parts.world.plan;
  wal::WriterSetup setup{disk, clock, parts.directory + "/audit", parts.machine_id, model::Lane::kAudit, {}};
  setup.options.segment_bytes = plan.segment_bytes;
  setup.options.directory_bytes = plan.directory_bytes;
  setup.options.free_reserve_bytes = 0;
  setup.options.spare_segments = plan.spare_segments;
  setup.options.rack = parts.rack;
  setup.options.software = "sim";
  setup.options.epoch_floor = static_cast<std::uint32_t>(clock.now().value / kNanosPerSecond);
  // Apart from the run's own: whether it is used depends on little.
  SeededRandom random(plan.seed ^ (parts.incarnation << 8U) ^ parts.number);
  setup.options.epoch_random = static_cast<std::uint32_t>(random.next());
  auto key = signing_key(parts.machine_id);
  setup.options.public_key = key.public_key();
  auto writer = wal::Writer::open(setup);
  if (!writer) return tl::unexpected(writer.error());
  auto receipts = wal::Receipts::load(disk, setup.directory);
  if (!receipts) receipts = wal::Receipts{};
  telemetry.begin_epoch((*writer)->epoch());
  stored_ = *receipts;
  audit =
      std::make_unique<rack::AuditLane>(disk, *std::move(writer), *std::move(receipts), clock, diagnostics);
  audit->sign_with(std::make_unique<wal::ChainSigner>(clock, std::move(key), parts.machine_id,
                                                      [this] { return facts(drops); }));
  if (plan.continue_when_full) {
    audit->continue_when_full();
    counted_audit =
        std::make_unique<CountedAudit>(*audit, parts.world.oracle, parts.world.losses, parts.machine_id);
  }
  audit->listen({[this](const wal::LossBody&) { event("fluxrig.audit.loss"); },
                 [this] { return link && link->resend_chain(); }});
  return {};
}

void RackProcess::open_backlog(const Parts& parts) {
  lane::TelemetryBacklog::Setup setup{
      disk, clock, ledger, drops, parts.directory + "/telemetry", parts.machine_id, parts.rack, "sim"};
  setup.bytes = parts.world.plan.backlog_bytes;
  setup.free_bytes = parts.world.plan.backlog_free_bytes;
  setup.least_segment_bytes = wal::WriterOptions::kMinSegmentBytes;
  if (auto opened = lane::TelemetryBacklog::open(setup)) backlog = *std::move(opened);
}

bool RackProcess::state_ledger(lane::TelemetryLedger::Occasion occasion) {
  if (occasion == lane::TelemetryLedger::Occasion::kLast)
    telemetry.finish();
  else
    telemetry.settle();
  return ledger.state(clock, occasion, [this](model::Log log) { return events.offer(std::move(log)); });
}

void RackProcess::event(const char* name) {
  model::Log log;
  log.time = clock.now();
  log.event_name = name;
  (void)events.offer(std::move(log));
}

// shop -> bank, shop -> post ~ the other rack: desk -> tag -> host.
rack::Wiring RackProcess::wiring(const Parts& parts) {
  static const gear::GearType kShop{.name = "shop", .role = gear::Role::kIngress};
  static const gear::GearType kPeer{.name = "peer", .role = gear::Role::kEgress};
  static const gear::GearType kTag{.name = "tag", .role = gear::Role::kFilter};
  static const gear::GearType kBusOut{.name = "bus_out", .role = gear::Role::kEgress};
  static const gear::GearType kBusIn{.name = "bus_in", .role = gear::Role::kIngress};
  const Business business{parts.world,
                          {parts.number, parts.incarnation},
                          [this] { return !dead(); },
                          [this, worked = parts.worked] {
                            loop.poke();
                            worked();
                          }};
  rack::Wiring wiring;
  auto owned = std::make_unique<Shop>(business);
  shop = owned.get();
  const auto from = wiring.add({"shop", kShop, std::move(owned)}, names);
  const auto bank =
      wiring.add({"bank", kPeer, std::make_unique<Partner>(business, Partner::Kind::kBank)}, names);
  wiring.wire(from, Shop::kBank, bank);
  if (parts.world.plan.posts == 0) return wiring;
  gear::bus::BusOutOptions out;
  out.reply = false;
  out.reply_timeout = kPatience;
  out.spool_bytes = lane::Spool::kMinBytes;
  out.spool_window = parts.world.plan.spool_window;
  const auto post = wiring.add({"post", kBusOut, std::make_unique<gear::bus::BusOut>(std::move(out))}, names);
  wiring.wire(from, Shop::kPost, post);
  gear::bus::BusInOptions in;
  in.from = parts.source;
  const auto desk = wiring.add({"desk", kBusIn, std::make_unique<gear::bus::BusIn>(std::move(in))}, names);
  const auto tag = wiring.add({"tag", kTag, std::make_unique<Tag>(business)}, names);
  const auto host =
      wiring.add({"host", kPeer, std::make_unique<Partner>(business, Partner::Kind::kHost)}, names);
  wiring.wire(desk, 0, tag);
  wiring.wire(tag, 0, host);
  return wiring;
}

void RackProcess::make_link(const Parts& parts) {
  link = std::make_unique<rack::Link>(rack::Link::Parts{
      bus,
      clock,
      parts.world.random,
      diagnostics,
      parts.machine_id,
      model::Hello{parts.rack, "sim", audit->writer().epoch(), runtime->consumers(), clock.now()},
      disk,
      audit->writer().directory(),
      audit->writer().durable(),
      stored_,
      telemetry,
      backlog.get(),
      [this, wake = parts.wake_pump](const model::Receipt& receipt) {
        audit->deliver_receipt(receipt);
        wake();
      },
      [] { return std::string("{}"); },
      parts.wake_link,
      connection_changed,
      [this] { return audit->live_position(); },
      [this, wake = parts.wake_pump](std::string_view file) {
        audit->deliver_damage(file);
        wake();
      },
      [this, wake = parts.wake_pump] {
        audit->begin_segment();
        wake();
      },
      /*on_transition=*/{},
      /*on_chunk=*/[this](std::size_t bytes) { telemetry.set_batch_bytes(bytes); },
      /*business=*/nullptr,
      /*take_commands=*/[] {},
      /*audit_needs_space=*/[this] { return audit->on_reserve(); }});
}

}  // namespace fluxrig::sim
