#include "fluxrig/audit_export.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "wal/chain_walk.hpp"

namespace fluxrig::client {
namespace {

constexpr std::size_t kBufferBytes = 256U << 10;

std::string partial(const std::string& path) { return path + ".partial"; }

// The rack and its keys, as its headers name them: they stand before the blocks.
Outcome<wal::BundleMachine> machine_of(wal::Disk& disk, const std::string& directory) {
  wal::BundleMachine machine;
  wal::ChainWalk walk;
  walk.unreadable = [](Epoch, Sequence, const char*) {};
  walk.released = [] {};
  walk.block = [&](ByteView, const model::BlockView& view) {
    if (view.head.kind != model::BlockKind::kHeader) return;
    const auto body = wal::decode_header_body(view.body);
    if (!body) return;
    machine.machine_id = view.head.machine_id;
    machine.name = body->rack;
    if (body->public_key && machine.keys.size() < wal::kMaxBundleKeys &&
        std::find(machine.keys.begin(), machine.keys.end(), *body->public_key) == machine.keys.end())
      machine.keys.push_back(*body->public_key);
  };
  if (const auto walked = wal::walk_chain(disk, directory, walk); !walked)
    return problem(fmt::format("cannot read '{}': {}", directory, to_string(walked.error())));
  if (machine.machine_id.is_zero())
    return problem(fmt::format("'{}' holds no audit log: no segment in it has a header", directory));
  return machine;
}

}  // namespace

Outcome<WholeFile> WholeFile::create(const std::string& path) {
  const int fd = ::open(partial(path).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return problem(fmt::format("cannot write '{}': {}", path, std::strerror(errno)));
  return WholeFile(path, fd);
}

WholeFile::WholeFile(WholeFile&& other) noexcept
    : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)), buffer_(std::move(other.buffer_)) {}

WholeFile::~WholeFile() {
  if (fd_ < 0) return;
  ::close(fd_);
  ::unlink(partial(path_).c_str());
}

Result<void> WholeFile::flush() {
  for (ByteView left = buffer_; !left.empty();) {
    const auto written = ::write(fd_, left.data(), left.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return fail(ErrorCode::kIo, "cannot write the file", errno);
    left = left.subspan(static_cast<std::size_t>(written));
  }
  buffer_.clear();
  return {};
}

Result<void> WholeFile::write(ByteView bytes) {
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  return buffer_.size() < kBufferBytes ? Result<void>() : flush();
}

Outcome<void> WholeFile::finish() {
  const auto flushed = flush();
  if (!flushed || ::fsync(fd_) != 0)
    return problem(fmt::format("cannot write '{}': {}", path_, std::strerror(errno)));
  if (::rename(partial(path_).c_str(), path_.c_str()) != 0)
    return problem(fmt::format("cannot rename to '{}': {}", path_, std::strerror(errno)));
  ::close(std::exchange(fd_, -1));
  return {};
}

Outcome<AuditExport> export_directory(wal::Disk& disk, const std::string& directory, const std::string& out,
                                      UnixNanos now) {
  const auto machine = machine_of(disk, directory);
  if (!machine) return tl::unexpected(machine.error());
  auto file = WholeFile::create(out);
  if (!file) return tl::unexpected(file.error());
  wal::BundleWriter writer([&](ByteView bytes) { return file->write(bytes); });
  AuditExport result{machine->name, 0, 0, 0};
  Result<void> done = writer.begin(now, {*machine});
  wal::ChainWalk walk;
  walk.unreadable = [&](Epoch, Sequence, const char*) { ++result.unreadable; };
  walk.released = [] {};
  walk.block = [&](ByteView bytes, const model::BlockView& view) {
    // Another machine's block in this directory is no part of its chain.
    if (!done || view.head.machine_id != machine->machine_id) return;
    done = writer.add(bytes);
    result.records += view.head.count;
  };
  if (const auto walked = wal::walk_chain(disk, directory, walk); !walked)
    return problem(fmt::format("cannot read '{}': {}", directory, to_string(walked.error())));
  if (done) done = writer.finish();
  if (!done) return problem(fmt::format("cannot write '{}': {}", out, to_string(done.error())));
  if (auto finished = file->finish(); !finished) return tl::unexpected(finished.error());
  result.blocks = writer.blocks();
  return result;
}

}  // namespace fluxrig::client
