#include "mixer/mixer.hpp"

#include <fmt/core.h>

#include <atomic>
#include <filesystem>
#include <thread>
#include <utility>

#include "base/thread_priority.hpp"
#include "mixer/api/http_server.hpp"
#include "mixer/api/openapi_text.hpp"
#include "mixer/api/token.hpp"
#include "mixer/control.hpp"
#include "mixer/dead_letter_thread.hpp"
#include "mixer/export_desk.hpp"
#include "mixer/ingest_thread.hpp"
#include "mixer/nats_server.hpp"
#include "mixer/parts_options.hpp"
#include "mixer/pressure_thread.hpp"
#include "mixer/rack_commands.hpp"
#include "mixer/version.hpp"
#include "sink/duckdb_sink.hpp"
#include "snake/dead_letter_box.hpp"
#include "snake/nats_bus.hpp"
#include "snake/pull_consumer.hpp"
#include "snake/server_check.hpp"
#include "snake/streams.hpp"
#include "snake/subjects.hpp"

namespace fluxrig::mixer {
namespace {

constexpr std::string_view kAuditConsumer = "mixer_audit";
constexpr std::string_view kTelemetryConsumer = "mixer_telemetry";
constexpr std::chrono::milliseconds kCommandPatience{3'000};  // a worker of the API waits for so long

Outcome<void> make_directory(const std::string& path) {
  std::error_code failed;
  std::filesystem::create_directories(path, failed);
  if (failed)
    return problem(fmt::format("{}: cannot be made: {}; set 'data' to a directory that this user may write",
                               path, failed.message()));
  return {};
}

// A wildcard address is no place to point a browser at.
std::string shown_host(const std::string& host) {
  if (host == "0.0.0.0" || host == "::") return "127.0.0.1";
  return host.find(':') == std::string::npos ? host : "[" + host + "]";
}

}  // namespace

// In the order in which they are built; the destructor of Parts ends them in the opposite order, except where
// ~Mixer says.
struct Mixer::Parts {
  Parts(const Config& settings, const Clock& time, Diagnostics& lines)
      : config(settings), clock(time), diagnostics(lines) {}

  const Config config;
  const Clock& clock;
  Diagnostics& diagnostics;
  RackIndex racks;
  Presence presence;
  IngestCounters counters;
  SinkWatch sink_watch;
  TailHub tail;
  MetricBoard board;
  DecisionDesk decisions;
  std::string token;
  std::unique_ptr<NatsServer> server;
  std::unique_ptr<snake::NatsBus> bus;
  std::unique_ptr<snake::StreamAdmin> streams;
  std::unique_ptr<snake::DeadLetterBox> dead_letter_box;
  std::unique_ptr<sink::DuckDbStore> store;
  std::unique_ptr<snake::PullConsumer> audit;
  std::unique_ptr<snake::PullConsumer> telemetry;
  std::unique_ptr<ExportDesk> exporting;  // null: nothing is exported
  std::unique_ptr<RackCommands> commands;
  std::unique_ptr<Api> api;
  std::unique_ptr<HttpServer> http;
  std::unique_ptr<IngestThread> ingest;
  std::unique_ptr<DeadLetterThread> dead_letters;
  std::unique_ptr<PressureThread> pressure;
  std::unique_ptr<Control> control;
  // For the API and the pressure thread: set once these run.
  std::atomic<const Control*> control_seen{nullptr};
  std::atomic<const PressureThread*> pressure_seen{nullptr};

  Outcome<void> open_bus();
  Outcome<void> open_store();
  Outcome<void> start_export();
  Outcome<void> start_ingest();
  Outcome<void> start_control();
  Outcome<void> start_api();
  [[nodiscard]] std::vector<StreamFill> stream_fill() const;
  [[nodiscard]] PressureDesk::Parts pressure_parts();
  Outcome<std::unique_ptr<snake::PullConsumer>> open_consumer(std::string_view stream,
                                                              std::string_view durable);
};

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
  // The store's own threads are made here, and the bus beside it goes before them.
  Outcome<std::unique_ptr<sink::DuckDbStore>> opened;
  std::thread([&] {
    work_behind_business();
    opened = sink::DuckDbStore::open(std::move(options), clock, diagnostics);
  }).join();
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
      Ingest::Parts{store->sink(), *bus, racks, clock, diagnostics, counters, &sink_watch, &decisions},
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
    return now;
  };
  api = std::make_unique<Api>(ApiParts{store->queries(), presence, racks, counters, tail, clock, token,
                                       std::string(openapi_text()), std::string(kVersion), clock.now(),
                                       readiness, dead_letter_box.get(), &diagnostics,
                                       [this](const MachineId& machine, model::ControlCommand& command) {
                                         return commands->send(machine, command, kCommandPatience);
                                       },
                                       &decisions, &board});
  auto started = HttpServer::start(http_options(config), *api, diagnostics);
  if (!started) return tl::unexpected(started.error());
  http = std::move(*started);
  return {};
}

Mixer::Mixer(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Mixer::~Mixer() {
  // Ingest may wake the API's connections: it goes before them. `control` asks ingest for receipts: it stops
  // first; the API and the pressure thread may still read its fill: it is destroyed last.
  if (parts_->control) parts_->control->stop();
  parts_->ingest.reset();
  parts_->decisions.close();
  parts_->http.reset();
  parts_->pressure.reset();
  parts_->control.reset();
}

Outcome<std::unique_ptr<Mixer>> Mixer::start(const Config& config, const Clock& clock,
                                             Diagnostics& diagnostics) {
  if (auto made = make_directory(config.data); !made) return tl::unexpected(made.error());
  // A certificate that is too old is named here; later it is only a handshake that fails.
  if (auto good = check(config, clock); !good) return tl::unexpected(good.error());
  // Owned by a Mixer from the beginning: a failed start ends what runs in the right order.
  std::unique_ptr<Mixer> mixer(new Mixer(std::make_unique<Parts>(config, clock, diagnostics)));
  auto& parts = *mixer->parts_;
  auto token = load_or_create_token(config.token_path());
  if (!token) return tl::unexpected(token.error());
  if (token->created)
    diagnostics.info("mixer.api", "a new API token was written", {{"file", config.token_path()}});
  parts.token = std::move(token->text);
  for (const auto step : {&Parts::open_bus, &Parts::open_store, &Parts::start_export, &Parts::start_api,
                          &Parts::start_ingest, &Parts::start_control})
    if (auto done = (parts.*step)(); !done) return tl::unexpected(done.error());
  return mixer;
}

Outcome<void> Mixer::reload() {
  const auto index = snake::load_index(parts_->config.pki_directory());
  if (!index) return tl::unexpected(index.error());
  if (parts_->server)
    if (auto done = parts_->server->reload(*index); !done) return done;
  parts_->racks.replace(racks_of(*index));
  return {};
}

std::string Mixer::api_address() const {
  return fmt::format("{}://{}:{}", parts_->config.tls_certificate.empty() ? "http" : "https",
                     shown_host(parts_->config.listen_api.host), parts_->http->port());
}

std::string Mixer::nats_address() const {
  if (!parts_->server) return parts_->config.nats_address;
  return fmt::format("tls://{}:{}", shown_host(parts_->config.listen_nats.host), parts_->server->port());
}

Outcome<void> check(const Config& config, const Clock& clock) {
  const auto pki = config.pki_directory();
  const auto index = snake::load_index(pki);
  if (!index) return tl::unexpected(index.error());
  for (const auto role : {snake::CertificateRole::kMixer, snake::CertificateRole::kServer}) {
    if (role == snake::CertificateRole::kServer && !config.nats_address.empty()) continue;
    const auto files = certificate_of(pki, *index, role);
    if (!files) return tl::unexpected(files.error());
    if (const auto facts = snake::check_certificate(*files, clock.now()); !facts)
      return tl::unexpected(facts.error());
  }
  if (!config.nats_address.empty()) return {};
  if (const auto version = snake::server_version(config.nats_binary); !version)
    return tl::unexpected(version.error());
  return {};
}

}  // namespace fluxrig::mixer
