// The real disk: pread, pwrite, fdatasync, flock. Interrupted calls are repeated, short writes continued.
// Any thread.
#pragma once

#include "wal/disk.hpp"

namespace fluxrig::wal {

class PosixDisk final : public Disk {
 public:
  [[nodiscard]] Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
  [[nodiscard]] Result<void> rename(const std::string& from, const std::string& to) override;
  [[nodiscard]] Result<void> unlink(const std::string& path) override;
  [[nodiscard]] Result<void> sync_directory(const std::string& directory) override;
  [[nodiscard]] Result<void> make_directory(const std::string& directory) override;
  [[nodiscard]] Result<std::vector<std::string>> list(const std::string& directory) override;
  [[nodiscard]] Result<std::uint64_t> free_bytes(const std::string& directory) override;
  [[nodiscard]] Result<std::unique_ptr<Lock>> lock(const std::string& path) override;
};

}  // namespace fluxrig::wal
