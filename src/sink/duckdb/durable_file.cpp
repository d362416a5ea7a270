#include "sink/duckdb/durable_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace fluxrig::sink {
namespace {

namespace fs = std::filesystem;

Result<void> sync_path(const fs::path& path, int flags) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | flags);
  if (fd < 0) return fail(ErrorCode::kIo, "cannot open a Parquet path to sync it", errno);
  const int synced = ::fsync(fd);
  const int reason = errno;
  ::close(fd);
  if (synced != 0) return fail(ErrorCode::kIo, "cannot sync a Parquet path", reason);
  return {};
}

}  // namespace

Result<void> create_directories_durably(const fs::path& root, const fs::path& directory) {
  if (directory == root) return {};
  if (auto above = create_directories_durably(root, directory.parent_path()); !above) return above;
  std::error_code error;
  if (!fs::create_directory(directory, error)) {
    if (error) return fail(ErrorCode::kIo, "cannot create a Parquet directory", error.value());
    return {};
  }
  return sync_path(directory.parent_path(), O_DIRECTORY);
}

Result<void> publish_file(const fs::path& from, const fs::path& to) {
  if (auto synced = sync_path(from, 0); !synced) return synced;
  if (::rename(from.c_str(), to.c_str()) != 0)
    return fail(ErrorCode::kIo, "cannot rename a Parquet file", errno);
  return sync_path(to.parent_path(), O_DIRECTORY);
}

}  // namespace fluxrig::sink
