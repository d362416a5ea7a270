// fluxrig gears [TYPE]
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "base/diagnostics.hpp"
#include "base/nearest.hpp"
#include "fluxrig/command.hpp"
#include "fluxrig/table.hpp"
#include "gear/catalogue.hpp"
#include "rack/scenario.hpp"

namespace fluxrig::client {
namespace {

constexpr const char* kFooter = R"(Examples:
  fluxrig gears                     every type of gear
  fluxrig gears tcp_client          the options of one, as Markdown
  fluxrig gears --scenario          the other keys of a scenario, and their environment variables

Exit codes: 0 done, 2 there is no such type.)";

struct GearsOptions {
  std::string type;
  bool scenario = false;
  bool json = false;
};

std::string_view to_string(gear::Role role) noexcept {
  switch (role) {
    case gear::Role::kIngress:
      return "ingress";
    case gear::Role::kFilter:
      return "filter";
    case gear::Role::kEgress:
      break;
  }
  return "egress";
}

int print_list(const std::vector<gear::GearType>& catalogue, bool json) {
  Table table({{"type"}, {"role"}, {"what it does"}});
  std::string objects;
  for (const auto& type : catalogue) {
    table.add({std::string(type.name), std::string(to_string(type.role)), std::string(type.summary)});
    objects += fmt::format(R"({}{{"type":"{}","role":"{}","summary":"{}"}})", objects.empty() ? "" : ",",
                           type.name, to_string(type.role), escape_json(type.summary));
  }
  if (json)
    fmt::print("{{\"gears\":[{}]}}\n", objects);
  else
    fmt::print("{}", table.render(terminal_of(stdout)));
  return kExitOk;
}

int run_gears(const GearsOptions& options) {
  if (options.scenario) {
    fmt::print("{}", rack::scenario_reference());
    return kExitOk;
  }
  const auto catalogue = gear::catalogue();
  if (options.type.empty()) return print_list(catalogue, options.json);
  std::vector<std::string_view> names;
  for (const auto& type : catalogue) {
    names.push_back(type.name);
    if (type.name != options.type) continue;
    const auto page = rack::reference_page(type);
    fmt::print("{}{}", page, page.ends_with('\n') ? "" : "\n");
    return kExitOk;
  }
  const auto near = nearest_name(options.type, names);
  fmt::print(stderr, "there is no gear type '{}'{}; 'fluxrig gears' lists them\n", printable(options.type),
             near.empty() ? "" : fmt::format("; did you mean '{}'?", near));
  return kExitUsage;
}

}  // namespace

void add_gears_command(CLI::App& app, Action& action) {
  auto* command = app.add_subcommand("gears", "What gears there are, and their options");
  const auto options = std::make_shared<GearsOptions>();  // the parser and the action both need it
  auto* type = command->add_option("type", options->type, "show this type's options")->type_name("TYPE");
  command->add_flag("--scenario", options->scenario, "show the keys of a scenario outside gears and wires")
      ->excludes(type);
  command->add_flag("--json", options->json, "the list as one JSON object");
  command->footer(kFooter);
  command->callback([&action, options] { action = [options] { return run_gears(*options); }; });
}

}  // namespace fluxrig::client
