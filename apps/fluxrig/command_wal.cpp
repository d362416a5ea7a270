// fluxrig wal ls|cat|verify DIR
#include <fmt/core.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "fluxrig/command.hpp"
#include "fluxrig/wal_view.hpp"
#include "wal/posix_disk.hpp"

namespace fluxrig::client {
namespace {

constexpr const char* kFooter = R"(Examples:
  fluxrig wal ls fluxrig-data/edge
  fluxrig wal cat fluxrig-data/edge/audit --limit 3
  fluxrig wal cat fluxrig-data/edge --epoch 2 --sequence 1000 | jq .outcome
  fluxrig wal cat fluxrig-data/edge/spool/send.out | jq -r .flux_id
  fluxrig wal verify fluxrig-data/edge

DIR is a rack's data directory or a lane's directory in it. Nothing is changed; the rack may be running.
Exit codes: 0 done, 1 the directory cannot be read, 2 the command line is wrong, 3 stored data is damaged.)";

struct WalOptions {
  std::string directory;
  std::uint32_t epoch = 0;
  std::uint64_t sequence = 0;
  std::uint64_t limit = 0;
  bool json = false;
};

int failed(const std::string& directory, const Error& error) {
  fmt::print(stderr, "fluxrig wal: {}: {}\n", printable(directory), to_string(error));
  return error.code == ErrorCode::kCorrupt ? kExitIntegrity : kExitFailure;
}

// On a terminal only, and only for what takes a while.
wal::Progress progress_line() {
  constexpr std::uint64_t kWorthIt = 256U << 20;
  if (::isatty(STDERR_FILENO) != 1) return {};
  return [last = std::uint64_t{101}](std::uint64_t done, std::uint64_t all) mutable {
    if (all < kWorthIt) return;
    const std::uint64_t percent = done / (all / 100);
    if (percent == last) return;
    last = percent;
    fmt::print(stderr, "\rreading {} %{}", percent, done >= all ? "\r             \r" : "");
  };
}

int run_ls(const WalOptions& options) {
  wal::PosixDisk disk;
  const auto directory = lane_directory(disk, options.directory);
  const auto segments = wal::summarize(disk, directory, progress_line());
  if (!segments) return failed(directory, segments.error());
  fmt::print("{}",
             options.json ? segments_as_json(*segments) : render_segments(*segments, terminal_of(stdout)));
  for (const auto& segment : *segments)
    if (segment.scan.damage_count != 0) return kExitIntegrity;
  return kExitOk;
}

int run_cat(const WalOptions& options) {
  wal::PosixDisk disk;
  const auto directory = lane_directory(disk, options.directory);
  // A cursor takes a missing directory for one that is still to come.
  if (const auto segments = wal::list_segments(disk, directory); !segments)
    return failed(directory, segments.error());
  const auto done =
      cat_records(disk, {directory, {{options.epoch}, {options.sequence}}, options.limit}, stdout, stderr);
  if (!done) return failed(directory, done.error());
  return done->damages + done->undecodable == 0 ? kExitOk : kExitIntegrity;
}

int run_verify(const WalOptions& options) {
  wal::PosixDisk disk;
  const auto directory = lane_directory(disk, options.directory);
  const auto verification = wal::verify(disk, directory, progress_line());
  if (!verification) return failed(directory, verification.error());
  fmt::print("{}", options.json ? verification_as_json(*verification, directory)
                                : render_verification(*verification, directory, terminal_of(stdout)));
  return verification->good() ? kExitOk : kExitIntegrity;
}

}  // namespace

void add_wal_commands(CLI::App& app, Action& action) {
  auto* wal = app.add_subcommand("wal", "Look at the records on a rack's disk");
  wal->require_subcommand(1);
  wal->footer(kFooter);
  const auto options = std::make_shared<WalOptions>();  // the parser and the action both need it
  const auto add = [&](const char* name, const char* summary, int (*run)(const WalOptions&)) {
    auto* command = wal->add_subcommand(name, summary);
    command->add_option("directory", options->directory, "a rack's data directory, or a lane's")
        ->required()
        ->type_name("DIR");
    command->footer(kFooter);
    command->callback([&action, options, run] { action = [options, run] { return run(*options); }; });
    return command;
  };
  add("ls", "List the segments", run_ls)
      ->add_flag("--json", options->json, "one JSON object instead of text");
  auto* cat = add("cat", "Print the records as JSON lines", run_cat);
  cat->add_option("--epoch", options->epoch, "from this boot epoch on")->type_name("N");
  cat->add_option("--sequence", options->sequence, "from this record of the epoch on")->type_name("N");
  cat->add_option("--limit", options->limit, "at most so many records")->type_name("N");
  add("verify", "Check checksums, the hash chain and the sequence numbers", run_verify)
      ->add_flag("--json", options->json, "one JSON object instead of text");
}

}  // namespace fluxrig::client
