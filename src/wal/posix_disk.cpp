#include "wal/posix_disk.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace fluxrig::wal {
namespace {

tl::unexpected<Error> os_failure(const char* detail, int number = errno) noexcept {
  switch (number) {
    case ENOSPC:
    case EDQUOT:
      return fail(ErrorCode::kFull, detail, number);
    case ENOENT:
    case ENOTDIR:
      return fail(ErrorCode::kNotFound, detail, number);
    case EEXIST:
      return fail(ErrorCode::kExists, detail, number);
    case EACCES:
    case EPERM:
    case EROFS:
      return fail(ErrorCode::kRefused, detail, number);
    default:
      return fail(ErrorCode::kIo, detail, number);
  }
}

template <typename Call>
auto uninterrupted(Call call) noexcept {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

class Descriptor {
 public:
  explicit Descriptor(int number) noexcept : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int number() const noexcept { return number_; }

 private:
  int number_;
};

class PosixFile final : public File {
 public:
  explicit PosixFile(int number) noexcept : descriptor_(number) {}

  Result<void> write_at(std::uint64_t offset, ByteView bytes) override {
    while (!bytes.empty()) {
      const auto written = uninterrupted([&] {
        return ::pwrite(descriptor_.number(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
      });
      if (written < 0) return os_failure("cannot write");
      if (written == 0) return fail(ErrorCode::kIo, "cannot write: the disk took no bytes", EIO);
      offset += static_cast<std::uint64_t>(written);
      bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
    return {};
  }

  Result<void> allocate(std::uint64_t bytes) override {
    const int failed = ::posix_fallocate(descriptor_.number(), 0, static_cast<off_t>(bytes));
    if (failed != 0) return os_failure("cannot take space of the disk", failed);
    return {};
  }

  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::uint8_t> out) const override {
    std::size_t done = 0;
    while (done < out.size()) {
      const auto count = uninterrupted([&] {
        return ::pread(descriptor_.number(), out.data() + done, out.size() - done,
                       static_cast<off_t>(offset + done));
      });
      if (count < 0) return os_failure("cannot read");
      if (count == 0) break;
      done += static_cast<std::size_t>(count);
    }
    return done;
  }

  Result<void> sync() override {
    if (uninterrupted([&] { return ::fdatasync(descriptor_.number()); }) < 0)
      return os_failure("cannot sync");
    return {};
  }

  Result<std::uint64_t> size() const override {
    struct stat status {};
    if (::fstat(descriptor_.number(), &status) < 0) return os_failure("cannot read the size");
    return static_cast<std::uint64_t>(status.st_size);
  }

 private:
  Descriptor descriptor_;
};

class PosixLock final : public Lock {
 public:
  explicit PosixLock(int number) noexcept : descriptor_(number) {}

 private:
  Descriptor descriptor_;  // closing it gives the lock back
};

}  // namespace

Result<std::unique_ptr<File>> PosixDisk::open(const std::string& path, OpenMode mode) {
  int flags = O_CLOEXEC;
  if (mode == OpenMode::kRead) flags |= O_RDONLY;
  if (mode == OpenMode::kReadWrite) flags |= O_RDWR;
  if (mode == OpenMode::kCreateEmpty) flags |= O_RDWR | O_CREAT | O_TRUNC;
  // Audit records are for the rack's user and its group, nobody else.
  const int number = uninterrupted([&] { return ::open(path.c_str(), flags, 0640); });
  if (number < 0) return os_failure("cannot open");
  return std::make_unique<PosixFile>(number);
}

Result<void> PosixDisk::rename(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) < 0) return os_failure("cannot rename");
  return {};
}

Result<void> PosixDisk::unlink(const std::string& path) {
  if (::unlink(path.c_str()) < 0) return os_failure("cannot delete");
  return {};
}

Result<void> PosixDisk::sync_directory(const std::string& directory) {
  const Descriptor opened(
      uninterrupted([&] { return ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
  if (opened.number() < 0) return os_failure("cannot open the directory");
  if (uninterrupted([&] { return ::fsync(opened.number()); }) < 0)
    return os_failure("cannot sync the directory");
  return {};
}

Result<void> PosixDisk::make_directory(const std::string& directory) {
  if (::mkdir(directory.c_str(), 0750) < 0) return os_failure("cannot make the directory");
  return {};
}

Result<std::vector<std::string>> PosixDisk::list(const std::string& directory) {
  const std::unique_ptr<DIR, int (*)(DIR*)> opened(::opendir(directory.c_str()), ::closedir);
  if (!opened) return os_failure("cannot open the directory");
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(opened.get());
    if (entry == nullptr) {
      if (errno != 0) return os_failure("cannot list the directory");
      return names;
    }
    if (entry->d_type != DT_REG && entry->d_type != DT_UNKNOWN) continue;
    if (names.size() == kMaxNames) return fail(ErrorCode::kOversize, "too many files in the directory");
    names.emplace_back(entry->d_name);
  }
}

Result<std::uint64_t> PosixDisk::free_bytes(const std::string& directory) {
  struct statvfs status {};
  if (::statvfs(directory.c_str(), &status) < 0) return os_failure("cannot read the free space");
  return static_cast<std::uint64_t>(status.f_bavail) * status.f_frsize;
}

Result<std::unique_ptr<Lock>> PosixDisk::lock(const std::string& path) {
  const int number = uninterrupted([&] { return ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640); });
  if (number < 0) return os_failure("cannot open the lock file");
  auto held = std::make_unique<PosixLock>(number);
  if (uninterrupted([&] { return ::flock(number, LOCK_EX | LOCK_NB); }) < 0) {
    if (errno == EWOULDBLOCK) return fail(ErrorCode::kRefused, kLockHeld, EWOULDBLOCK);
    return os_failure("cannot lock");
  }
  // For the message that the next one prints; the lock itself is the kernel's.
  const std::string owner = std::to_string(::getpid());
  if (::ftruncate(number, 0) < 0) return os_failure("cannot write the lock file");
  if (::pwrite(number, owner.data(), owner.size(), 0) < 0) return os_failure("cannot write the lock file");
  return held;
}

}  // namespace fluxrig::wal
