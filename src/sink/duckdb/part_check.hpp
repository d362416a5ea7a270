// Whether a file still is what was written: its SHA-256 over all of it. DuckDB reads a page with a flipped
// bit without complaint, so nothing else notices. Any thread; reads only.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "sink/sink.hpp"

namespace fluxrig::sink {

struct FileHash {
  model::Hash hash{};
  std::uint64_t bytes = 0;
};
// `from_disk`: not from what the kernel still holds of it, as far as it lets that go.
[[nodiscard]] Result<FileHash> hash_file(const std::filesystem::path& file, bool from_disk);

// One part, held against the hash that it was listed with.
struct PartCheck {
  std::uint64_t id = 0;
  std::string path;  // relative to the Parquet directory
  FileState state = FileState::kGood;
  FileHash found;  // good, altered and unhashed only
};
// Fails when nothing can be said of the file now: too many open files, no memory.
[[nodiscard]] Result<PartCheck> check_file(const std::filesystem::path& file,
                                           const std::optional<model::Hash>& expected);

}  // namespace fluxrig::sink
