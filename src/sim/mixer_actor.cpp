#include "sim/mixer_actor.hpp"

#include <algorithm>
#include <limits>

#include "mixer/block_intake.hpp"
#include "model/agent.hpp"
#include "sanitize/sanitizer.hpp"
#include "snake/subjects.hpp"

namespace fluxrig::sim {
namespace {
constexpr const char* kActor = "mixer";
constexpr int kNoFile = -1;  // diagnostics are not looked at
constexpr std::int64_t kNoTurn = std::numeric_limits<std::int64_t>::max();
constexpr const char* kAllHeartbeats = "flux.agent.heartbeat.*";

mixer::PressureDesk::Options desk_options(const Plan& plan) {
  mixer::PressureDesk::Options options;
  options.lease_ms = plan.lease_ms;
  return options;
}

}  // namespace

MixerActor::Process::Process(World& world, MessageServer& server, SimulatedSink& sink,
                             const mixer::RackIndex& racks)
    : clock(world.clock, 0),
      diagnostics(clock, kNoFile, DiagnosticFormat::kText, Severity::kError, sanitize::mask_card_numbers),
      bus(world, server, {}),
      ingest({sink, bus, racks, clock, diagnostics, counters, &watch}, {}),
      desk({bus, presence, watch, clock, diagnostics, [&server] { return server.fills(); },
            [] { return std::optional<mixer::Room>(); }, [] { return std::optional<mixer::Room>(); }},
           desk_options(world.plan)) {}

MixerActor::MixerActor(World& world, MessageServer& server, SimulatedSink& sink,
                       mixer::RackIndex::Names racks)
    : world_(world), server_(server), sink_(sink) {
  racks_.replace(std::move(racks));
  server_.on_message([this] {
    if (process_ != nullptr) turn_after(world_.around(kNanosPerMilli));
  });
}

void MixerActor::start() {
  if (process_ != nullptr) return;
  world_.note(kActor, "starts");
  ++incarnation_;
  process_ = std::make_unique<Process>(world_, server_, sink_, racks_);
  sink_.set_gate([this] { return process_ != nullptr && process_->bus.spend(); });
  turn_at_ = kNoTurn;
  look_at_connection();
  turn_after(0);
  if (world_.plan.lease_ms == 0) return;
  auto heard = process_->bus.subscribe(kAllHeartbeats, [this](const snake::Delivery& d) { hear(d); });
  if (heard) process_->heartbeats = *std::move(heard);
  desk_after(world_.around(kDeskEvery));
}

void MixerActor::hear(const snake::Delivery& delivery) {
  const auto machine = mixer::machine_of_subject(delivery.subject);
  const auto rack = machine ? racks_.name_of(*machine) : std::nullopt;
  auto heartbeat = model::decode_heartbeat(delivery.payload);
  if (process_ == nullptr || !rack || !heartbeat) return;
  process_->presence.heartbeat(*machine, *rack, *std::move(heartbeat), process_->clock.now());
}

void MixerActor::desk_after(std::int64_t delay) {
  world_.schedule.after(delay, [this, incarnation = incarnation_] {
    if (incarnation != incarnation_ || process_ == nullptr) return;
    const auto before = process_->desk.standing().leases;
    process_->desk.turn();
    leases_ += process_->desk.standing().leases - before;
    if (process_->bus.dead()) return die();
    desk_after(kDeskEvery);
  });
}

void MixerActor::kill() {
  if (process_ == nullptr) return;
  process_->bus.die();
  die();
}

void MixerActor::kill_after(std::uint64_t operations) {
  if (process_ != nullptr) process_->bus.die_after(operations);
}

void MixerActor::die() {
  world_.note(kActor, "dies");
  ++deaths_;
  process_.reset();
  world_.schedule.after(world_.around(200 * kNanosPerMilli), [this] { start(); });
}

void MixerActor::set_partitioned(bool partitioned) {
  partitioned_ = partitioned;
  look_at_connection();
}

void MixerActor::look_at_connection() {
  if (process_ == nullptr) return;
  if (server_.up() && !partitioned_)
    process_->bus.connect();
  else
    process_->bus.disconnect();
}

std::optional<Bytes> MixerActor::answer(std::string_view subject, ByteView payload) {
  const auto machine = mixer::machine_of_subject(subject);
  const auto hello = model::decode_hello(payload);
  if (process_ == nullptr || !process_->bus.connected() || !machine || !hello) return std::nullopt;
  for (const auto& consumer : hello->consumers)
    server_.business().ensure_consumer(snake::consumer_name(hello->rack, consumer.gear),
                                       consumer.filter_subject,
                                       snake::deliver_subject(*machine, consumer.gear));
  const auto now = process_->clock.now();
  process_->presence.hello({*machine, hello->rack, hello->version, hello->epoch, hello->started, now, {}});
  process_->desk.greet(*machine);
  process_->receipt_requests.insert(*machine);
  turn_after(world_.around(kNanosPerMilli));
  Bytes reply;
  model::encode(model::HelloReply{}, reply);
  return reply;
}

void MixerActor::turn_after(std::int64_t delay) {
  const std::int64_t at = world_.schedule.now() + delay;
  if (turn_at_ <= at) return;
  turn_at_ = at;
  world_.schedule.at(at, [this, number = ++turns_, incarnation = incarnation_] {
    if (incarnation != incarnation_ || number != turns_ || process_ == nullptr) return;
    turn_at_ = kNoTurn;
    turn();
    if (process_->bus.dead()) die();
  });
}

std::size_t MixerActor::pull() {
  std::size_t pulled = 0;
  for (const auto& [stream, lane] : {std::pair{snake::kStreamAudit, model::Lane::kAudit},
                                     std::pair{snake::kStreamTelemetry, model::Lane::kTelemetry}}) {
    if (process_->ingest.full()) break;
    auto messages = process_->bus.pull(stream, 1 + world_.random.below(128));
    if (!messages) continue;
    for (auto& message : *messages) process_->ingest.add(std::move(message), lane);
    pulled += messages->size();
  }
  return pulled;
}

void MixerActor::turn() {
  auto& process = *process_;
  const std::int64_t now = world_.schedule.now();
  const bool was_empty = process.ingest.empty();
  const std::size_t pulled = pull();
  if (was_empty) process.batch_began = now;
  for (const auto& machine : std::exchange(process.receipt_requests, {}))
    process.ingest.send_receipts(machine);
  if (!process.ingest.empty() && (process.ingest.full() || now - process.batch_began >= kOldest)) {
    if (process.ingest.flush()) {
      process.backoff = 0;
    } else {
      process.backoff = std::clamp(process.backoff * 2, kFirstBackoff, kLongestBackoff);
      return turn_after(process.backoff);
    }
  }
  if (!process.ingest.empty())
    turn_after(std::max<std::int64_t>(process.batch_began + kOldest - now, kNanosPerMilli));
  else
    turn_after(pulled != 0 ? kNanosPerMilli : world_.around(kIdleLook));
}

}  // namespace fluxrig::sim
