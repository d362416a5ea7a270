// fluxrig rack SCENARIO
#include <CLI/CLI.hpp>
#include <memory>

#include "fluxrig/command.hpp"
#include "gear/catalogue.hpp"
#include "rack/rack.hpp"

namespace fluxrig::client {
namespace {

constexpr const char* kFooter = R"(Examples:
  fluxrig rack edge.yaml
  FLUXRIG_LOG_FORMAT=json FLUXRIG_DATA=/var/lib/fluxrig/edge fluxrig rack edge.yaml

FLUXRIG_* variables override keys of the scenario; 'fluxrig gears --scenario' lists them.
Signals: SIGTERM and SIGINT finish what is in flight, then end. SIGHUP reads the scenario again and takes over the
log level and the sampling.
Exit codes: 0 ended as told, 1 could not start or go on, 2 the scenario is not valid.)";

}  // namespace

void add_rack_command(CLI::App& app, Action& action) {
  auto* command = app.add_subcommand("rack", "Run a scenario until SIGTERM");
  // Shared: the parser's callback and the action both outlive this function.
  const auto path = std::make_shared<std::string>();
  command->add_option("scenario", *path, "the scenario, a YAML file")->required()->type_name("SCENARIO");
  command->footer(kFooter);
  command->callback([&action, path] {
    action = [path] { return rack::run({*path, rack::process_environment()}, gear::catalogue()); };
  });
}

}  // namespace fluxrig::client
