// A rack's YAML file, checked: what runs, how it is wired, where it keeps its data. Every mistake is
// reported, each with its place, cause and the nearest valid name. docs/scenario.md lists the keys. Values
// only; any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/diagnostics.hpp"
#include "base/result.hpp"
#include "base/yaml.hpp"
#include "gear/settings.hpp"
#include "otlp/settings.hpp"
#include "sanitize/key_command.hpp"
#include "sanitize/user_rules.hpp"

namespace fluxrig::rack {

enum class Durability : std::uint8_t {
  kCommit,    // a reply waits until its record is on disk
  kInterval,  // it does not; the loss window is Audit::interval
};
// What is recorded before a transaction leaves the rack.
enum class IntentMode : std::uint8_t {
  kAsync,   // its intent, on its way to the disk; a crash may lose the newest
  kCommit,  // the departure waits until the intent is on disk
  kOff,     // nothing
};
enum class OnFull : std::uint8_t {
  kRefuse,    // new work is refused; nothing is lost
  kContinue,  // replies go on; what cannot be written is counted and declared
};
enum class Profile : std::uint8_t { kProduction, kDevelopment };

struct Mixer {
  std::string address;       // "nats://host:port"
  std::string certificates;  // directory; relative paths of the file are resolved
};

struct Audit {
  Durability durability = Durability::kCommit;
  std::chrono::milliseconds interval{5};
  IntentMode intent = IntentMode::kAsync;
  std::uint64_t disk_bytes = 2ULL << 30;  // all audit segments together
  OnFull on_full = OnFull::kRefuse;
  std::uint64_t reserve_bytes = 16ULL << 20;
};

struct Sampling {
  double ratio = 1;                     // of the traces whose child spans are kept, by trace_id
  std::chrono::milliseconds slow{250};  // slower transactions and errors are always kept
};

// Of each signal; a rack has less room than a mixer.
inline constexpr std::uint64_t kExportQueueBytes = 8ULL << 20;

struct Telemetry {
  Audit audit;
  Sampling sampling;
  std::chrono::milliseconds metrics_interval{10'000};
  std::uint64_t backlog_bytes = 256ULL << 20;  // all segments of waiting P2 together
  otlp::ExportSettings exported;               // straight from this rack; OTEL_* put over the file
  std::vector<std::string> export_warnings;    // OTEL_* that were ignored, a sentence each
};

struct Limits {
  std::uint32_t in_flight = 4096;  // open transactions; more are refused
  std::chrono::milliseconds transaction_timeout{30'000};
};

// What a rack takes of its machine's memory: docs/footprint.md.
struct Memory {
  std::size_t ring_bytes = 256U << 10;  // a power of two
  std::size_t queue_bytes = 4U << 20;   // of P2 in memory
  int arenas = 3;
  std::size_t thread_stack_bytes = 1U << 20;
};

struct Log {
  DiagnosticFormat format = DiagnosticFormat::kText;
  Severity level = Severity::kInfo;
};

// A listener of the rack's own: /metrics, /livez, /readyz.
struct MonitorListen {
  gear::Endpoint listen;
  yaml::Mark mark;
};

struct GearEntry {
  std::string name;
  const gear::GearType* type = nullptr;  // never null; points into the catalogue given to load
  gear::Settings settings;
  // Names of the output ports, in the order of Step::next(port): one empty name when the type has one unnamed
  // port, none for an egress gear.
  std::vector<std::string> ports;
  yaml::Mark mark;  // of the name
};

// From an output port of a gear into another gear; both are indexes into Scenario::gears.
struct Wire {
  std::size_t from = 0;
  std::uint16_t port = 0;
  std::size_t to = 0;
  yaml::Mark mark;  // of the target's name in the wire
};

// Holds for every scenario that load returns: at least one ingress gear; every output port has exactly one
// wire; no loops; every gear is reachable from an ingress; nothing leads into an ingress or out of an egress.
struct Scenario {
  std::string rack;
  std::optional<Mixer> mixer;
  std::string data;  // directory; made when missing
  Telemetry telemetry;
  Profile profile = Profile::kProduction;
  bool core_dumps = false;
  std::optional<sanitize::KeyCommand> key_command;  // instead of the file token.key
  std::vector<sanitize::UserRule> rules;            // of the sanitiser, beside those built in; they compile
  std::vector<GearEntry> gears;                     // in the order of the file
  std::vector<Wire> wires;
  Limits limits;
  Memory memory;
  Log log;
  std::optional<MonitorListen> monitor;

  // The gear behind an output port; nullopt for ports that do not exist.
  [[nodiscard]] std::optional<std::size_t> target(std::size_t from, std::uint16_t port) const noexcept;
};

// FLUXRIG_<PATH> of the environment overrides the scalar under that path outside `gears` and `wires`:
// FLUXRIG_TELEMETRY_SAMPLING_RATIO is telemetry.sampling.ratio. OTEL_* are read as OpenTelemetry has them
// (otlp/settings.hpp). Other variables are ignored.
using Environment = std::map<std::string, std::string, std::less<>>;

// Paths in the file are relative to `folder`. `catalogue` must outlive the result. Opens no socket and makes
// no file; looks only whether the files that gears name exist.
[[nodiscard]] tl::expected<Scenario, std::vector<yaml::Complaint>> load(
    std::string_view text, std::string_view folder, const std::vector<gear::GearType>& catalogue,
    const Environment& environment = {});

// Every address that a scenario listens on.
struct ListenPlace {
  std::string owner;  // "gear 'shop'", "monitor"
  gear::Endpoint endpoint;
  yaml::Mark mark;
};
[[nodiscard]] std::vector<ListenPlace> listen_places(const Scenario& scenario);

// What the machine says to it: a listening port that cannot be bound, a certificates directory that is not
// there. Binds each port for an instant; so only for a rack that is not running.
[[nodiscard]] std::vector<yaml::Complaint> check_ports(const Scenario& scenario);
[[nodiscard]] std::vector<yaml::Complaint> check_directories(const Scenario& scenario);

// What a person reads: every complaint with its line and a mark under the culprit, in the order of the file,
// then "edge.yaml: 2 errors. Nothing was started.". Empty for no complaints.
[[nodiscard]] std::string report(const std::vector<yaml::Complaint>& complaints, std::string_view file,
                                 std::string_view text);

// Markdown: the summary and the table of options of one gear type; of the keys outside gears and wires, with
// their environment variables.
[[nodiscard]] std::string reference_page(const gear::GearType& type);
[[nodiscard]] std::string scenario_reference();

}  // namespace fluxrig::rack
