// fluxrig audit: proves that nothing is missing. One file a subcommand; this one only names the family.
#include <CLI/CLI.hpp>

#include "fluxrig/command.hpp"

namespace fluxrig::client {

void add_audit_commands(CLI::App& app, Action& action) {
  auto* audit = app.add_subcommand("audit", "Prove that no record is missing or altered");
  audit->require_subcommand(1);
  audit->footer("'fluxrig audit COMMAND --help' has the options and examples of each.");
  add_audit_local_commands(*audit, action);
  add_audit_mixer_commands(*audit, action);  // widens the commands of the line before
  add_audit_doubt_command(*audit, action);
  add_audit_alarm_commands(*audit, action);
  add_audit_ledger_command(*audit, action);
}

}  // namespace fluxrig::client
