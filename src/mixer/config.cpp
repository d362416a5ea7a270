#include "mixer/config.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <vector>

#include "base/nearest.hpp"
#include "base/yaml.hpp"
#include "sanitize/excerpt.hpp"
#include "sanitize/sanitizer.hpp"

namespace fluxrig::mixer {
namespace {

constexpr std::size_t kMostShown = 64;  // characters of a wrong value or key in a message
constexpr std::string_view kEnvironmentPrefix = "FLUXRIG_MIXER_";
constexpr std::string_view kExportKey = "export";  // a section with a reader of its own

// nullopt: taken; otherwise the sentence that says what is wrong.
using Wrong = std::optional<std::string>;
struct Setting {
  std::string_view path;
  Wrong (*apply)(std::string_view value, Config& config);
};

template <typename T>
Wrong take(Outcome<T> value, T& target) {
  if (!value) return value.error().message;
  target = std::move(*value);
  return std::nullopt;
}

Wrong take_endpoint(std::string_view value, std::optional<Endpoint>& target) {
  return take(parse_endpoint(value), target.emplace());
}

Wrong take_text(std::string_view value, std::string& target) {
  if (value.empty()) return "the value is empty; leave the key out for the default";
  target = value;
  return std::nullopt;
}

Wrong take_number(std::string_view value, std::uint32_t least, std::uint32_t most, std::uint32_t& target) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc{} || end != value.data() + value.size() || number < least || number > most)
    return fmt::format("'{}' is no whole number from {} to {}", sanitize::excerpt(value, kMostShown), least,
                       most);
  target = number;
  return std::nullopt;
}

template <typename T, std::size_t N>
Wrong take_choice(std::string_view value, const std::array<std::pair<std::string_view, T>, N>& choices,
                  T& target) {
  std::vector<std::string_view> names;
  for (const auto& [name, meaning] : choices) {
    if (name == value) {
      target = meaning;
      return std::nullopt;
    }
    names.push_back(name);
  }
  std::string sentence = fmt::format("'{}' is not known; one of:", sanitize::excerpt(value, kMostShown));
  for (const auto name : names) sentence += fmt::format(" {}", name);
  if (const auto nearest = nearest_name(value, names); !nearest.empty())
    sentence += fmt::format("; did you mean '{}'?", nearest);
  return sentence;
}

constexpr std::array<std::pair<std::string_view, DiagnosticFormat>, 2> kFormats{
    {{"text", DiagnosticFormat::kText}, {"json", DiagnosticFormat::kJson}}};
constexpr std::array<std::pair<std::string_view, Severity>, 4> kLevels{{{"error", Severity::kError},
                                                                        {"warn", Severity::kWarn},
                                                                        {"info", Severity::kInfo},
                                                                        {"debug", Severity::kDebug}}};

constexpr std::array<std::pair<std::string_view, bool>, 2> kProfiles{
    {{"production", true}, {"development", false}}};
constexpr std::array<std::pair<std::string_view, bool>, 2> kYesNo{{{"true", true}, {"false", false}}};
// Who starts the mixer from a shell does not loosen what its file says.
constexpr std::string_view kProfile = "profile";

// NOLINTBEGIN(readability-identifier-length)
constexpr std::array<Setting, 26> kSettings{{
    {"data", [](std::string_view v, Config& c) { return take_text(v, c.data); }},
    {"pki", [](std::string_view v, Config& c) { return take_text(v, c.pki); }},
    {"listen.api", [](std::string_view v, Config& c) { return take(parse_endpoint(v), c.listen_api); }},
    {"listen.nats", [](std::string_view v, Config& c) { return take(parse_endpoint(v), c.listen_nats); }},
    {"listen.otlp", [](std::string_view v, Config& c) { return take_endpoint(v, c.listen_otlp); }},
    {"nats.address", [](std::string_view v, Config& c) { return take_text(v, c.nats_address); }},
    {"nats.binary", [](std::string_view v, Config& c) { return take_text(v, c.nats_binary); }},
    {"streams.messages",
     [](std::string_view v, Config& c) { return take(parse_byte_size(v), c.streams.messages_bytes); }},
    {"streams.audit",
     [](std::string_view v, Config& c) { return take(parse_byte_size(v), c.streams.audit_bytes); }},
    {"streams.telemetry",
     [](std::string_view v, Config& c) { return take(parse_byte_size(v), c.streams.telemetry_bytes); }},
    {"streams.dead_letters",
     [](std::string_view v, Config& c) { return take(parse_byte_size(v), c.streams.dead_letters_bytes); }},
    {"streams.replicas",
     [](std::string_view v, Config& c) { return take_number(v, 1, 5, c.streams.replicas); }},
    {"pressure.commit_target_ms",
     [](std::string_view v, Config& c) { return take_number(v, 10, 60'000, c.pressure.commit_target_ms); }},
    {"pressure.least_free_disk",
     [](std::string_view v, Config& c) { return take(parse_byte_size(v), c.pressure.least_free_disk); }},
    {"pressure.least_free_memory",
     [](std::string_view v, Config& c) { return take(parse_byte_size(v), c.pressure.least_free_memory); }},
    {"store.retention_days",
     [](std::string_view v, Config& c) { return take_number(v, 1, 36'500, c.retention_days); }},
    {"store.hot_hours", [](std::string_view v, Config& c) { return take_number(v, 1, 720, c.hot_hours); }},
    {"store.memory_limit",
     [](std::string_view v, Config& c) { return take(parse_byte_size(v), c.memory_limit_bytes); }},
    {"api.token_file", [](std::string_view v, Config& c) { return take_text(v, c.token_file); }},
    {"otlp.token_file", [](std::string_view v, Config& c) { return take_text(v, c.otlp_token_file); }},
    {"api.tls.certificate", [](std::string_view v, Config& c) { return take_text(v, c.tls_certificate); }},
    {"api.tls.key", [](std::string_view v, Config& c) { return take_text(v, c.tls_key); }},
    {"log.format", [](std::string_view v, Config& c) { return take_choice(v, kFormats, c.log_format); }},
    {"log.level", [](std::string_view v, Config& c) { return take_choice(v, kLevels, c.log_level); }},
    {kProfile, [](std::string_view v, Config& c) { return take_choice(v, kProfiles, c.production); }},
    {"core_dumps", [](std::string_view v, Config& c) { return take_choice(v, kYesNo, c.core_dumps); }},
}};
// NOLINTEND(readability-identifier-length)

// What may follow `prefix` ("" or "listen."): the next name of each setting's path, with its own path.
std::vector<std::string_view> names_under(std::string_view prefix) {
  std::vector<std::string_view> names;
  for (const auto& setting : kSettings) {
    if (setting.path.substr(0, prefix.size()) != prefix) continue;
    std::string_view name = setting.path.substr(prefix.size());
    name = name.substr(0, name.find('.'));
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  return names;
}

const Setting* find_setting(std::string_view path) {
  for (const auto& setting : kSettings)
    if (setting.path == path) return &setting;
  return nullptr;
}

std::string one_of(const std::vector<std::string_view>& names) {
  std::string text = "one of:";
  for (std::size_t i = 0; i < names.size(); ++i) text += fmt::format("{} {}", i == 0 ? "" : ",", names[i]);
  return text;
}

class FileReader {
 public:
  FileReader(std::string_view file, std::string_view text, Config& config, std::string& complaints)
      : file_(file), text_(text), config_(config), complaints_(complaints) {}

  void read() {
    const auto root = yaml::parse(text_);
    if (!root) {
      complaints_ += yaml::render(root.error(), file_, text_, sanitize::mask_card_numbers);
      return;
    }
    if (root->is_null()) return;  // an empty file: all defaults
    if (!root->is_map()) return complain(root->mark, 1, "the configuration is not a map of keys", "");
    read_map(*root, "");
  }

 private:
  // Depth is bounded by the settings' own paths: an unknown key is not descended into.
  void read_map(const yaml::Node& map, const std::string& prefix) {
    for (const auto& entry : map.entries) read_entry(entry, prefix);
  }

  void read_entry(const yaml::Node::Entry& entry, const std::string& prefix) {
    const std::string path = prefix + entry.key;
    const int width = static_cast<int>(std::min<std::size_t>(entry.key.size(), 64));
    if (const auto* setting = find_setting(path); setting != nullptr) {
      if (!entry.value.is_scalar())
        return complain(entry.value.mark, 1, fmt::format("'{}' takes one value", path), "");
      if (const auto wrong = setting->apply(entry.value.scalar, config_))
        complain(entry.value.mark, static_cast<int>(std::min<std::size_t>(entry.value.scalar.size(), 64)),
                 fmt::format("'{}': {}", path, *wrong), "");
      return;
    }
    if (path == kExportKey) return read_export(entry.value);
    if (!names_under(path + ".").empty()) {
      if (entry.value.is_map()) return read_map(entry.value, path + ".");
      if (entry.value.is_null()) return;
      return complain(entry.value.mark, 1,
                      fmt::format("'{}' is a group of keys: {}", path, one_of(names_under(path + "."))), "");
    }
    auto names = names_under(prefix);
    if (prefix.empty()) names.push_back(kExportKey);
    const auto nearest = nearest_name(entry.key, names);
    complain(entry.mark, width, fmt::format("unknown key '{}'", sanitize::excerpt(path, kMostShown)),
             nearest.empty() ? one_of(names) : fmt::format("did you mean '{}'?", nearest));
  }

  void read_export(const yaml::Node& section) {
    std::vector<yaml::Complaint> found;
    otlp::read_section(section, config_.exporting, found);
    for (const auto& complaint : found)
      complaints_ += yaml::render(complaint, file_, text_, sanitize::mask_card_numbers);
  }

  void complain(yaml::Mark mark, int width, std::string message, std::string hint) {
    complaints_ += yaml::render({mark, std::max(width, 1), std::move(message), std::move(hint)}, file_, text_,
                                sanitize::mask_card_numbers);
  }

  std::string_view file_;
  std::string_view text_;
  Config& config_;
  std::string& complaints_;
};

// Racks and client commands on the same host read these; they begin like the mixer's own.
constexpr std::array<std::string_view, 3> kOthersVariables = {"FLUXRIG_MIXER_API", "FLUXRIG_MIXER_ADDRESS",
                                                              "FLUXRIG_MIXER_CERTIFICATES"};

std::string environment_name(std::string_view path) {
  std::string name(kEnvironmentPrefix);
  for (const char c : path)
    name += c == '.' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return name;
}

void read_environment(std::span<const std::string> environment, Config& config, std::string& complaints) {
  std::vector<std::string> names;
  for (const auto& setting : kSettings) names.push_back(environment_name(setting.path));
  for (const auto& entry : environment) {
    const std::string_view view(entry);
    if (view.substr(0, kEnvironmentPrefix.size()) != kEnvironmentPrefix) continue;
    const auto equals = view.find('=');
    const std::string_view name = view.substr(0, equals);
    const std::string_view value =
        equals == std::string_view::npos ? std::string_view{} : view.substr(equals + 1);
    if (std::find(kOthersVariables.begin(), kOthersVariables.end(), name) != kOthersVariables.end()) continue;
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) {
      const std::vector<std::string_view> candidates(names.begin(), names.end());
      const auto nearest = nearest_name(name, candidates);
      complaints += fmt::format("environment: unknown variable {}{}\n", name,
                                nearest.empty() ? "" : fmt::format(": did you mean {}?", nearest));
      continue;
    }
    const auto& setting = kSettings[static_cast<std::size_t>(found - names.begin())];
    if (setting.path == kProfile)
      complaints += fmt::format("environment: {}: the profile is set in the file only\n", name);
    else if (const auto wrong = setting.apply(value, config))
      complaints += fmt::format("environment: {}: {}\n", name, *wrong);
  }
}

}  // namespace

Outcome<Config> parse_config(std::string_view file, std::string_view text,
                             std::span<const std::string> environment) {
  Config config;
  std::string complaints;
  FileReader(file, text, config, complaints).read();
  read_environment(environment, config, complaints);
  config.warnings = otlp::apply_environment(environment, config.exporting);
  if (const auto fault = config.exporting.fault()) complaints += fmt::format("{}: {}\n", file, *fault);
  if (config.tls_certificate.empty() != config.tls_key.empty())
    complaints += fmt::format("{}: api.tls needs both 'certificate' and 'key'\n", file);
  if (config.streams.replicas > 1 && config.nats_address.empty())
    complaints += fmt::format(
        "{}: streams.replicas: {} copies need as many servers, and the mixer starts one: give the cluster's "
        "'nats.address', or leave 'replicas' out\n",
        file, config.streams.replicas);
  if (config.production && config.log_level == Severity::kDebug)
    complaints += fmt::format(
        "{}: profile: production refuses debug diagnostics; use level: info, or profile: development\n",
        file);
  if (config.production && config.core_dumps)
    complaints += fmt::format("{}: profile: production refuses core dumps; leave 'core_dumps' out\n", file);
  if (!complaints.empty()) return problem(complaints + fmt::format("{}: Nothing was started.\n", file));
  return config;
}

Outcome<Config> load_config(const std::string& file, std::span<const std::string> environment) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) return problem(fmt::format("{}: cannot be opened; check the path of --config\n", file));
  std::string text;
  text.resize(yaml::kMaxBytes + 1);
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(stream.gcount()));
  if (text.size() > yaml::kMaxBytes) return problem(fmt::format("{}: larger than 4 MiB\n", file));
  return parse_config(file, text, environment);
}

}  // namespace fluxrig::mixer
