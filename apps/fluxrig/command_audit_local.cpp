// fluxrig audit verify PATH, fluxrig audit export DIR
#include <fmt/core.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>

#include "fluxrig/audit_export.hpp"
#include "fluxrig/audit_view.hpp"
#include "fluxrig/command.hpp"
#include "fluxrig/files.hpp"
#include "fluxrig/wal_view.hpp"
#include "wal/chain_walk.hpp"
#include "wal/posix_disk.hpp"

namespace fluxrig::client {
namespace {

constexpr const char* kVerifyFooter = R"(Examples:
  fluxrig audit verify fluxrig-data/edge
  fluxrig audit verify edge.audit --key edge.pub
  fluxrig audit verify edge.audit --json | jq .good

PATH is a rack's data directory, its audit directory (the rack may be running), or a bundle of 'fluxrig audit export'.
Without --key the key that the chain itself names is trusted: that proves that nothing was altered by somebody without
the rack's key. The mixer keeps each rack's first key: 'fluxrig audit status'.
Exit codes: 0 nothing missing or altered, 1 it cannot be read, 2 the command line is wrong, 3 something is.)";

constexpr const char* kExportFooter = R"(Examples:
  fluxrig audit export fluxrig-data/edge -o edge.audit
  fluxrig audit verify edge.audit

The bundle holds the records, checkpoints and public keys that are still in the rack's directory, for an auditor;
docs/formats/audit.md describes it.
Exit codes: 0 done, 1 it cannot be read or written, 2 the command line is wrong, 3 damaged places were left out.)";

constexpr std::size_t kMaxKeyFileBytes = 1U << 20;

struct AuditOptions {
  std::string path;
  std::string out;
  std::string keys;
  bool json = false;
};

int failed(const std::string& path, std::string_view why) {
  fmt::print(stderr, "fluxrig audit: {}: {}\n", printable(path), why);
  return kExitFailure;
}

// On a terminal only, and only for what takes a while.
wal::Progress progress_line() {
  constexpr std::uint64_t kWorthIt = 64U << 20;
  if (::isatty(STDERR_FILENO) != 1) return {};
  return [last = std::uint64_t{101}](std::uint64_t done, std::uint64_t all) mutable {
    if (all < kWorthIt) return;
    const std::uint64_t percent = done / (all / 100);
    if (percent == last) return;
    last = percent;
    fmt::print(stderr, "\rverifying {} %{}", percent, done >= all ? "\r               \r" : "");
  };
}

struct Judged {
  int failure = kExitOk;
  AuditVerdict verdict;
};

Judged judge_bundle(wal::Disk& disk, AuditVerdict verdict, const wal::ChainVerifier::Options& options) {
  const auto file = disk.open(verdict.path, wal::OpenMode::kRead);
  if (!file) return {failed(verdict.path, to_string(file.error())), {}};
  if (!wal::is_bundle(**file))
    return {failed(verdict.path, "it is neither a directory nor a bundle of 'fluxrig audit export'"), {}};
  auto bundle = wal::verify_bundle(**file, options, progress_line());
  if (!bundle) {
    (void)failed(verdict.path, to_string(bundle.error()));
    return {bundle.error().code == ErrorCode::kCorrupt ? kExitIntegrity : kExitFailure, {}};
  }
  verdict.machines = std::move(bundle->machines);
  return {kExitOk, std::move(verdict)};
}

Judged judge_directory(wal::Disk& disk, AuditVerdict verdict, const wal::ChainVerifier::Options& options) {
  const auto directory = lane_directory(disk, verdict.path);
  const auto names = wal::list_segments(disk, directory);
  if (!names) return {failed(directory, to_string(names.error())), {}};
  if (names->empty() && !std::filesystem::exists(directory + "/epoch"))
    return {failed(directory, "it holds no audit log"), {}};
  auto verified = wal::verify_chain(disk, directory, options, progress_line());
  if (!verified) return {failed(directory, to_string(verified.error())), {}};
  verdict.torn_bytes = verified->torn_bytes;
  const bool any = verified->report.blocks != 0 || !verified->report.good();
  const MachineId machine = verified->report.machine_id;
  if (any) verdict.machines.push_back({{machine, "", {}}, std::move(verified->report)});
  return {kExitOk, std::move(verdict)};
}

int run_verify(const AuditOptions& options) {
  if (options.path.empty()) {
    fmt::print(stderr, "fluxrig audit verify: name a rack's directory or a bundle\n");
    return kExitUsage;
  }
  AuditVerdict verdict;
  verdict.path = options.path;
  wal::ChainVerifier::Options trust;
  if (!options.keys.empty()) {
    const auto text = read_file(options.keys, kMaxKeyFileBytes);
    if (!text) return failed(options.keys, text.error().message);
    auto keys = parse_keys(*text);
    if (!keys) {
      (void)failed(options.keys, keys.error().message);
      return kExitUsage;
    }
    trust.keys = *std::move(keys);
    verdict.keys_given = true;
  }
  wal::PosixDisk disk;
  std::error_code ignored;
  const auto judged = std::filesystem::is_directory(options.path, ignored)
                          ? judge_directory(disk, std::move(verdict), trust)
                          : judge_bundle(disk, std::move(verdict), trust);
  if (judged.failure != kExitOk) return judged.failure;
  fmt::print(
      "{}", options.json ? audit_as_json(judged.verdict) : render_audit(judged.verdict, terminal_of(stdout)));
  return judged.verdict.good() ? kExitOk : kExitIntegrity;
}

int run_export(const AuditOptions& options) {
  if (options.path.empty() || options.out.empty()) {
    fmt::print(stderr, "fluxrig audit export: name a rack's directory, and the bundle with -o\n");
    return kExitUsage;
  }
  wal::PosixDisk disk;
  const SystemClock clock;
  const auto done = export_directory(disk, lane_directory(disk, options.path), options.out, clock.now());
  if (!done) return failed(options.path, done.error().message);
  fmt::print("{}: {} records in {} blocks of rack {}\n", printable(options.out), done->records, done->blocks,
             printable(done->rack));
  if (done->unreadable == 0) return kExitOk;
  fmt::print(stderr, "fluxrig audit: {} damaged places were left out; 'fluxrig audit verify' names them\n",
             done->unreadable);
  return kExitIntegrity;
}

}  // namespace

// The paths are not required here: the same commands can be pointed at the mixer instead.
void add_audit_local_commands(CLI::App& audit, Action& action) {
  const auto options = std::make_shared<AuditOptions>();  // the parser and the action both need it
  auto* verify = audit.add_subcommand("verify", "Say that nothing is missing or altered, or what is");
  verify->add_option("path", options->path, "a rack's directory, or a bundle")->type_name("PATH");
  verify->add_option("--key", options->keys, "trusted public keys, 64 hex digits a line")->type_name("FILE");
  verify->add_flag("--json", options->json, "one JSON object instead of text");
  verify->footer(kVerifyFooter);
  verify->callback([&action, options] { action = [options] { return run_verify(*options); }; });
  auto* bundle = audit.add_subcommand("export", "Write records, checkpoints and keys for an auditor");
  bundle->add_option("directory", options->path, "a rack's data directory")->type_name("DIR");
  bundle->add_option("-o,--output", options->out, "the bundle to write")->type_name("FILE");
  bundle->footer(kExportFooter);
  bundle->callback([&action, options] { action = [options] { return run_export(*options); }; });
}

}  // namespace fluxrig::client
