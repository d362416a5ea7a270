// The disk as the WAL sees it, and the seam for the simulator: PosixDisk is the real one, MemoryDisk loses
// what was not synced. Paths are plain strings with '/'. Failures carry errno: kFull (no space), kNotFound,
// kExists, kRefused (permission, read-only, locked), kIo (everything else). A Disk outlives what it made.
// PosixDisk: any thread; a File: any thread for read_at, one thread for the rest.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace fluxrig::wal {

class File {
 public:
  File() = default;
  virtual ~File() = default;
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  // All bytes or an error; after an error any part of them may have reached the file.
  [[nodiscard]] virtual Result<void> write_at(std::uint64_t offset, ByteView bytes) = 0;
  // The number of bytes read; fewer than asked for only at the end of the file.
  [[nodiscard]] virtual Result<std::size_t> read_at(std::uint64_t offset,
                                                    std::span<std::uint8_t> out) const = 0;
  // fdatasync. After a failure the bytes since the last success may be lost although a later sync succeeds:
  // write them again.
  [[nodiscard]] virtual Result<void> sync() = 0;
  [[nodiscard]] virtual Result<std::uint64_t> size() const = 0;
  // Takes that much of the disk for the (empty) file, so that later writes in it need no new space.
  [[nodiscard]] virtual Result<void> allocate(std::uint64_t bytes) {
    const Bytes zeros(64U << 10);
    for (std::uint64_t at = 0; at < bytes; at += zeros.size())
      if (const auto written = write_at(at, ByteView(zeros).first(static_cast<std::size_t>(
                                                std::min<std::uint64_t>(bytes - at, zeros.size()))));
          !written)
        return written;
    return {};
  }
};

// Held until destroyed.
class Lock {
 public:
  Lock() = default;
  virtual ~Lock() = default;
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;
};

enum class OpenMode : std::uint8_t {
  kRead,
  kReadWrite,    // must exist
  kCreateEmpty,  // made, or cut to nothing
};

// The `detail` of the kRefused that lock() gives when another process, or another Writer, holds it.
inline constexpr const char* kLockHeld = "the lock is held";

class Disk {
 public:
  // A directory with more names than this is refused (kOversize).
  static constexpr std::size_t kMaxNames = 100'000;

  Disk() = default;
  virtual ~Disk() = default;
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;

  [[nodiscard]] virtual Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) = 0;
  // Replaces `to`. Durable after sync_directory only, like creation and unlink.
  [[nodiscard]] virtual Result<void> rename(const std::string& from, const std::string& to) = 0;
  [[nodiscard]] virtual Result<void> unlink(const std::string& path) = 0;
  [[nodiscard]] virtual Result<void> sync_directory(const std::string& directory) = 0;
  // One level; kExists when it is there.
  [[nodiscard]] virtual Result<void> make_directory(const std::string& directory) = 0;
  // Names of the plain files, in no order.
  [[nodiscard]] virtual Result<std::vector<std::string>> list(const std::string& directory) = 0;
  [[nodiscard]] virtual Result<std::uint64_t> free_bytes(const std::string& directory) = 0;
  // Exclusive; kRefused when somebody holds it. The file then holds the owner's process id as text.
  [[nodiscard]] virtual Result<std::unique_ptr<Lock>> lock(const std::string& path) = 0;
};

}  // namespace fluxrig::wal
