// fluxrig: the rack and the client commands. Only reads the command line; the work is in command_*.cpp.
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <exception>
#include <string>

#include "fluxrig/command.hpp"
#include "rack/version.hpp"
#include "sanitize/sanitizer.hpp"

namespace {

constexpr const char* kFooter = R"(Examples:
  fluxrig check edge.yaml                      is the scenario right?
  fluxrig rack edge.yaml                       run it
  fluxrig load http http://127.0.0.1:8080/authorize --rate 1000 --duration 10s
  fluxrig trace 0192f3c1                       one transaction, by any of its ids

'fluxrig COMMAND --help' has the options and more examples.
Exit codes: 0 done, 1 it failed, 2 the command line or a file is not valid, 3 stored data is damaged.)";

}  // namespace

int main(int argc, char** argv) {
  using namespace fluxrig::client;
  Action action;
  CLI::App app("fluxrig: an edge gateway that observes itself.", "fluxrig");
  app.set_version_flag("--version", "fluxrig " + std::string(fluxrig::rack::kVersion));
  app.require_subcommand(1);
  app.footer(kFooter);
  add_rack_command(app, action);
  add_check_command(app, action);
  add_gears_command(app, action);
  add_pki_commands(app, action);
  add_keys_commands(app, action);
  add_token_command(app, action);
  add_sanitize_commands(app, action);
  add_wal_commands(app, action);
  add_audit_commands(app, action);
  add_load_commands(app, action);
  add_mixer_commands(app, action);
  add_tail_command(app, action);
  add_dlq_commands(app, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitOk : kExitUsage;
  }
  try {
    return action ? action() : kExitUsage;
  } catch (const std::exception& error) {
    fmt::print(stderr, "fluxrig: {}\n", fluxrig::sanitize::mask_card_numbers(error.what()));
    return kExitFailure;
  }
}
