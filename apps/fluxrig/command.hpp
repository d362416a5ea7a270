// What every command family has in common: how it is added to the command line, and what it exits with. One
// thread.
#pragma once

#include <functional>

namespace CLI {
class App;
}

namespace fluxrig::client {

// docs/cli.md documents these.
inline constexpr int kExitOk = 0;
inline constexpr int kExitFailure = 1;    // the work could not be done, or part of it failed
inline constexpr int kExitUsage = 2;      // the command line or a file is not valid
inline constexpr int kExitIntegrity = 3;  // stored bytes are not what was written

// The chosen command; set while the command line is parsed, called afterwards, returns the exit code.
using Action = std::function<int()>;

// One for each file command_*.cpp. `action` outlives the parsing.
void add_rack_command(CLI::App& app, Action& action);
void add_rack_pressure_command(CLI::App& rack, Action& action);  // a sub-command of `rack`
void add_rack_debug_command(CLI::App& rack, Action& action);     // likewise
void add_keys_commands(CLI::App& app, Action& action);
void add_token_command(CLI::App& app, Action& action);
void add_sanitize_commands(CLI::App& app, Action& action);
void add_check_command(CLI::App& app, Action& action);
void add_gears_command(CLI::App& app, Action& action);
void add_pki_commands(CLI::App& app, Action& action);
void add_wal_commands(CLI::App& app, Action& action);
void add_load_commands(CLI::App& app, Action& action);
void add_mixer_commands(CLI::App& app, Action& action);
void add_tail_command(CLI::App& app, Action& action);
void add_audit_commands(CLI::App& app, Action& action);
// Subcommands of `fluxrig audit`, each in its own file.
void add_audit_local_commands(CLI::App& audit, Action& action);  // verify, export of a directory or bundle
void add_audit_mixer_commands(CLI::App& audit,
                              Action& action);  // status, alarms, and the others at the mixer
void add_audit_doubt_command(CLI::App& audit, Action& action);
void add_audit_alarm_commands(CLI::App& audit, Action& action);
void add_audit_ledger_command(CLI::App& audit, Action& action);
void add_dlq_commands(CLI::App& app, Action& action);

}  // namespace fluxrig::client
