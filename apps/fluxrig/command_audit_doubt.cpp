// fluxrig audit doubt [DIR]
#include <fmt/core.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "fluxrig/api_client.hpp"
#include "fluxrig/api_views.hpp"
#include "fluxrig/command.hpp"
#include "fluxrig/doubt.hpp"
#include "fluxrig/wal_view.hpp"
#include "wal/posix_disk.hpp"

namespace fluxrig::client {
namespace {

constexpr const char* kFooter = R"(Examples:
  fluxrig audit doubt                                  every rack, asked at the mixer
  fluxrig audit doubt --rack edge --json
  fluxrig audit doubt fluxrig-data/edge                a rack's directory, without the mixer

in_doubt: the rack died before it recorded an outcome; what it sent may have had its effect. late: no outcome for
five minutes, and no later epoch of that rack; it may be cut off, or dead. in_flight (--all): the outcome is still to
come. A directory only knows what it still holds: what the mixer has stored may be gone from it.
Exit codes: 0 none, 1 the mixer or the directory cannot be read, 2 the command line is wrong, 3 some are in doubt,
or damage may hide their outcomes.)";

struct DoubtOptions {
  MixerOptions mixer;
  std::string directory;
  std::string rack;
  bool all = false;
  bool json = false;
};

int failed(const std::string& sentence) {
  fmt::print(stderr, "fluxrig audit doubt: {}\n", sentence);
  return kExitFailure;
}

int show(std::string json, bool as_json) {
  const auto view = draw_doubt(json, terminal_of(stdout));
  if (!view) return failed(view.error().message);
  fmt::print("{}", as_json ? for_stream(std::move(json), ::isatty(STDOUT_FILENO) == 1) : view->text);
  return view->unsettled == 0 ? kExitOk : kExitIntegrity;
}

int run_mixer(const DoubtOptions& options) {
  const auto client = ApiClient::make(options.mixer);
  if (!client) return failed(client.error().message);
  std::string path = "/api/v1/doubt?limit=10000&all=" + std::string(options.all ? "true" : "false");
  if (!options.rack.empty()) path += "&rack=" + percent_encoded(options.rack);
  auto reply = client->call({.path = std::move(path)});
  if (!reply) return failed(reply.error().message);
  if (reply->status != 200) return failed(describe_failure(client->url(), *reply));
  return show(std::move(reply->body), options.json);
}

int run_directory(const DoubtOptions& options) {
  wal::PosixDisk disk;
  const auto directory = lane_directory(disk, options.directory);
  // A cursor takes a missing directory for one that is still to come.
  const auto segments = wal::list_segments(disk, directory);
  if (!segments) return failed(fmt::format("{}: {}", printable(directory), to_string(segments.error())));
  // Asked before the bytes are read: a rack that ends meanwhile leaves too little in doubt, never too much.
  const bool running = is_in_use(directory);
  auto scan = scan_doubt(disk, {directory, running, options.all}, stderr);
  if (!scan) return failed(fmt::format("{}: {}", printable(directory), to_string(scan.error())));
  const int code = show(std::move(scan->json), options.json);
  return code == kExitOk && scan->damages != 0 ? kExitIntegrity : code;
}

}  // namespace

void add_audit_doubt_command(CLI::App& audit, Action& action) {
  const auto options = std::make_shared<DoubtOptions>();  // the parser and the action both need it
  auto* doubt = audit.add_subcommand("doubt", "List transactions that left a rack and have no outcome");
  auto* directory =
      doubt->add_option("directory", options->directory, "a rack's data directory; none: ask the mixer")
          ->type_name("DIR");
  add_mixer_options(*doubt, options->mixer);
  doubt->add_option("--rack", options->rack, "only this rack's")->type_name("NAME")->excludes(directory);
  doubt->add_flag("--all", options->all, "those in flight too");
  doubt->add_flag("--json", options->json, "one JSON object instead of text");
  doubt->footer(kFooter);
  doubt->callback([&action, options] {
    action = [options] { return options->directory.empty() ? run_mixer(*options) : run_directory(*options); };
  });
}

}  // namespace fluxrig::client
