// fluxrig pki init|issue|show DIR
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "base/diagnostics.hpp"
#include "fluxrig/command.hpp"
#include "fluxrig/terminal.hpp"
#include "snake/pki/authority.hpp"

namespace fluxrig::client {
namespace {

constexpr const char* kFooter = R"(Examples:
  fluxrig pki init pki                                       the authority, once for a deployment
  fluxrig pki issue pki --server nats --host mixer.example --host 10.0.0.5
  fluxrig pki issue pki --mixer mixer
  fluxrig pki issue pki --rack edge                          again to renew: the rack keeps its machine_id
  fluxrig pki show pki

A rack needs ca.crt, token.key, <rack>.crt and <rack>.key of the directory; ca.key stays at home.
Exit codes: 0 done, 1 it failed, 2 the command line is wrong.)";

struct PkiOptions {
  std::string directory;
  std::string rack, mixer, server, client;
  std::vector<std::string> hosts;
  int days = 365;
  bool json = false;
};

int failed(const Problem& problem) {
  fmt::print(stderr, "fluxrig pki: {}\n", printable(problem.message));
  return kExitFailure;
}

int run_init(const PkiOptions& options) {
  const SystemClock clock;
  if (const auto made = snake::init_authority(options.directory, clock); !made) return failed(made.error());
  fmt::print("made an authority in {}: ca.crt, ca.key and token.key\n", options.directory);
  fmt::print(
      "next: fluxrig pki issue {} --server nats --host HOST, then --mixer mixer, and --rack NAME for each "
      "rack\n",
      options.directory);
  return kExitOk;
}

snake::IssueRequest request_of(const PkiOptions& options) {
  snake::IssueRequest request;
  request.hosts = options.hosts;
  request.days = options.days;
  const std::pair<const std::string*, snake::CertificateRole> roles[] = {
      {&options.rack, snake::CertificateRole::kRack},
      {&options.mixer, snake::CertificateRole::kMixer},
      {&options.server, snake::CertificateRole::kServer},
      {&options.client, snake::CertificateRole::kClient}};
  for (const auto& [name, role] : roles) {
    if (name->empty()) continue;
    request.role = role;
    request.name = *name;
  }
  return request;
}

std::string entry_json(const snake::IndexEntry& entry) {
  return fmt::format(
      R"({{"name":"{}","role":"{}","machine_id":{},"subject":"{}","serial":"{}","not_after":"{}"}})",
      escape_json(entry.name), to_string(entry.role),
      entry.machine_id ? "\"" + to_string(*entry.machine_id) + "\"" : "null", escape_json(entry.subject),
      escape_json(entry.serial), to_rfc3339(entry.not_after));
}

int run_issue(const PkiOptions& options) {
  const SystemClock clock;
  auto random = SeededRandom::from_system();
  const auto request = request_of(options);
  if (request.role == snake::CertificateRole::kServer && request.hosts.empty()) {
    fmt::print(
        stderr,
        "fluxrig pki: a server's certificate needs --host, once for each name or address that clients use\n");
    return kExitUsage;
  }
  const auto entry = snake::issue_certificate(options.directory, request, clock, random);
  if (!entry) return failed(entry.error());
  if (options.json) {
    fmt::print("{}\n", entry_json(*entry));
    return kExitOk;
  }
  fmt::print("{0}/{1}.crt and {0}/{1}.key: {2} '{1}'{3}, valid until {4}\n", options.directory, entry->name,
             to_string(entry->role),
             entry->machine_id ? fmt::format(", machine_id {}", to_string(*entry->machine_id)) : "",
             to_rfc3339(entry->not_after).substr(0, 10));
  return kExitOk;
}

int run_show(const PkiOptions& options) {
  const SystemClock clock;
  const auto index = snake::load_index(options.directory);
  if (!index) return failed(index.error());
  if (!options.json) {
    fmt::print("{}", snake::describe_index(*index, clock.now()));
    return kExitOk;
  }
  std::string entries;
  for (const auto& entry : index->entries) entries += (entries.empty() ? "" : ",") + entry_json(entry);
  fmt::print("{{\"certificates\":[{}]}}\n", entries);
  return kExitOk;
}

void add_issue_options(CLI::App& command, PkiOptions& options) {
  auto* who = command.add_option_group("for whom");
  who->add_option("--rack", options.rack, "a rack of this name")->type_name("NAME");
  who->add_option("--mixer", options.mixer, "a mixer's connection to the server")->type_name("NAME");
  who->add_option("--server", options.server, "a NATS server")->type_name("NAME");
  who->add_option("--client", options.client, "another client of the server")->type_name("NAME");
  who->require_option(1);
  command.add_option("--host", options.hosts, "servers: a DNS name or address that clients use; repeatable")
      ->type_name("HOST");
  command.add_option("--days", options.days, "how long it is valid")
      ->capture_default_str()
      ->check(CLI::Range(1, 3650))
      ->type_name("N");
}

}  // namespace

void add_pki_commands(CLI::App& app, Action& action) {
  auto* pki = app.add_subcommand("pki", "Make and show the certificates of a deployment");
  pki->require_subcommand(1);
  pki->footer(kFooter);
  const auto options = std::make_shared<PkiOptions>();  // the parser and the action both need it
  const auto add = [&](const char* name, const char* summary, int (*run)(const PkiOptions&)) {
    auto* command = pki->add_subcommand(name, summary);
    command->add_option("directory", options->directory, "the authority's directory")
        ->required()
        ->type_name("DIR");
    command->footer(kFooter);
    command->callback([&action, options, run] { action = [options, run] { return run(*options); }; });
    return command;
  };
  add("init", "Make the authority", run_init);
  auto* issue = add("issue", "Issue or renew a certificate", run_issue);
  add_issue_options(*issue, *options);
  issue->add_flag("--json", options->json, "one JSON object instead of text");
  add("show", "List the certificates", run_show)
      ->add_flag("--json", options->json, "one JSON object instead of text");
}

}  // namespace fluxrig::client
