#include "sink/duckdb_sink.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cctype>
#include <system_error>

#include "sink/duckdb/duckdb_ingest.hpp"

namespace fluxrig::sink {
namespace {

namespace fs = std::filesystem;

Outcome<fs::path> prepare_directory(const fs::path& wanted) {
  std::error_code error;
  // Parquet paths go through DuckDB's file patterns.
  if (wanted.string().find_first_of("*?[]{}") != std::string::npos)
    return problem(fmt::format(
        "store directory '{}': the characters * ? [ ] {{ }} are not possible in its name", wanted.string()));
  fs::create_directory(wanted, error);
  if (error)
    return problem(
        fmt::format("store directory '{}' cannot be created: {}. Create it, owned by the mixer's user, or "
                    "set another one",
                    wanted.string(), error.message()));
  const auto directory = fs::canonical(wanted, error);
  if (error || !fs::is_directory(directory))
    return problem(fmt::format("store directory '{}' is not a directory: set another one", wanted.string()));
  if (directory.string().find_first_of("*?[]{}") != std::string::npos)
    return problem(
        fmt::format("store directory '{}': the characters * ? [ ] {{ }} are not possible in its path",
                    directory.string()));
  fs::create_directory(directory / "parquet", error);
  if (error || ::access(directory.c_str(), W_OK | X_OK) != 0)
    return problem(
        fmt::format("store directory '{}' is not writable: {}. Give the mixer's user write permission",
                    directory.string(), error ? error.message() : "Permission denied"));
  return directory;
}

// "Conflicting lock is held in /usr/bin/x (PID 123)": the number, or nothing.
std::string holder(const std::string& message) {
  const auto begin = message.find("(PID ");
  if (begin == std::string::npos) return {};
  std::string digits;
  for (auto i = begin + 5; i < message.size() && std::isdigit(static_cast<unsigned char>(message[i])) != 0;
       ++i)
    digits += message[i];
  return digits;
}

std::string explain(const std::string& file, const DatabaseError& error) {
  const auto has = [&](const char* part) { return error.message.find(part) != std::string::npos; };
  if (has("Conflicting lock") || has("Could not set lock")) {
    const auto pid = holder(error.message);
    return fmt::format(
        "store file '{}' is in use by another process{}: one mixer owns a store. Stop that process, or "
        "set another directory",
        file, pid.empty() ? "" : fmt::format(" (pid {})", pid));
  }
  if (error.out_of_space())
    return fmt::format(
        "store file '{}' cannot be opened: no space left on its disk. Free some, then start again", file);
  if (has("Permission denied"))
    return fmt::format(
        "store file '{}' cannot be opened: permission denied. It must belong to the mixer's user", file);
  return fmt::format(
      "store file '{}' cannot be read: {}. If it is damaged, move it and '{}.wal' aside (mv {} {}.damaged) "
      "and start "
      "again: the Parquet history stays readable, and racks send again what their WAL still holds",
      file, error.message, file, file, file);
}

}  // namespace

struct DuckDbStore::Parts {
  Parts(StoreOptions options, const Clock& clock, Diagnostics& diagnostics)
      : core(std::move(options), clock, diagnostics), sink(core) {}
  StoreCore core;
  DuckDbSink sink;
};

DuckDbStore::DuckDbStore(std::unique_ptr<Parts> parts) noexcept : parts_(std::move(parts)) {}
DuckDbStore::~DuckDbStore() = default;
Sink& DuckDbStore::sink() noexcept { return parts_->sink; }
Queries& DuckDbStore::queries() noexcept { return parts_->core.pool; }

Outcome<std::unique_ptr<DuckDbStore>> DuckDbStore::open(StoreOptions options, const Clock& clock,
                                                        Diagnostics& diagnostics) {
  auto directory = prepare_directory(options.directory);
  if (!directory) return tl::unexpected(std::move(directory.error()));
  options.directory = std::move(*directory);
  auto parts = std::make_unique<Parts>(std::move(options), clock, diagnostics);
  auto opened = parts->core.open();
  if (opened) opened = parts->sink.start();
  if (!opened) return problem(explain(parts->core.file(), opened.error()));
  return std::unique_ptr<DuckDbStore>(new DuckDbStore(std::move(parts)));
}

}  // namespace fluxrig::sink
