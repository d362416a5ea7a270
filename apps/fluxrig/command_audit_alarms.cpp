// fluxrig audit alarms: list them, close one with a reason; fluxrig audit accept-key.
#include <fmt/core.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <memory>

#include "fluxrig/api_client.hpp"
#include "fluxrig/api_views.hpp"
#include "fluxrig/audit_standing.hpp"
#include "fluxrig/command.hpp"
#include "fluxrig/decider.hpp"

namespace fluxrig::client {
namespace {

constexpr const char* kAlarmsFooter = R"(Examples:
  fluxrig audit alarms --open
  fluxrig audit alarms --all --rack edge --since 2h
  fluxrig audit alarms --close 17 --reason "disk of edge replaced, INC-4711"

A gap ends by itself when what was missing comes after all. declared_loss is a notice: the rack itself said so.
--close ends one although what was found is still so: that very thing is not told again, 'fluxrig audit verify --mixer'
still says it, and who closed it, when and why stays in the store and in this list.
Exit codes: 0 done, 1 the mixer cannot be asked or has no such alarm, 2 the command line is wrong.)";

constexpr const char* kAcceptFooter = R"(Examples:
  fluxrig audit accept-key 18 --key 03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8 --reason "edge set up anew"

Compare the key with the rack's own first: in its data directory,
  openssl pkey -in audit.key -pubout -outform DER | tail -c 32 | xxd -p -c 32
From the epoch of the alarm on the rack's checkpoints are held against the new key, those of earlier epochs against
the old one. Alarms about this key end; bad_signature alarms of the time between are closed by hand, once 'fluxrig
audit verify --mixer' finds nothing.
Exit codes: 0 done, 1 the mixer cannot be asked, or the alarm tells of another key, 2 the command line is wrong.)";

struct AlarmOptions {
  MixerOptions mixer;
  std::string rack, since, key;
  std::uint64_t id = 0;
  bool open = false;
  bool all = false;
  bool json = false;
  Decider decider;
};

int failed(const char* command, const std::string& sentence, int code = kExitFailure) {
  fmt::print(stderr, "fluxrig audit {}: {}\n", command, sentence);
  return code;
}

std::optional<std::string> ask(const char* command, const MixerOptions& mixer, const ApiRequest& request) {
  const auto client = ApiClient::make(mixer);
  if (!client) return failed(command, client.error().message), std::nullopt;
  auto reply = client->call(request);
  if (!reply) return failed(command, reply.error().message), std::nullopt;
  if (reply->status != 200) return failed(command, describe_failure(client->url(), *reply)), std::nullopt;
  return std::move(reply->body);
}

// POST .../alarms/ID/<verb>
int decide(const char* command, const char* verb, const AlarmOptions& options) {
  if (options.decider.reason.empty()) return failed(command, "give a --reason: it is kept", kExitUsage);
  boost::json::object body{{"who", who_is_asking(options.decider)}, {"reason", options.decider.reason}};
  if (!options.key.empty()) body["public_key"] = options.key;
  const auto answer = ask(command, options.mixer,
                          {.path = fmt::format("/api/v1/audit/alarms/{}/{}", options.id, verb),
                           .json = boost::json::serialize(body)});
  if (!answer) return kExitFailure;
  if (options.json)
    fmt::print("{}", *answer);
  else
    fmt::print("alarm {} is closed{}\n", options.id, options.key.empty() ? "" : ", and the key is accepted");
  return kExitOk;
}

int list(const AlarmOptions& options) {
  std::string query = options.open ? "?open=true" : "?open=false";
  if (!options.rack.empty()) query += "&rack=" + percent_encoded(options.rack);
  if (!options.since.empty()) query += "&since=" + percent_encoded(options.since);
  auto body = ask("alarms", options.mixer, {.path = "/api/v1/audit/alarms" + query});
  if (!body) return kExitFailure;
  if (options.json) {
    fmt::print("{}", for_stream(*std::move(body), ::isatty(STDOUT_FILENO) == 1));
    return kExitOk;
  }
  const auto table = draw_audit_alarms(*body, terminal_of(stdout));
  if (!table) return failed("alarms", table.error().message);
  fmt::print("{}", *table);
  return kExitOk;
}

}  // namespace

void add_audit_alarm_commands(CLI::App& audit, Action& action) {
  const auto listed = std::make_shared<AlarmOptions>();  // the parser and the action both need it
  auto* alarms = audit.add_subcommand("alarms", "What the mixer found wrong with the chains; close an alarm");
  add_mixer_options(*alarms, listed->mixer);
  alarms->add_flag("--json", listed->json, "the mixer's JSON as it is");
  alarms->add_option("--rack", listed->rack, "only of this rack")->type_name("NAME");
  alarms->add_option("--since", listed->since, "a time, or an age such as 15m")->type_name("TIME");
  auto* open = alarms->add_flag("--open", listed->open, "only those that have not ended");
  alarms->add_flag("--all", listed->all, "those that ended or were closed too (the default)")->excludes(open);
  auto* close = alarms->add_option("--close", listed->id, "end this one, with a --reason")->type_name("ID");
  add_decider_options(*alarms, listed->decider);
  alarms->get_option("--reason")->needs(close);
  alarms->get_option("--by")->needs(close);
  alarms->footer(kAlarmsFooter);
  alarms->callback([&action, listed, close] {
    const bool closes = close->count() != 0;
    action = [listed, closes] { return closes ? decide("alarms", "close", *listed) : list(*listed); };
  });

  const auto accepted = std::make_shared<AlarmOptions>();
  auto* accept = audit.add_subcommand("accept-key", "Accept the new public key of a rack after key_changed");
  add_mixer_options(*accept, accepted->mixer);
  accept->add_option("ID", accepted->id, "of the alarm key_changed")->required();
  accept->add_option("--key", accepted->key, "the rack's new public key, 64 hex digits")
      ->required()
      ->type_name("KEY");
  add_decider_options(*accept, accepted->decider);
  accept->add_flag("--json", accepted->json, "the mixer's JSON as it is");
  accept->footer(kAcceptFooter);
  accept->callback(
      [&action, accepted] { action = [accepted] { return decide("accept-key", "accept-key", *accepted); }; });
}

}  // namespace fluxrig::client
