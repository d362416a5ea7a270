#include "sink/duckdb/part_check.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "wal/sha256.hpp"

namespace fluxrig::sink {
namespace {

constexpr std::size_t kBytesAtATime = 256U << 10;

class OpenFile {
 public:
  explicit OpenFile(const std::filesystem::path& file)
      : descriptor_(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)) {}
  ~OpenFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  [[nodiscard]] int descriptor() const noexcept { return descriptor_; }

 private:
  int descriptor_;
};

bool is_of_the_moment(int reason) {
  return reason == EMFILE || reason == ENFILE || reason == ENOMEM || reason == EAGAIN;
}

}  // namespace

Result<FileHash> hash_file(const std::filesystem::path& file, bool from_disk) {
  const OpenFile open(file);
  if (open.descriptor() < 0) return fail(ErrorCode::kIo, "cannot open a Parquet file to check it", errno);
  if (from_disk) (void)::posix_fadvise(open.descriptor(), 0, 0, POSIX_FADV_DONTNEED);
  wal::Sha256 sha;
  FileHash found;
  Bytes buffer(kBytesAtATime);
  for (;;) {
    const auto got = ::read(open.descriptor(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(ErrorCode::kIo, "cannot read a Parquet file to check it", errno);
    if (got == 0) break;
    sha.add(ByteView(buffer).first(static_cast<std::size_t>(got)));
    found.bytes += static_cast<std::uint64_t>(got);
  }
  found.hash = sha.finish();
  return found;
}

Result<PartCheck> check_file(const std::filesystem::path& file, const std::optional<model::Hash>& expected) {
  PartCheck check;
  const auto found = hash_file(file, true);
  if (!found) {
    const int reason = found.error().os_error;
    if (is_of_the_moment(reason)) return tl::unexpected(found.error());
    check.state = reason == ENOENT || reason == ENOTDIR ? FileState::kMissing : FileState::kUnreadable;
    return check;
  }
  check.found = *found;
  check.state = !expected                  ? FileState::kUnhashed
                : *expected == found->hash ? FileState::kGood
                                           : FileState::kAltered;
  return check;
}

}  // namespace fluxrig::sink
