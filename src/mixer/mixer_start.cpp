// How a mixer comes up: bus, store, export, API, ingest, control.
#include <filesystem>
#include <utility>

#include "mixer/api/openapi_text.hpp"
#include "mixer/api/token.hpp"
#include "mixer/mixer_parts.hpp"
#include "mixer/parts_options.hpp"
#include "mixer/version.hpp"
#include "snake/server_check.hpp"
#include "snake/subjects.hpp"

namespace fluxrig::mixer {
namespace {

constexpr std::string_view kAuditConsumer = "mixer_audit";
constexpr std::string_view kTelemetryConsumer = "mixer_telemetry";
constexpr std::chrono::milliseconds kCommandPatience{3'000};  // a worker of the API waits for so long

}  // namespace

Outcome<void> Mixer::Parts::open_bus() {
  const auto pki = config.pki_directory();
  const auto index = snake::load_index(pki);
  if (!index) return tl::unexpected(index.error());
  racks.replace(racks_of(*index));
  const auto files = certificate_of(pki, *index, snake::CertificateRole::kMixer);
  if (!files) return tl::unexpected(files.error());
  snake::NatsOptions options;
  options.servers = {config.nats_address};
  if (config.nats_address.empty()) {
    auto started = NatsServer::start(config, *index, diagnostics);
    if (!started) return tl::unexpected(started.error());
    server = std::move(*started);
    options.servers = {server->address()};
  }
  options.certificate_authority = files->authority;
  options.certificate = files->certificate;
  options.key = files->key;
  options.name = "fluxrig-mixer";
  options.inbox = "mixer";
  options.retry_first_connect = false;
  options.connect_timeout = std::chrono::milliseconds(5'000);
  auto connected = snake::connect(std::move(options), diagnostics);
  if (!connected) return tl::unexpected(connected.error());
  bus = std::move(*connected);
  streams = std::make_unique<snake::StreamAdmin>(*bus);
  dead_letter_box = std::make_unique<snake::DeadLetterBox>(*bus);
  const auto sizes = stream_sizes(config.streams);
  if (auto ensured = streams->ensure_streams(sizes); !ensured) return ensured;
  const auto owner = server ? snake::ServerOwner::kMixer : snake::ServerOwner::kForeign;
  return snake::check_server(*bus, server ? server->address() : config.nats_address, owner, sizes,
                             diagnostics);
}

Outcome<void> Mixer::Parts::open_store() {
  sink::StoreOptions options;
  options.directory = std::filesystem::absolute(config.data + "/store");
  options.memory_limit_bytes = config.memory_limit_bytes;
  options.retention_days = config.retention_days;
  options.hot_hours = config.hot_hours;
  auto opened = sink::DuckDbStore::open(std::move(options), clock, diagnostics);
  if (!opened) return tl::unexpected(opened.error());
  store = std::move(*opened);
  presence.recall(store->queries(), diagnostics);
  return {};
}

Outcome<void> Mixer::Parts::start_export() {
  auto started = ExportDesk::start(
      config.exporting, clock, diagnostics,
      [this](const MachineId& machine, Epoch epoch) { return presence.resource_of(machine, epoch); });
  if (!started) return tl::unexpected(started.error());
  exporting = std::move(*started);
  return {};
}

Outcome<std::unique_ptr<snake::PullConsumer>> Mixer::Parts::open_consumer(std::string_view stream,
                                                                          std::string_view durable) {
  snake::PullRequest request;
  request.stream = stream;
  request.durable = durable;
  return snake::PullConsumer::open(*bus, request);
}

Outcome<void> Mixer::Parts::start_ingest() {
  auto first = open_consumer(snake::kStreamAudit, kAuditConsumer);
  if (!first) return tl::unexpected(first.error());
  audit = std::move(*first);
  auto second = open_consumer(snake::kStreamTelemetry, kTelemetryConsumer);
  if (!second) return tl::unexpected(second.error());
  telemetry = std::move(*second);
  const auto from = [](snake::PullConsumer& consumer) -> PullBlocks {
    return [&consumer](std::size_t most, std::chrono::milliseconds wait) {
      return consumer.fetch(static_cast<int>(most), wait);
    };
  };
  ingest = std::make_unique<IngestThread>(
      Ingest::Parts{store->sink(), *bus, racks, clock, diagnostics, counters, &sink_watch, &decisions,
                    intake.get()},
      presence,
      std::vector<IngestSource>{{model::Lane::kAudit, from(*audit)},
                                {model::Lane::kTelemetry, from(*telemetry)}},
      IngestPace{}, [this](const std::vector<StoredTransaction>& stored) { tail.publish(stored); },
      [this](std::vector<FreshBlock> blocks, std::size_t bytes) {
        board.take(blocks, clock.now());
        if (exporting) exporting->offer(std::move(blocks), bytes);
      });
  auto letters = DeadLetterThread::start(*bus, diagnostics);
  if (!letters) return tl::unexpected(letters.error());
  dead_letters = std::move(*letters);
  return {};
}

std::vector<StreamFill> Mixer::Parts::stream_fill() const {
  // Pairs with the store in start_control; ~Mixer ends those who ask before it ends control.
  const auto* seen = control_seen.load();
  return seen == nullptr ? std::vector<StreamFill>{} : seen->fill();
}

PressureDesk::Parts Mixer::Parts::pressure_parts() {
  return {*bus,
          presence,
          sink_watch,
          clock,
          diagnostics,
          [this] { return stream_fill(); },
          [this] { return disk_room(config.data); },
          [] { return memory_room(); },
          exporting ? std::function<ExportFill()>([this] {
            return ExportFill{exporting->saturation(), exporting->taken()};
          })
                    : nullptr};
}

Outcome<void> Mixer::Parts::start_control() {
  pressure = std::make_unique<PressureThread>(pressure_parts(), pressure_options(config));
  pressure_seen.store(pressure.get());
  auto controlling = Control::start(
      {*bus, *streams, server.get(), racks, presence, clock, diagnostics, [this](const MachineId& machine) {
         ingest->request_receipts(machine);
         pressure->greet(machine);
       }});
  if (!controlling) return tl::unexpected(controlling.error());
  control = std::move(*controlling);
  control_seen.store(control.get());
  return {};
}

Outcome<void> Mixer::Parts::start_api() {
  auto commanding = RackCommands::start(*bus, clock);
  if (!commanding) return tl::unexpected(commanding.error());
  commands = std::move(*commanding);
  const auto readiness = [this] {
    Readiness now;
    now.bus_connected = bus->connected();
    now.streams = stream_fill();
    if (const auto* seen = pressure_seen.load()) now.pressure = seen->standing();
    if (exporting) now.exporting = exporting->status_json();
    if (const auto* seen = receiver_seen.load()) now.receiving = seen->figures();
    return now;
  };
  api = std::make_unique<Api>(ApiParts{store->queries(), presence, racks, counters, tail, clock, token,
                                       openapi_document(), std::string(kVersion), clock.now(), readiness,
                                       dead_letter_box.get(), &diagnostics,
                                       [this](const MachineId& machine, model::ControlCommand& command) {
                                         return commands->send(machine, command, kCommandPatience);
                                       },
                                       &decisions, &board});
  auto started = HttpServer::start(http_options(config), *api, diagnostics);
  if (!started) return tl::unexpected(started.error());
  http = std::move(*started);
  return {};
}

// The last to start: what it takes is stored from its first request on.
Outcome<void> Mixer::Parts::start_receiver() {
  if (!intake) return {};
  auto secret = load_or_create_token(config.otlp_token_path());
  if (!secret) return tl::unexpected(secret.error());
  if (secret->created)
    diagnostics.info("mixer.receive", "a new token for services was written",
                     {{"file", config.otlp_token_path()}});
  receiver = std::make_unique<Receiver>(Receiver::Parts{
      *intake, std::move(secret->text), [this] { return pressure->standing().level >= Receiver::kTooMuch; }});
  auto started = HttpServer::start(receive_options(config), *receiver, diagnostics);
  if (!started) return tl::unexpected(started.error());
  otlp_http = std::move(*started);
  receiver_seen.store(receiver.get());
  return {};
}

}  // namespace fluxrig::mixer
