// fluxrig audit status, and audit verify and export with --mixer: the same questions put to the
// mixer's store.
#include <fmt/core.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <memory>

#include "fluxrig/api_views.hpp"
#include "fluxrig/audit_mixer.hpp"
#include "fluxrig/audit_standing.hpp"
#include "fluxrig/command.hpp"
#include "fluxrig/files.hpp"

namespace fluxrig::client {
namespace {

constexpr const char* kStatusFooter = R"(Examples:
  fluxrig audit status
  fluxrig audit status --json | jq '.racks[] | select(.state != "ok")'

state is 'late' while something is missing that may yet come (the rack is away, its last records are not signed yet, a
piece is on its way), and 'alarm' while an alarm is open: 'fluxrig audit alarms'.
Exit codes: 0 no alarm is open, 1 the mixer cannot be asked, 2 the command line is wrong, 3 an alarm is open.)";

constexpr std::size_t kMaxKeyFileBytes = 1U << 20;

struct MixerAuditOptions {
  MixerOptions mixer;
  ChainQuestion chain;
  bool json = false;
};

int failed(const char* command, const std::string& sentence, int code = kExitFailure) {
  fmt::print(stderr, "fluxrig audit {}: {}\n", command, sentence);
  return code;
}

std::optional<std::string> ask(const char* command, const MixerOptions& mixer, const std::string& path) {
  const auto client = ApiClient::make(mixer);
  if (!client) return failed(command, client.error().message), std::nullopt;
  auto reply = client->call({.path = path});
  if (!reply) return failed(command, reply.error().message), std::nullopt;
  if (reply->status != 200) return failed(command, describe_failure(client->url(), *reply)), std::nullopt;
  return std::move(reply->body);
}

void print_json(std::string body) {
  fmt::print("{}", for_stream(std::move(body), ::isatty(STDOUT_FILENO) == 1));
}

int run_status(const MixerAuditOptions& options) {
  auto body = ask("status", options.mixer, "/api/v1/audit/status");
  if (!body) return kExitFailure;
  const bool alarm = body->find(R"("state":"alarm")") != std::string::npos;
  if (options.json) return print_json(*std::move(body)), alarm ? kExitIntegrity : kExitOk;
  const auto table = draw_audit_status(*body, SystemClock{}.now(), terminal_of(stdout));
  if (!table) return failed("status", table.error().message);
  fmt::print("{}", *table);
  return alarm ? kExitIntegrity : kExitOk;
}

// On a terminal only.
FetchProgress progress_line(const char* doing) {
  if (::isatty(STDERR_FILENO) != 1) return {};
  return [doing](std::uint64_t done, std::uint64_t all) {
    fmt::print(stderr, "\r{} {} of {} blocks{}", doing, done, std::max(done, all),
               done >= all ? "\r                                                  \r" : "");
  };
}

int run_verify(const MixerAuditOptions& options, const std::string& key_file) {
  const auto client = ApiClient::make(options.mixer);
  if (!client) return failed("verify", client.error().message);
  VerifyQuestion question{options.chain, {}, progress_line("verified")};
  if (!key_file.empty()) {
    const auto text = read_file(key_file, kMaxKeyFileBytes);
    if (!text) return failed("verify", text.error().message);
    auto keys = parse_keys(*text);
    if (!keys) return failed("verify", printable(key_file) + ": " + keys.error().message, kExitUsage);
    question.keys = *std::move(keys);
  }
  const auto verdict = verify_mixer(*client, question);
  if (!verdict) return failed("verify", verdict.error().message);
  fmt::print("{}", options.json ? audit_as_json(*verdict) : render_audit(*verdict, terminal_of(stdout)));
  return verdict->good() ? kExitOk : kExitIntegrity;
}

int run_export(const MixerAuditOptions& options, const std::string& out) {
  if (out.empty()) return failed("export", "name the bundle to write with -o", kExitUsage);
  const auto client = ApiClient::make(options.mixer);
  if (!client) return failed("export", client.error().message);
  const auto made = export_mixer(*client, options.chain, out, progress_line("exported"));
  if (!made) return failed("export", made.error().message);
  fmt::print("{}: {} blocks of {} racks\n", printable(out), made->blocks, made->machines);
  return kExitOk;
}

void add_filters(CLI::App& command, ChainQuestion& chain) {
  command.add_option("--rack", chain.rack, "only of this rack")->type_name("NAME");
  command.add_option("--since", chain.since, "a time, or an age such as 15m")->type_name("TIME");
}

// --mixer [URL] and what goes with it, on a command that works on files without it.
void add_mixer_form(CLI::App& command, MixerAuditOptions& options) {
  command.add_option("--mixer", options.mixer.url, "ask the mixer's store instead (FLUXRIG_MIXER_API)")
      ->expected(0, 1)
      ->type_name("[URL]");
  command.add_option("--token-file", options.mixer.token_file, "the file with the mixer's token")
      ->envname("FLUXRIG_TOKEN_FILE")
      ->type_name("FILE");
  command
      .add_option("--ca", options.mixer.authority, "PEM file of the authority that https is checked against")
      ->envname("FLUXRIG_CA")
      ->type_name("FILE");
  add_filters(command, options.chain);
  command.add_option("--until", options.chain.until, "a time, or an age such as 15m")->type_name("TIME");
}

// --mixer alone: CLI11 writes "true" for the value that is not there.
void settle_url(MixerOptions& mixer) {
  if (!mixer.url.empty() && mixer.url != "true") return;
  const char* address = std::getenv("FLUXRIG_MIXER_API");
  mixer.url = address != nullptr && *address != '\0' ? address : "http://127.0.0.1:7070";
}

CLI::App* find(CLI::App& app, std::string_view name) {
  const auto found = app.get_subcommands([&](const CLI::App* one) { return one->get_name() == name; });
  return found.empty() ? nullptr : found.front();
}

std::string given(const CLI::App& command, const char* option) {
  const auto* found = command.get_option_no_throw(option);
  return found == nullptr || found->count() == 0 ? std::string() : found->as<std::string>();
}

}  // namespace

void add_audit_mixer_commands(CLI::App& audit, Action& action) {
  const auto options = std::make_shared<MixerAuditOptions>();  // the parser and the action both need it
  const auto add = [&](const char* name, const char* summary, const char* footer,
                       int (*run)(const MixerAuditOptions&)) {
    auto* command = audit.add_subcommand(name, summary);
    add_mixer_options(*command, options->mixer);
    command->add_flag("--json", options->json, "the mixer's JSON as it is");
    command->footer(footer);
    command->callback([&action, options, run] { action = [options, run] { return run(*options); }; });
    return command;
  };
  add("status", "How far each rack's chain is stored, verified and signed", kStatusFooter, run_status);

  // The commands of a directory, which stand already, take the mixer as well.
  auto* verify = find(audit, "verify");
  auto* bundle = find(audit, "export");
  for (auto* command : {verify, bundle})
    if (command != nullptr) add_mixer_form(*command, *options);
  audit.callback([&action, options, verify, bundle] {
    const auto chosen = [](const CLI::App* command) {
      return command != nullptr && command->parsed() && command->count("--mixer") != 0;
    };
    if (!chosen(verify) && !chosen(bundle)) return;
    const bool verifies = chosen(verify);
    settle_url(options->mixer);
    options->json = verifies && verify->count("--json") != 0;
    const auto file = verifies ? given(*verify, "--key") : given(*bundle, "--output");
    action = [options, verifies, file] {
      return verifies ? run_verify(*options, file) : run_export(*options, file);
    };
  });
}

}  // namespace fluxrig::client
