// Writes the bundle of a rack's directory, docs/formats/audit.md. One thread.
#pragma once

#include <string>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "wal/bundle.hpp"

namespace fluxrig::client {

struct AuditExport {
  std::string rack;
  std::uint64_t blocks = 0;
  std::uint64_t records = 0;
  std::uint64_t unreadable = 0;  // places that had to be left out
};

// `out` is written beside itself and renamed when it is whole. The sentence of a failure names the file.
[[nodiscard]] Outcome<AuditExport> export_directory(wal::Disk& disk, const std::string& directory,
                                                    const std::string& out, UnixNanos now);

// A file that appears under its name only when it is whole and synced. One thread.
class WholeFile {
 public:
  [[nodiscard]] static Outcome<WholeFile> create(const std::string& path);
  WholeFile(WholeFile&& other) noexcept;
  WholeFile& operator=(WholeFile&&) = delete;
  ~WholeFile();  // without finish(): nothing is left
  [[nodiscard]] Result<void> write(ByteView bytes);
  [[nodiscard]] Outcome<void> finish();

 private:
  WholeFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  [[nodiscard]] Result<void> flush();
  std::string path_;
  int fd_ = -1;
  Bytes buffer_;
};

}  // namespace fluxrig::client
