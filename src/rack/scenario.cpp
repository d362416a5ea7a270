#include "rack/scenario.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>

#include "base/nearest.hpp"
#include "gear/option_values.hpp"
#include "rack/scenario_options.hpp"
#include "rack/scenario_rules.hpp"
#include "rack/scenario_wires.hpp"
#include "sanitize/excerpt.hpp"
#include "sanitize/sanitizer.hpp"
#include "snake/subjects.hpp"

namespace fluxrig::rack {
namespace {

using Complaints = std::vector<yaml::Complaint>;

constexpr std::size_t kMaxGears = 1024;
constexpr std::size_t kMaxPorts = 256;  // of one gear
constexpr std::size_t kMaxShown = 64;

std::string in_folder(std::string_view folder, const std::string& path) {
  if (folder.empty() || path.empty() || path.starts_with('/')) return path;
  return fmt::format("{}/{}", folder, path);
}

int width_of(std::string_view text) { return static_cast<int>(std::clamp<std::size_t>(text.size(), 1, 80)); }

void check_address(const gear::Settings& mixer, Complaints& complaints) {
  const std::string address = mixer.text("address");
  std::string_view rest = address;
  for (const std::string_view scheme : {"nats://", "tls://"})
    if (rest.starts_with(scheme)) rest.remove_prefix(scheme.size());
  if (!address.empty() && !gear::parse_address(rest))
    complaints.push_back(
        {mixer.mark("address"), width_of(address),
         fmt::format("mixer: '{}' is no address of a NATS server", sanitize::excerpt(address, kMaxShown)),
         "such as nats://mixer.example:4222"});
}

Telemetry telemetry_of(const gear::Settings& settings) {
  Telemetry telemetry;
  const auto* audit = settings.map("audit");
  telemetry.audit.durability =
      audit->text("durability") == "interval" ? Durability::kInterval : Durability::kCommit;
  const auto intent = audit->text("intent");
  telemetry.audit.intent = intent == "commit" ? IntentMode::kCommit
                           : intent == "off"  ? IntentMode::kOff
                                              : IntentMode::kAsync;
  telemetry.audit.interval = audit->duration("interval");
  telemetry.audit.disk_bytes = audit->size("disk");
  telemetry.audit.on_full = audit->text("on_full") == "continue" ? OnFull::kContinue : OnFull::kRefuse;
  telemetry.audit.reserve_bytes = audit->size("reserve");
  telemetry.sampling.ratio = settings.map("sampling")->number("ratio");
  telemetry.sampling.slow = settings.map("sampling")->duration("slow");
  telemetry.metrics_interval = settings.map("metrics")->duration("interval");
  telemetry.backlog_bytes = settings.map("backlog")->size("disk");
  return telemetry;
}

void in_folder(std::string_view folder, otlp::ExportLayer& layer) {
  for (auto* file : {&layer.ca, &layer.certificate, &layer.key})
    if (*file) *file = in_folder(folder, **file);
}

// What the file says, with its paths, and then the variables, which are of the place where the rack runs.
void read_export(const gear::Settings& telemetry, std::string_view folder, const Environment& environment,
                 Scenario& scenario, Complaints& complaints) {
  auto& settings = scenario.telemetry.exported;
  settings.queue_bytes = kExportQueueBytes;
  if (telemetry.has("export"))
    otlp::read_section(*telemetry.free("export"), settings, complaints, "telemetry.export");
  in_folder(folder, settings.general);
  for (auto& layer : settings.signals) in_folder(folder, layer);
  std::vector<std::string> variables;
  for (const auto& [name, value] : environment)
    if (name.starts_with("OTEL_")) variables.push_back(fmt::format("{}={}", name, value));
  scenario.telemetry.export_warnings = otlp::apply_environment(variables, settings);
  if (auto fault = settings.fault())
    complaints.push_back(
        {telemetry.mark("export"), 1, *std::move(fault), "see telemetry.export, and OTEL_*"});
}

Severity severity_of(std::string_view level) {
  if (level == "error") return Severity::kError;
  if (level == "warn") return Severity::kWarn;
  return level == "debug" ? Severity::kDebug : Severity::kInfo;
}

// Names become subjects, files, columns and labels, which nothing searches again.
void refuse_card_number(std::string_view name, yaml::Mark mark, Complaints& complaints) {
  if (sanitize::mask_card_numbers(name) != name)
    complaints.push_back({mark, width_of(name), "a name holds what looks like a card number",
                          "names stand in every record: choose another one"});
}

void check_rack_name(const gear::Settings& settings, Complaints& complaints) {
  const std::string rack = settings.text("rack");
  refuse_card_number(rack, settings.mark("rack"), complaints);
  if (!rack.empty() && !snake::valid_rack_name(rack))
    complaints.push_back({settings.mark("rack"), width_of(rack),
                          fmt::format("'{}' is no name of a rack", sanitize::excerpt(rack, kMaxShown)),
                          "1 to 32 of a-z, 0-9, _ and -; no '__', no '_' at the end"});
}

// For settings without complaints: every default is there.
void take_rack_settings(const gear::Settings& settings, std::string_view folder, Scenario& scenario,
                        Complaints& complaints) {
  scenario.rack = settings.text("rack");
  if (const auto* mixer = settings.map("mixer"))
    scenario.mixer = Mixer{mixer->text("address"), in_folder(folder, mixer->text("certificates"))};
  const std::string data = settings.text("data");
  scenario.data = in_folder(folder, data.empty() ? fmt::format("fluxrig-data/{}", scenario.rack) : data);
  scenario.telemetry = telemetry_of(*settings.map("telemetry"));
  scenario.profile = settings.text("profile") == "development" ? Profile::kDevelopment : Profile::kProduction;
  scenario.core_dumps = settings.boolean("core_dumps");
  if (scenario.profile == Profile::kProduction && scenario.core_dumps)
    complaints.push_back({settings.mark("core_dumps"), 4, "profile: production refuses core dumps",
                          "a dump holds every message in memory; only profile: development allows them"});
  const auto* limits = settings.map("limits");
  scenario.limits.in_flight = static_cast<std::uint32_t>(limits->integer("in_flight"));
  scenario.limits.transaction_timeout = limits->duration("transaction_timeout");
  const auto* memory = settings.map("memory");
  scenario.memory = {std::bit_ceil(memory->size("ring")), memory->size("queue"),
                     static_cast<int>(memory->integer("arenas")), memory->size("thread_stack")};
  if (const auto* monitor = settings.map("monitor"))
    scenario.monitor = MonitorListen{monitor->endpoint("listen"), monitor->mark("listen")};
  const auto* log = settings.map("log");
  scenario.log.format = log->text("format") == "json" ? DiagnosticFormat::kJson : DiagnosticFormat::kText;
  scenario.log.level = severity_of(log->text("level"));
  if (scenario.profile == Profile::kProduction && scenario.log.level == Severity::kDebug)
    complaints.push_back(
        {log->mark("level"), width_of(log->text("level")), "profile: production refuses debug diagnostics",
         "use level: info and break the glass when it must be ('fluxrig rack debug RACK --reason "
         "TEXT --for TIME'), or use profile: development"});
}

const gear::GearType* find_type(const yaml::Node::Entry& entry, const std::vector<gear::GearType>& catalogue,
                                Complaints& complaints) {
  const auto* type = entry.value.find("type");
  std::vector<std::string_view> names;
  for (const auto& known : catalogue) names.push_back(known.name);
  const std::string all = fmt::format("one of: {}", fmt::join(names, ", "));
  if (type == nullptr || !type->is_scalar()) {
    complaints.push_back(
        {type == nullptr ? entry.mark : type->mark, 1,
         fmt::format("gear '{}': 'type' is missing", sanitize::excerpt(entry.key, kMaxShown)), all});
    return nullptr;
  }
  for (const auto& known : catalogue)
    if (known.name == type->scalar) return &known;
  const std::string nearest = nearest_name(type->scalar, names);
  complaints.push_back({type->mark, width_of(type->scalar),
                        fmt::format("gear '{}': unknown type '{}'", sanitize::excerpt(entry.key, kMaxShown),
                                    sanitize::excerpt(type->scalar, kMaxShown)),
                        nearest.empty() ? all : fmt::format("did you mean '{}'? {}", nearest, all)});
  return nullptr;
}

std::vector<std::string> ports_of(const gear::GearType& type, const gear::Settings& settings) {
  if (type.role == gear::Role::kEgress) return {};
  if (type.ports.empty()) return {""};
  if (type.ports.size() == 1 && type.ports[0] == "*")
    return type.settings_ports == nullptr ? std::vector<std::string>{} : type.settings_ports(settings);
  return {type.ports.begin(), type.ports.end()};
}

void read_gear(const yaml::Node::Entry& entry, std::string_view folder,
               const std::vector<gear::GearType>& catalogue, Scenario& scenario, Complaints& complaints) {
  if (!snake::valid_name_token(entry.key))
    complaints.push_back({entry.mark, width_of(entry.key),
                          fmt::format("'{}' is no name of a gear", sanitize::excerpt(entry.key, kMaxShown)),
                          "1 to 32 of a-z, 0-9, _ and -"});
  refuse_card_number(entry.key, entry.mark, complaints);
  const auto* type = find_type(entry, catalogue, complaints);
  if (type == nullptr) return;
  yaml::Node options = entry.value;
  std::erase_if(options.entries, [](const auto& option) { return option.key == "type"; });
  const std::string where = fmt::format("gear '{}'", sanitize::excerpt(entry.key, kMaxShown));
  const auto before = complaints.size();
  gear::Settings settings(options, type->options, folder, where, complaints);
  if (complaints.size() == before && type->check != nullptr) type->check(settings, complaints);
  if (complaints.size() != before) return;
  auto ports = ports_of(*type, settings);
  if (ports.size() > kMaxPorts) {
    complaints.push_back(
        {entry.mark, width_of(entry.key), fmt::format("{}: more than {} ports", where, kMaxPorts), ""});
    return;
  }
  scenario.gears.push_back({entry.key, type, std::move(settings), std::move(ports), entry.mark});
}

void read_gears(const yaml::Node& gears, std::string_view folder,
                const std::vector<gear::GearType>& catalogue, Scenario& scenario, Complaints& complaints) {
  if (!gears.is_map() || gears.entries.empty()) {
    complaints.push_back({gears.mark, 1, "'gears' must be a map with at least one gear",
                          "such as shop: {type: http_server, ...}"});
    return;
  }
  if (gears.entries.size() > kMaxGears) {
    complaints.push_back({gears.mark, 1, fmt::format("more than {} gears", kMaxGears), ""});
    return;
  }
  for (const auto& entry : gears.entries) read_gear(entry, folder, catalogue, scenario, complaints);
}

bool is_any(std::string_view host) { return host.empty() || host == "0.0.0.0" || host == "::"; }

bool collide(const gear::Endpoint& one, const gear::Endpoint& other) {
  if (one.port == 0 || one.port != other.port) return false;
  return one.host == other.host || is_any(one.host) || is_any(other.host);
}

void check_same_ports(const Scenario& scenario, Complaints& complaints) {
  const auto places = listen_places(scenario);
  for (auto added = places.begin(); added != places.end(); ++added) {
    const auto other = std::find_if(places.begin(), added, [&](const ListenPlace& one) {
      return collide(one.endpoint, added->endpoint);
    });
    if (other == added) continue;
    complaints.push_back(
        {added->mark, 1,
         fmt::format("{}: port {} is already taken by {}", added->owner, added->endpoint.port, other->owner),
         "each listener needs a port of its own"});
  }
}

}  // namespace

std::optional<std::size_t> Scenario::target(std::size_t from, std::uint16_t port) const noexcept {
  for (const auto& wire : wires)
    if (wire.from == from && wire.port == port) return wire.to;
  return std::nullopt;
}

tl::expected<Scenario, Complaints> load(std::string_view text, std::string_view folder,
                                        const std::vector<gear::GearType>& catalogue,
                                        const Environment& environment) {
  auto root = yaml::parse(text);
  if (!root) return tl::unexpected<Complaints>(Complaints{root.error()});
  Complaints complaints;
  if (!root->is_map()) {
    complaints.push_back({root->mark, 1, "a scenario is a map", "it begins with rack: NAME"});
    return tl::unexpected<Complaints>(std::move(complaints));
  }
  apply_environment(environment, folder, *root, complaints);
  Scenario scenario;
  const gear::Settings settings(*root, scenario_options(), folder, "", complaints);
  const bool is_readable = complaints.empty();
  check_rack_name(settings, complaints);
  if (const auto* mixer = settings.map("mixer")) check_address(*mixer, complaints);
  if (is_readable) {
    take_rack_settings(settings, folder, scenario, complaints);
    read_export(*settings.map("telemetry"), folder, environment, scenario, complaints);
    if (const auto* keys = settings.map("keys")) scenario.key_command = key_command_of(*keys, complaints);
    if (const auto* sanitizing = settings.map("sanitize"))
      scenario.rules = read_rules(*sanitizing, text, complaints);
  }

  const auto before_gears = complaints.size();
  std::vector<std::string_view> names;
  if (const auto* gears = root->find("gears")) {
    for (const auto& entry : gears->entries) names.push_back(entry.key);
    read_gears(*gears, folder, catalogue, scenario, complaints);
  }
  check_same_ports(scenario, complaints);
  if (const auto* wires = root->find("wires")) read_wires(*wires, text, names, scenario, complaints);
  // What follows from a mistake above is no further mistake: the graph is judged when its parts are sound.
  if (complaints.size() == before_gears && settings.has("gears") && settings.has("wires"))
    check_graph(scenario, complaints);
  if (!complaints.empty()) return tl::unexpected<Complaints>(std::move(complaints));
  return scenario;
}

}  // namespace fluxrig::rack
