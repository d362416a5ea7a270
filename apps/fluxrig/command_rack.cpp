// fluxrig rack SCENARIO; what else `rack` can do is in files of its own.
#include <CLI/CLI.hpp>
#include <memory>

#include "fluxrig/command.hpp"
#include "gear/catalogue.hpp"
#include "rack/rack.hpp"

namespace fluxrig::client {
namespace {

constexpr const char* kFooter = R"(Examples:
  fluxrig rack edge.yaml
  fluxrig rack ./pressure                            a scenario of that name
  FLUXRIG_LOG_FORMAT=json FLUXRIG_DATA=/var/lib/fluxrig/edge fluxrig rack edge.yaml

FLUXRIG_* variables override keys of the scenario; 'fluxrig gears --scenario' lists them.
Signals: SIGTERM and SIGINT finish what is in flight, then end. SIGHUP reads the scenario again and takes over the
log level and the sampling.
Exit codes: 0 ended as told, 1 could not start or go on, 2 the scenario is not valid.)";

}  // namespace

void add_rack_command(CLI::App& app, Action& action) {
  auto* command = app.add_subcommand("rack", "Run a scenario until SIGTERM");
  command->require_subcommand(0, 1);
  // Shared: the parser's callback and the action both outlive this function.
  const auto path = std::make_shared<std::string>();
  command->add_option("scenario", *path, "the scenario, a YAML file")->type_name("SCENARIO");
  command->footer(kFooter);
  add_rack_pressure_command(*command, action);
  add_rack_debug_command(*command, action);
  command->callback([&action, command, path] {
    if (!command->get_subcommands().empty()) {
      if (!path->empty()) throw CLI::ExtrasError("rack", {*path});
      return;  // its own callback has set the action
    }
    if (path->empty()) throw CLI::RequiredError("SCENARIO");
    action = [path] { return rack::run({*path, rack::process_environment()}, gear::catalogue()); };
  });
}

}  // namespace fluxrig::client
