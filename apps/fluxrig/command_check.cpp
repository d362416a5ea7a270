// fluxrig check FILE...
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "base/diagnostics.hpp"
#include "fluxrig/command.hpp"
#include "fluxrig/files.hpp"
#include "gear/catalogue.hpp"
#include "rack/rack.hpp"
#include "rack/scenario.hpp"

namespace fluxrig::client {
namespace {

constexpr const char* kFooter = R"(Examples:
  fluxrig check edge.yaml host.yaml
  fluxrig check --no-ports edge.yaml       while a rack already listens on the scenario's ports
  fluxrig check --json edge.yaml

Nothing is started. FLUXRIG_* variables count as they would for 'fluxrig rack'.
Exit codes: 0 all files are valid, 2 one is not.)";

struct CheckOptions {
  std::vector<std::string> files;
  bool no_ports = false;
  bool json = false;
};

struct Checked {
  std::string unreadable;  // why the file could not be read; empty: it could
  std::string text;
  std::vector<yaml::Complaint> complaints;
  std::size_t gears = 0;
  std::size_t wires = 0;
  [[nodiscard]] bool good() const noexcept { return unreadable.empty() && complaints.empty(); }
};

std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash + 1);
}

Checked check_file(const std::string& path, const CheckOptions& options,
                   const std::vector<gear::GearType>& catalogue) {
  Checked checked;
  auto text = read_file(path, yaml::kMaxBytes);
  if (!text) {
    checked.unreadable = text.error().message;
    return checked;
  }
  checked.text = *std::move(text);
  auto scenario = rack::load(checked.text, folder_of(path), catalogue, rack::process_environment());
  if (!scenario) {
    checked.complaints = std::move(scenario.error());
    return checked;
  }
  checked.gears = scenario->gears.size();
  checked.wires = scenario->wires.size();
  checked.complaints = rack::check_directories(*scenario);
  if (options.no_ports) return checked;
  for (auto& complaint : rack::check_ports(*scenario)) checked.complaints.push_back(std::move(complaint));
  return checked;
}

const char* plural(std::size_t count) noexcept { return count == 1 ? "" : "s"; }

void print_text(const std::string& path, const Checked& checked) {
  if (!checked.unreadable.empty())
    fmt::print(stderr, "{}\n", checked.unreadable);
  else if (!checked.complaints.empty())
    fmt::print(stderr, "{}", rack::report(checked.complaints, path, checked.text));
  else
    fmt::print("{}: ok: {} gear{}, {} wire{}\n", path, checked.gears, plural(checked.gears), checked.wires,
               plural(checked.wires));
}

std::string as_json(const std::string& path, const Checked& checked) {
  std::string complaints;
  if (!checked.unreadable.empty())
    complaints =
        fmt::format(R"({{"line":0,"column":0,"message":"{}","hint":""}})", escape_json(checked.unreadable));
  for (const auto& complaint : checked.complaints)
    complaints += fmt::format(R"({}{{"line":{},"column":{},"message":"{}","hint":"{}"}})",
                              complaints.empty() ? "" : ",", complaint.mark.line, complaint.mark.column,
                              escape_json(complaint.message), escape_json(complaint.hint));
  return fmt::format(R"({{"file":"{}","valid":{},"gears":{},"wires":{},"complaints":[{}]}})",
                     escape_json(path), checked.good(), checked.gears, checked.wires, complaints);
}

int run_check(const CheckOptions& options) {
  const auto catalogue = gear::catalogue();
  bool good = true;
  std::string json;
  for (const auto& path : options.files) {
    const auto checked = check_file(path, options, catalogue);
    good = good && checked.good();
    if (options.json)
      json += (json.empty() ? "" : ",") + as_json(path, checked);
    else
      print_text(path, checked);
  }
  if (options.json) fmt::print("{{\"valid\":{},\"files\":[{}]}}\n", good, json);
  return good ? kExitOk : kExitUsage;
}

}  // namespace

void add_check_command(CLI::App& app, Action& action) {
  auto* command = app.add_subcommand("check", "Check scenarios without starting anything");
  const auto options = std::make_shared<CheckOptions>();  // the parser and the action both need it
  command->add_option("files", options->files, "scenarios")->required()->type_name("FILE...");
  command->add_flag("--no-ports", options->no_ports, "do not try whether the listening ports are free");
  command->add_flag("--json", options->json, "one JSON object instead of text");
  command->footer(kFooter);
  command->callback([&action, options] { action = [options] { return run_check(*options); }; });
}

}  // namespace fluxrig::client
