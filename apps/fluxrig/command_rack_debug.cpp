// fluxrig rack debug RACK on|off: debug diagnostics of a rack in production, through the mixer's API.
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <memory>

#include "base/diagnostics.hpp"
#include "fluxrig/api_client.hpp"
#include "fluxrig/command.hpp"
#include "fluxrig/decider.hpp"
#include "fluxrig/duration.hpp"
#include "fluxrig/terminal.hpp"
#include "model/control.hpp"

namespace fluxrig::client {
namespace {

constexpr const char* kFooter = R"(Examples:
  fluxrig rack debug edge on --for 15m --reason "INC-42: strays from the bank"
  fluxrig rack debug edge off --reason "INC-42 is understood"

A rack under 'profile: production' takes debug diagnostics from nowhere else. It ends by itself after --for, 1 h at
most, also when the rack is restarted. Who, why and how long is kept in the rack's audit trail and in the mixer's store;
'fluxrig racks' shows it meanwhile. Card numbers are masked in these lines as everywhere.
Exit codes: 0 the rack has done it, 1 it has not, or it is not known, 2 the command line is wrong.)";

struct DebugOptions {
  MixerOptions mixer;
  std::string rack;
  std::string state;
  std::string duration;
  std::string reason;
};

int failed(const std::string& sentence, int code = kExitFailure) {
  fmt::print(stderr, "fluxrig rack debug: {}\n", sentence);
  return code;
}

int run(const DebugOptions& options) {
  const bool off = options.state == model::kOff;
  const auto nanos = parse_duration(options.duration);
  if (!off && (!nanos || *nanos < 1'000'000'000))
    return failed("--for says for how long: 90s, 15m, 1h; at least a second", kExitUsage);
  if (!off && *nanos / 1'000'000 > static_cast<std::int64_t>(model::kMaxDebugMs))
    return failed("debug diagnostics last 1 h at most; ask again if they must last longer", kExitUsage);
  if (off && !options.duration.empty()) return failed("off takes no --for", kExitUsage);
  const auto client = ApiClient::make(options.mixer);
  if (!client) return failed(client.error().message);
  std::string body = fmt::format(R"({{"state":"{}","reason":"{}","who":"{}")", options.state,
                                 escape_json(options.reason), escape_json(who_is_asking({})));
  if (!off) body += fmt::format(R"(,"for":"{}s")", *nanos / 1'000'000'000);
  const auto reply =
      client->call({.path = "/api/v1/racks/" + percent_encoded(options.rack) + "/debug", .json = body + "}"});
  if (!reply) return failed(reply.error().message);
  if (reply->status != 200) return failed(describe_failure(client->url(), *reply));
  boost::system::error_code broken;
  const auto value = boost::json::parse(reply->body, broken);
  const auto* until = broken || !value.is_object() ? nullptr : value.get_object().if_contains("until");
  if (until != nullptr && until->is_string())
    fmt::print("{} writes debug diagnostics until {}Z\n", printable(options.rack),
               printable(std::string(until->get_string())).substr(0, 19));
  else
    fmt::print("{} writes the diagnostics of its scenario again\n", printable(options.rack));
  return kExitOk;
}

}  // namespace

void add_rack_debug_command(CLI::App& rack, Action& action) {
  auto* command = rack.add_subcommand("debug", "Debug diagnostics in production, for a while");
  const auto options = std::make_shared<DebugOptions>();  // the parser and the action both need it
  add_mixer_options(*command, options->mixer);
  command->add_option("rack", options->rack, "name or machine_id")->required()->type_name("RACK");
  command->add_option("state", options->state, "on or off")
      ->required()
      ->check(CLI::IsMember({"on", "off"}))
      ->type_name("STATE");
  command->add_option("--for", options->duration, "for how long, 1h at most")->type_name("TIME");
  command->add_option("--reason", options->reason, "why; kept in the audit trail")
      ->required()
      ->type_name("TEXT");
  command->footer(kFooter);
  command->callback([&action, options] { action = [options] { return run(*options); }; });
}

}  // namespace fluxrig::client
