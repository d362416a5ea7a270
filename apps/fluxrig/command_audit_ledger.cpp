// fluxrig audit ledger [RACK]
#include <fmt/core.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "fluxrig/api_client.hpp"
#include "fluxrig/api_views.hpp"
#include "fluxrig/command.hpp"
#include "fluxrig/ledger_view.hpp"

namespace fluxrig::client {
namespace {

constexpr const char* kFooter = R"(Examples:
  fluxrig audit ledger                               every rack, every hour that the mixer knows
  fluxrig audit ledger edge --hour 2026-11-28T14:00Z
  fluxrig audit ledger --since 24h --json

Spans, metrics and logs of lane telemetry: produced = stored + dropped (by cause) + waiting (at the rack or in the
stream). state: running, the rack's statement may be a minute old, and more may be stored than it says; closed, the
hour is over; final, the rack stopped in good order; unfinished, it died before its last statement, and nobody can know
what it held in memory; uncounted, the mixer's store was made anew and did not count all of the epoch.
Exit codes: 0 exact, 1 the mixer cannot be asked, 2 the command line is wrong, 3 not exact.)";

struct LedgerOptions {
  MixerOptions mixer;
  std::string rack;
  std::string hour;
  std::string since;
  bool json = false;
};

int failed(const std::string& sentence) {
  fmt::print(stderr, "fluxrig audit ledger: {}\n", sentence);
  return kExitFailure;
}

int run(const LedgerOptions& options) {
  const auto client = ApiClient::make(options.mixer);
  if (!client) return failed(client.error().message);
  std::string query;
  const auto add = [&](std::string_view name, const std::string& value) {
    if (!value.empty())
      query += fmt::format("{}{}={}", query.empty() ? "?" : "&", name, percent_encoded(value));
  };
  add("rack", options.rack);
  add("hour", options.hour);
  add("since", options.since);
  auto reply = client->call({.path = "/api/v1/audit/ledger" + query});
  if (!reply) return failed(reply.error().message);
  if (reply->status != 200) return failed(describe_failure(client->url(), *reply));
  const auto view = draw_ledger(reply->body, terminal_of(stdout));
  if (!view) return failed(view.error().message);
  fmt::print("{}",
             options.json ? for_stream(std::move(reply->body), ::isatty(STDOUT_FILENO) == 1) : view->text);
  return view->exact ? kExitOk : kExitIntegrity;
}

}  // namespace

void add_audit_ledger_command(CLI::App& audit, Action& action) {
  const auto options = std::make_shared<LedgerOptions>();  // the parser and the action both need it
  auto* ledger = audit.add_subcommand("ledger", "Hold what racks produced of telemetry against the store");
  ledger->add_option("rack", options->rack, "only this rack's")->type_name("RACK");
  add_mixer_options(*ledger, options->mixer);
  auto* hour = ledger->add_option("--hour", options->hour, "only the hour of this time, or this long ago")
                   ->type_name("TIME");
  ledger->add_option("--since", options->since, "from the hour of this time on, or so long ago")
      ->type_name("TIME")
      ->excludes(hour);
  ledger->add_flag("--json", options->json, "one JSON object instead of text");
  ledger->footer(kFooter);
  ledger->callback([&action, options] { action = [options] { return run(*options); }; });
}

}  // namespace fluxrig::client
