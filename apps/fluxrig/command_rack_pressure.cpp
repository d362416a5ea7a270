// fluxrig rack pressure RACK STATE: an operator holds a rack in a pressure state, through the mixer's API.
#include <fmt/core.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <boost/json.hpp>
#include <cstdlib>
#include <memory>

#include "base/diagnostics.hpp"
#include "fluxrig/api_client.hpp"
#include "fluxrig/command.hpp"
#include "fluxrig/duration.hpp"
#include "fluxrig/terminal.hpp"
#include "model/control.hpp"

namespace fluxrig::client {
namespace {

constexpr const char* kFooter = R"(Examples:
  fluxrig rack pressure edge divert --for 10m --reason "maintenance of the store"
  fluxrig rack pressure edge normal --for 30s --reason "the sensor is wrong, see INC-42"
  fluxrig rack pressure edge auto --reason "maintenance is over"

normal sends live, restrict sends less, divert keeps all telemetry on the rack's disk; auto lets go: the rack goes by
its own sensors again. A forced state ends by itself, after 24 h at most. Business messages are not held up in
any state. What was done, by whom and why, is kept in the rack's audit trail and the mixer's log.
Exit codes: 0 the rack has done it, 1 it has not, or it is not known, 2 the command line is wrong.)";

struct ForceOptions {
  MixerOptions mixer;
  std::string rack;
  std::string state;
  std::string duration;
  std::string reason;
  bool json = false;
};

int failed(const std::string& sentence, int code = kExitFailure) {
  fmt::print(stderr, "fluxrig rack pressure: {}\n", sentence);
  return code;
}

std::string operator_name() {
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
  const char* user = std::getenv("USER");
  return fmt::format("{}@{}", user == nullptr ? "unknown" : user, host.data());
}

std::string member(const boost::json::object& answer, std::string_view name) {
  const auto* value = answer.if_contains(name);
  return value != nullptr && value->is_string() ? printable(std::string(value->get_string())) : "";
}

int print(const ForceOptions& options, const std::string& url, const std::string& body) {
  boost::system::error_code broken;
  const auto value = boost::json::parse(body, broken);
  if (broken || !value.is_object()) return failed(url + ": the answer is no JSON object");
  if (options.json) {
    fmt::print("{}\n", boost::json::serialize(value));
    return kExitOk;
  }
  const auto& answer = value.get_object();
  const auto rack = member(answer, "rack");
  const auto until = member(answer, "until");
  if (until.empty())
    fmt::print("{} goes by its own sensors again; it is in {} now\n", rack, member(answer, "state"));
  else
    fmt::print("{} is held in {} until {}; it is in {} now\n", rack, member(answer, "forced"),
               until.substr(0, 19) + "Z", member(answer, "state"));
  return kExitOk;
}

int force(const ForceOptions& options) {
  const bool automatic = options.state == model::kAutomatic;
  const auto nanos = parse_duration(options.duration);
  if (!automatic && (!nanos || *nanos < 1'000'000'000))
    return failed("--for says for how long: 90s, 10m, 2h; at least a second", kExitUsage);
  if (!automatic && *nanos / 1'000'000 > static_cast<std::int64_t>(model::kMaxForcedMs))
    return failed("a forced state lasts 24 h at most; force it again if it must last longer", kExitUsage);
  if (automatic && !options.duration.empty()) return failed("auto takes no --for: it lets go", kExitUsage);
  const auto client = ApiClient::make(options.mixer);
  if (!client) return failed(client.error().message);
  std::string body = fmt::format(R"({{"state":"{}","reason":"{}","who":"{}")", options.state,
                                 escape_json(options.reason), escape_json(operator_name()));
  if (!automatic) body += fmt::format(R"(,"for":"{}s")", *nanos / 1'000'000'000);
  const auto reply = client->call(
      {.path = "/api/v1/racks/" + percent_encoded(options.rack) + "/pressure", .json = body + "}"});
  if (!reply) return failed(reply.error().message);
  if (reply->status != 200) return failed(describe_failure(client->url(), *reply));
  return print(options, client->url(), reply->body);
}

}  // namespace

void add_rack_pressure_command(CLI::App& rack, Action& action) {
  auto* command = rack.add_subcommand("pressure", "Hold a rack in a pressure state, or let go of it");
  const auto options = std::make_shared<ForceOptions>();  // the parser and the action both need it
  add_mixer_options(*command, options->mixer);
  command->add_option("rack", options->rack, "name or machine_id")->required()->type_name("RACK");
  command->add_option("state", options->state, "normal, restrict, divert or auto")
      ->required()
      ->check(CLI::IsMember({"normal", "restrict", "divert", "auto"}))
      ->type_name("STATE");
  command->add_option("--for", options->duration, "for how long, 24h at most")->type_name("TIME");
  command->add_option("--reason", options->reason, "why; kept in the audit trail")
      ->required()
      ->type_name("TEXT");
  command->add_flag("--json", options->json, "the mixer's JSON as it is");
  command->footer(kFooter);
  command->callback([&action, options] { action = [options] { return force(*options); }; });
}

}  // namespace fluxrig::client
