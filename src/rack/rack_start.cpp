// The start of a rack, from the disk outwards: nothing is accepted before its record can be kept.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <thread>

#include "otlp/process_resource.hpp"
#include "rack/rack_parts.hpp"
#include "rack/spool_directory.hpp"
#include "rack/tap_build.hpp"
#include "rack/version.hpp"
#include "sanitize/build.hpp"

namespace fluxrig::rack {
namespace {

std::string version_text() { return std::string(kVersion); }

// The sanitiser's rules in force, as checkpoints name them.
constexpr std::string_view kRuleSet = "builtin-1";
// Room for a good many starts above it.
constexpr std::int64_t kMaxEpochFloor = 0xf0000000;

}  // namespace

Rack::Rack(RackFiles files, const std::vector<gear::GearType>& catalogue, Scenario scenario)
    : files_(std::move(files)),
      catalogue_(catalogue),
      scenario_(std::move(scenario)),
      diagnostics_(clock_, 2, scenario_.log.format, scenario_.log.level, sanitize::mask_card_numbers),
      telemetry_(clock_, ledger_, drops_, {.queue_bytes = scenario_.memory.queue_bytes}),
      started_(clock_.now()) {}

Rack::~Rack() {
  // Threads before what they use; the bus after everything that it calls back.
  if (trimmer_.joinable()) trimmer_.join();
  if (link_thread_) link_thread_->stop(std::chrono::milliseconds(0));
  if (pump_thread_) pump_thread_->stop();
}

Outcome<void> Rack::start() {
  if constexpr (!kTapped)
    diagnostics_.warn("rack", "built with FLUXRIG_TAP=OFF: no transaction is recorded; for benchmarks only");
  if (!sanitize::sanitises()) {
    if (scenario_.profile == Profile::kProduction)
      return problem(
          "this is a build of the leak suite, whose sanitiser does nothing; it runs only under 'profile: "
          "development'");
    diagnostics_.warn("rack",
                      "built without a sanitiser, for ./dev leaks: whatever passes is written in clear");
  }
  std::error_code cause;
  std::filesystem::create_directories(scenario_.data, cause);
  if (cause)
    return problem(
        fmt::format("cannot make the data directory '{}': {}; choose another with 'data:' or FLUXRIG_DATA",
                    scenario_.data, cause.message()));
  auto identity = load_identity(scenario_, clock_, random_);
  if (!identity) return tl::unexpected(identity.error());
  identity_ = *std::move(identity);
  sanitizer_ = std::make_unique<sanitize::Sanitizer>(identity_.token_keys);
  if (!scenario_.rules.empty()) {
    auto rules = sanitize::UserRules::compile(scenario_.rules);
    if (!rules) return problem(fmt::format("sanitize.rules: {}", rules.error().why));
    sanitizer_->add_rules(*std::move(rules));
  }

  if (auto opened = open_audit(); !opened) return opened;
  if (scenario_.mixer)
    if (auto connected = connect_bus(); !connected) return connected;
  if (auto started = start_export(); !started) return started;
  make_pump();
  runtime_ = std::make_unique<Runtime>(
      Runtime::Parts{io_, clock_, random_, diagnostics_, *names_, tick_source_,
                     static_cast<double>(ticks_.to_nanos(1'000'000'000)) / 1e9, ring_, pump_bell_, admission_,
                     gears_bus_.get(), identity_.machine_id, scenario_.rack, scenario_.limits,
                     scenario_.telemetry.audit.durability, scenario_.telemetry.audit.intent,
                     scenario_.telemetry.audit.interval},
      make_wiring());
  if (auto prepared = prepare_spool_directory(scenario_, diagnostics_); !prepared) return prepared;
  runtime_->set_data(disk_, scenario_.data);
  runtime_->seal_under(identity_.token_keys);
  runtime_->set_sampling(scenario_.telemetry.sampling.ratio);
  if (auto started = runtime_->start(); !started) return started;
  if (auto started = start_monitor(); !started) return started;
  glass_ = make_break_glass();
  if (bus_) {
    open_backlog();
    make_link();
  }
  glass_->resume();
  watch_glass();
  event("fluxrig.rack.started", fmt::format("rack {} started, version {}", scenario_.rack, version_text()));
  pump_thread_->start();
  if (link_thread_) link_thread_->start();
  return {};
}

Outcome<void> Rack::open_audit() {
  wal::WriterSetup setup{disk_, clock_, scenario_.data + "/audit", identity_.machine_id, model::Lane::kAudit,
                         {}};
  setup.options.directory_bytes = scenario_.telemetry.audit.disk_bytes;
  setup.options.rack = scenario_.rack;
  setup.options.software = version_text();
  setup.options.reserve_bytes = scenario_.telemetry.audit.reserve_bytes;
  // Seconds: an old backup of this directory, put back, uses no epoch again that the mixer knows.
  setup.options.epoch_floor = static_cast<std::uint32_t>(
      std::clamp<std::int64_t>(clock_.now().value / kNanosPerSecond, 0, kMaxEpochFloor));
  setup.options.epoch_random = static_cast<std::uint32_t>(random_.next());
  auto key = wal::SigningKey::load_or_create(scenario_.data + "/audit.key");
  if (!key) return tl::unexpected(key.error());
  setup.options.public_key = key->public_key();
  auto writer = wal::Writer::open(setup);
  if (!writer) return tl::unexpected(writer.error());
  const auto& recovered = (*writer)->recovered();
  if (recovered.cut_bytes != 0)
    diagnostics_.warn("wal", "the last run ended inside a write; its unfinished tail was cut",
                      {{"file", recovered.cut_file}, {"bytes", fmt::format("{}", recovered.cut_bytes)}});
  for (const auto& damage : recovered.damages)
    diagnostics_.error("wal", "a segment is damaged; run 'fluxrig wal verify'", {{"cause", damage.what}});
  auto receipts = wal::Receipts::load(disk_, setup.directory);
  if (!receipts) {
    diagnostics_.warn(
        "wal", "the receipts cannot be read; all records are sent again, and the mixer knows those it has",
        {{"cause", to_string(receipts.error())}});
    receipts = wal::Receipts{};
  }
  wait_for((*writer)->epoch());
  telemetry_.begin_epoch((*writer)->epoch());
  stored_receipts_ = *receipts;
  audit_ = std::make_unique<AuditLane>(disk_, *std::move(writer), *std::move(receipts), clock_, diagnostics_);
  audit_->sign_with(std::make_unique<wal::ChainSigner>(clock_, *std::move(key), identity_.machine_id,
                                                       [this] { return chain_facts(); }));
  if (scenario_.telemetry.audit.on_full == OnFull::kContinue) audit_->continue_when_full();
  audit_->listen({[this](const wal::LossBody& loss) {
                    event("fluxrig.audit.loss",
                          fmt::format("{} records were lost: {}", loss.count.value_or(0), loss.cause));
                  },
                  [this] { return link_ && link_->resend_chain(); }});
  return {};
}

// A start soon after the last one has an epoch that is still to come. Nothing is served under it before it
// has: a copy of the directory, put back meanwhile, would take the same
// (docs/adr/0009-epochs-are-seconds.md).
void Rack::wait_for(Epoch epoch) {
  const auto ahead = std::chrono::nanoseconds(epoch.value * kNanosPerSecond - clock_.now().value);
  if (ahead.count() <= 0 || ahead > std::chrono::seconds(wal::kEpochsNearClock)) return;
  diagnostics_.info("rack",
                    "started again within seconds of the last start: waiting for the time of this epoch",
                    {{"epoch", std::to_string(epoch.value)},
                     {"ms", std::to_string(std::chrono::ceil<std::chrono::milliseconds>(ahead).count())}});
  std::this_thread::sleep_for(ahead);
}

wal::ChainSigner::Facts Rack::chain_facts() const {
  auto rule_set = std::string(kRuleSet);
  if (!scenario_.rules.empty()) rule_set += "+" + sanitize::fingerprint(scenario_.rules);
  wal::ChainSigner::Facts facts{{}, std::move(rule_set), identity_.token_keys.current.id};
  for (std::size_t i = 0; i < lane::kDropCauses; ++i) {
    const auto cause = static_cast<lane::DropCause>(i);
    if (const auto count = drops_.count(cause); count != 0) facts.drops.emplace(to_string(cause), count);
  }
  return facts;
}

Outcome<void> Rack::connect_bus() {
  snake::NatsOptions options;
  options.servers = {scenario_.mixer->address};
  options.certificate_authority = identity_.certificates->authority;
  options.certificate = identity_.certificates->certificate;
  options.key = identity_.certificates->key;
  options.name = scenario_.rack;
  options.inbox = to_string(identity_.machine_id);
  // The mixer may learn of this rack's certificate later.
  options.reopen_when_refused = true;
  options.one_delivery_thread = true;
  options.on_state = [this](snake::ConnectionState) {
    connection_changed_.store(true, std::memory_order_release);
    link_bell_.ring();
  };
  auto bus = snake::connect(std::move(options), diagnostics_);
  if (!bus) return tl::unexpected(bus.error());
  bus_ = *std::move(bus);
  gears_bus_ = std::make_unique<TimedBus>(*bus_, clock_, business_);
  return {};
}

// What cannot go to the bus waits here; without it the rack runs on, and telemetry waits in memory.
void Rack::open_backlog() {
  auto opened = lane::TelemetryBacklog::open({disk_, clock_, ledger_, drops_, scenario_.data + "/telemetry",
                                              identity_.machine_id, scenario_.rack, version_text(),
                                              scenario_.telemetry.backlog_bytes});
  if (opened)
    backlog_ = *std::move(opened);
  else
    diagnostics_.warn("telemetry", "no backlog on disk: telemetry that cannot be sent waits in memory",
                      {{"cause", opened.error().message}});
}

// Connects to nothing yet: a back end that is away is no reason not to start.
Outcome<void> Rack::start_export() {
  for (const auto& warning : scenario_.telemetry.export_warnings) diagnostics_.warn("otlp.export", warning);
  otlp::Resource resource{
      identity_.machine_id,      audit_->writer().epoch(), scenario_.rack, version_text(), {},
      otlp::process_attributes()};
  auto started = RackExport::start(scenario_.telemetry.exported, std::move(resource), clock_, diagnostics_);
  if (!started) return tl::unexpected(started.error());
  export_ = *std::move(started);
  if (export_)
    export_tap_ = std::make_unique<ExportTap>(ExportTap::Parts{*audit_, telemetry_, *export_, ledger_, drops_,
                                                               clock_, !scenario_.mixer.has_value()});
  else if (!scenario_.mixer)
    telemetry_.disable();
  return {};
}

}  // namespace fluxrig::rack
