// Files that must be there after a power cut: data, name and directory are synced. Any thread.
#pragma once

#include <filesystem>

#include "base/result.hpp"

namespace fluxrig::sink {

// Creates `directory` below the existing `root` and syncs each directory that gained an entry.
[[nodiscard]] Result<void> create_directories_durably(const std::filesystem::path& root,
                                                      const std::filesystem::path& directory);
// Syncs `from`, renames it to `to` in the same directory, syncs the directory.
[[nodiscard]] Result<void> publish_file(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace fluxrig::sink
