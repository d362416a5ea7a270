// fluxrig trace, query and racks: one question to the mixer's API, one answer.
#include <fmt/core.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "base/clock.hpp"
#include "base/diagnostics.hpp"
#include "fluxrig/api_client.hpp"
#include "fluxrig/api_views.hpp"
#include "fluxrig/command.hpp"
#include "fluxrig/trace_view.hpp"

namespace fluxrig::client {
namespace {

constexpr const char* kTraceFooter = R"(Examples:
  fluxrig trace 0192f3c1-7a                            the beginning of a flux_id is enough
  fluxrig trace 4bf92f3577b34da6a3ce929d0e0e4736       a trace_id
  fluxrig trace MACHINE_ID                             the rack's latest transactions
  fluxrig trace 0192f3c1-7a --attributes

Exit codes: 0 found, 1 not found or the mixer cannot be asked, 2 the command line is wrong.)";

constexpr const char* kQueryFooter = R"(Examples:
  fluxrig query "SELECT rack, outcome, count(*) FROM transactions GROUP BY ALL"
  fluxrig query --csv "SELECT * FROM spans LIMIT 100" > spans.csv
  fluxrig query --json "SELECT * FROM ledger"

Tables: transactions, spans, metrics, logs, racks, ledger. One read-only SELECT, ten seconds at most.
Exit codes: 0 done, 1 the mixer refused the statement or cannot be asked, 2 the command line is wrong.)";

constexpr const char* kRacksFooter = R"(Examples:
  fluxrig racks
  fluxrig racks --json | jq '.racks[] | select(.state != "present")'

'pressure' is the rack's state and why; 'behind' counts audit records that the mixer does not have yet; 'backlog' is
what waits on the rack's disk to be replayed, 'rate' how fast it is, 'left' how long it will take; 'spool' counts
business messages that wait for the bus; 'cpu' is the mean since the rack's start.
Exit codes: 0 done, 1 the mixer cannot be asked, 2 the command line is wrong.)";

struct AskOptions {
  MixerOptions mixer;
  std::string id;
  std::string sql;
  unsigned limit = 10'000;
  bool attributes = false;
  bool json = false;
  bool csv = false;
};

int failed(const char* command, const std::string& sentence, int code = kExitFailure) {
  fmt::print(stderr, "fluxrig {}: {}\n", command, sentence);
  return code;
}

// The reply when it is a 200; everything else has been told.
std::optional<ApiReply> ask(const char* command, const AskOptions& options, const ApiRequest& request) {
  const auto client = ApiClient::make(options.mixer);
  if (!client) {
    failed(command, client.error().message);
    return std::nullopt;
  }
  auto reply = client->call(request);
  if (!reply) {
    failed(command, reply.error().message);
    return std::nullopt;
  }
  if (reply->status == 200) return *std::move(reply);
  failed(command, describe_failure(client->url(), *reply));
  for (const auto& candidate : candidates_of(*reply)) fmt::print(stderr, "  {}\n", candidate);
  return std::nullopt;
}

int print_as_it_is(std::string body) {
  fmt::print("{}", for_stream(std::move(body), ::isatty(STDOUT_FILENO) == 1));
  return kExitOk;
}

int run_trace(const AskOptions& options) {
  auto reply = ask("trace", options, {.path = "/api/v1/trace/" + percent_encoded(options.id)});
  if (!reply) return kExitFailure;
  if (options.json) return print_as_it_is(std::move(reply->body));
  const auto view = parse_trace(reply->body);
  if (!view) return failed("trace", view.error().message);
  const auto terminal = terminal_of(stdout);
  fmt::print("{}", view->matched_by == "machine_id" ? draw_transactions(*view, terminal)
                                                    : draw_trace(*view, {terminal, options.attributes}));
  return kExitOk;
}

int run_query(const AskOptions& options) {
  auto reply = ask("query", options,
                   {.path = fmt::format("/api/v1/sql?limit={}", options.limit),
                    .json = fmt::format(R"({{"sql":"{}"}})", escape_json(options.sql)),
                    .accept = options.csv ? "text/csv" : "application/json"});
  if (!reply) return kExitFailure;
  if (options.json) return print_as_it_is(std::move(reply->body));
  if (options.csv) return print_as_it_is(with_plain_row_ends(reply->body));
  const auto table = draw_query(reply->body, terminal_of(stdout));
  if (!table) return failed("query", table.error().message);
  fmt::print("{}", *table);
  return kExitOk;
}

int run_racks(const AskOptions& options) {
  auto reply = ask("racks", options, {.path = "/api/v1/racks"});
  if (!reply) return kExitFailure;
  if (options.json) return print_as_it_is(std::move(reply->body));
  const auto table = draw_racks(reply->body, SystemClock{}.now(), terminal_of(stdout));
  if (!table) return failed("racks", table.error().message);
  fmt::print("{}", *table);
  return kExitOk;
}

CLI::App* add(CLI::App& app, const char* name, const char* summary, AskOptions& options) {
  auto* command = app.add_subcommand(name, summary);
  add_mixer_options(*command, options.mixer);
  command->add_flag("--json", options.json, "the mixer's JSON as it is");
  return command;
}

}  // namespace

void add_mixer_commands(CLI::App& app, Action& action) {
  const auto options = std::make_shared<AskOptions>();  // the parser and the action both need it
  const auto runs = [&](int (*run)(const AskOptions&)) {
    return [&action, options, run] { action = [options, run] { return run(*options); }; };
  };
  auto* trace = add(app, "trace", "One transaction: its waterfall, logs and audit records", *options);
  trace->add_option("id", options->id, "flux_id, trace_id or machine_id, or the beginning of one")
      ->required()
      ->check([](const std::string& id) {
        const bool good = id.size() >= 4 && id.size() <= 36 &&
                          id.find_first_not_of("0123456789abcdefABCDEF-") == std::string::npos;
        return good ? std::string() : "an id has 4 to 36 characters, hex digits and dashes";
      })
      ->type_name("ID");
  trace->add_flag("--attributes", options->attributes, "show the attributes of every span");
  trace->footer(kTraceFooter);
  trace->callback(runs(run_trace));

  auto* query = add(app, "query", "Ask the store in SQL", *options);
  query->add_option("sql", options->sql, "one SELECT")->required()->type_name("SQL");
  query->add_flag("--csv", options->csv, "comma-separated values")->excludes("--json");
  query->add_option("--limit", options->limit, "rows at most")
      ->capture_default_str()
      ->check(CLI::Range(1U, 100'000U))
      ->type_name("N");
  query->footer(kQueryFooter);
  query->callback(runs(run_query));

  auto* racks = add(app, "racks", "Every rack, whether it is here, and how far it is", *options);
  racks->footer(kRacksFooter);
  racks->callback(runs(run_racks));
}

}  // namespace fluxrig::client
