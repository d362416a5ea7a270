#include "wal/memory_disk.hpp"

#include <algorithm>
#include <cerrno>

#include "base/assert.hpp"

namespace fluxrig::wal {
namespace {

// What a power loss keeps or loses as one piece.
constexpr std::size_t kSectorBytes = 512;

void apply(Bytes& to, std::uint64_t offset, ByteView bytes) {
  if (bytes.empty()) return;
  const std::size_t start = static_cast<std::size_t>(offset);
  if (to.size() < start + bytes.size()) to.resize(start + bytes.size());
  std::copy(bytes.begin(), bytes.end(), to.begin() + static_cast<std::ptrdiff_t>(start));
}

void apply(Bytes& to, const MemoryDisk::Write& write) {
  if (write.cut) to.clear();
  apply(to, write.offset, write.bytes);
}

class MemoryFile final : public File {
 public:
  MemoryFile(MemoryDisk& disk, std::shared_ptr<MemoryDisk::Node> node)
      : disk_(disk), node_(std::move(node)) {}

  Result<void> write_at(std::uint64_t offset, ByteView bytes) override {
    return disk_.write(*node_, offset, bytes);
  }
  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::uint8_t> out) const override {
    if (const auto good = disk_.check(MemoryDisk::Operation::kRead); !good)
      return tl::unexpected(good.error());
    if (offset >= node_->live.size()) return std::size_t{0};
    const std::size_t start = static_cast<std::size_t>(offset);
    const std::size_t count = std::min(out.size(), node_->live.size() - start);
    std::copy_n(node_->live.begin() + static_cast<std::ptrdiff_t>(start), count, out.begin());
    return count;
  }
  Result<void> sync() override { return disk_.sync(*node_); }
  Result<std::uint64_t> size() const override { return node_->live.size(); }

 private:
  MemoryDisk& disk_;
  std::shared_ptr<MemoryDisk::Node> node_;  // shared: a file may be unlinked while it is open
};

class MemoryLock final : public Lock {
 public:
  MemoryLock(MemoryDisk& disk, std::string path, std::uint64_t holder)
      : disk_(disk), path_(std::move(path)), holder_(holder) {}
  ~MemoryLock() override { disk_.unlock(path_, holder_); }

 private:
  MemoryDisk& disk_;
  std::string path_;
  std::uint64_t holder_;
};

std::string parent_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : path.substr(0, slash);
}

}  // namespace

Result<void> MemoryDisk::check(Operation operation) {
  const bool changes = operation != Operation::kRead && operation != Operation::kOpen;
  if (left_ == 0) {
    stopped_ = true;
    return fail(ErrorCode::kIo, "the power is gone", EIO);
  }
  if (changes) {
    ++operations_;
    if (left_ != ~std::uint64_t{0}) --left_;
  }
  const int number = take_fault(operation);
  if (number == 0) return {};
  return fail(number == ENOSPC ? ErrorCode::kFull : ErrorCode::kIo, "an injected fault", number);
}

void MemoryDisk::fail_next(Operation operation, int number, int times) {
  const std::scoped_lock lock(faults_mutex_);
  faults_[operation] = {number, times};
}

int MemoryDisk::take_fault(Operation operation) {
  const std::scoped_lock lock(faults_mutex_);
  const auto fault = faults_.find(operation);
  if (fault == faults_.end() || fault->second.times == 0) return 0;
  --fault->second.times;
  return fault->second.number;
}

std::uint64_t MemoryDisk::used() const noexcept {
  std::uint64_t sum = 0;
  for (const auto& [path, node] : names_) sum += node->live.size();
  return sum;
}

Result<void> MemoryDisk::write(Node& node, std::uint64_t offset, ByteView bytes) {
  const bool dead = stopped_;
  auto good = check(Operation::kWrite);
  if (!good) bytes = bytes.first(dead ? 0 : bytes.size() / 2);
  const std::uint64_t end = offset + bytes.size();
  const std::uint64_t growth = end > node.live.size() ? end - node.live.size() : 0;
  const std::uint64_t room = capacity_ > used() ? capacity_ - used() : 0;
  if (growth > room) {
    const std::uint64_t lost = std::min<std::uint64_t>(growth - room, bytes.size());
    bytes = bytes.first(bytes.size() - static_cast<std::size_t>(lost));
    if (good) good = fail(ErrorCode::kFull, "cannot write", ENOSPC);
  }
  apply(node.live, offset, bytes);
  node.unsynced.push_back({offset, Bytes(bytes.begin(), bytes.end()), false});
  return good;
}

Result<void> MemoryDisk::sync(Node& node) {
  if (const auto good = check(Operation::kSync); !good) {
    // As Linux does: pages that could not be written are called clean, and the next sync succeeds without
    // them.
    if (left_ != 0) {
      node.unsynced.clear();
      node.refused = true;
    }
    return good;
  }
  for (const auto& write : node.unsynced) apply(node.durable, write);
  node.unsynced.clear();
  return {};
}

void MemoryDisk::change(Changes changes) {
  for (const auto& [path, node] : changes) {
    if (node)
      names_[path] = node;
    else
      names_.erase(path);
  }
  unsynced_names_.push_back(std::move(changes));
}

Result<std::unique_ptr<File>> MemoryDisk::open(const std::string& path, OpenMode mode) {
  if (const auto good = check(Operation::kOpen); !good) return tl::unexpected(good.error());
  const auto found = names_.find(path);
  if (found == names_.end()) {
    if (mode != OpenMode::kCreateEmpty || !directories_.contains(parent_of(path)))
      return fail(ErrorCode::kNotFound, "cannot open", ENOENT);
    auto node = std::make_shared<Node>();
    change({{path, node}});
    return std::make_unique<MemoryFile>(*this, std::move(node));
  }
  if (mode == OpenMode::kCreateEmpty) {
    found->second->live.clear();
    found->second->unsynced.push_back({0, {}, true});
  }
  return std::make_unique<MemoryFile>(*this, found->second);
}

Result<void> MemoryDisk::rename(const std::string& from, const std::string& to) {
  if (const auto good = check(Operation::kRename); !good) return good;
  const auto found = names_.find(from);
  if (found == names_.end()) return fail(ErrorCode::kNotFound, "cannot rename", ENOENT);
  change({{to, found->second}, {from, nullptr}});
  return {};
}

Result<void> MemoryDisk::unlink(const std::string& path) {
  if (const auto good = check(Operation::kUnlink); !good) return good;
  if (!names_.contains(path)) return fail(ErrorCode::kNotFound, "cannot delete", ENOENT);
  change({{path, nullptr}});
  return {};
}

Result<void> MemoryDisk::sync_directory(const std::string& directory) {
  if (const auto good = check(Operation::kSyncDirectory); !good) return good;
  if (!directories_.contains(directory)) return fail(ErrorCode::kNotFound, "no such directory", ENOENT);
  // One journal for all directories: coarser than asked, as ext4 is.
  durable_names_ = names_;
  unsynced_names_.clear();
  return {};
}

Result<void> MemoryDisk::make_directory(const std::string& directory) {
  if (!directories_.insert(directory).second)
    return fail(ErrorCode::kExists, "cannot make the directory", EEXIST);
  return {};
}

Result<std::vector<std::string>> MemoryDisk::list(const std::string& directory) {
  if (!directories_.contains(directory)) return fail(ErrorCode::kNotFound, "no such directory", ENOENT);
  std::vector<std::string> files;
  for (const auto& [path, node] : names_)
    if (parent_of(path) == directory) files.push_back(path.substr(directory.size() + 1));
  return files;
}

Result<std::uint64_t> MemoryDisk::free_bytes(const std::string&) {
  return capacity_ > used() ? capacity_ - used() : 0;
}

Result<std::unique_ptr<Lock>> MemoryDisk::lock(const std::string& path) {
  if (!locks_.emplace(path, ++holders_).second) return fail(ErrorCode::kRefused, kLockHeld, EWOULDBLOCK);
  return std::make_unique<MemoryLock>(*this, path, holders_);
}

void MemoryDisk::unlock(const std::string& path, std::uint64_t holder) {
  const auto found = locks_.find(path);
  if (found != locks_.end() && found->second == holder) locks_.erase(found);
}

void MemoryDisk::crash(Random& random) {
  const std::size_t kept = static_cast<std::size_t>(random.below(unsynced_names_.size() + 1));
  for (std::size_t i = 0; i < kept; ++i) {
    for (const auto& [path, node] : unsynced_names_[i]) {
      if (node)
        durable_names_[path] = node;
      else
        durable_names_.erase(path);
    }
  }
  unsynced_names_.clear();
  names_.clear();
  for (auto& [path, node] : durable_names_) {
    auto fresh = std::make_shared<Node>();
    fresh->durable = node->durable;
    for (const auto& write : node->unsynced) {
      if (write.cut && random.below(2) == 0) fresh->durable.clear();
      for (std::size_t at = 0; at < write.bytes.size(); at += kSectorBytes) {
        if (random.below(2) == 0) continue;
        const std::size_t count = std::min(kSectorBytes, write.bytes.size() - at);
        apply(fresh->durable, write.offset + at, ByteView(write.bytes).subspan(at, count));
      }
    }
    fresh->live = fresh->durable;
    node = fresh;
    names_[path] = fresh;
  }
  faults_.clear();
  kill();
}

void MemoryDisk::calm() {
  faults_.clear();
  capacity_ = ~std::uint64_t{0};
  if (!stopped_) left_ = ~std::uint64_t{0};
}

void MemoryDisk::kill() {
  locks_.clear();
  left_ = ~std::uint64_t{0};
  stopped_ = false;
}

bool MemoryDisk::forgot(const std::string& path) const {
  const auto found = names_.find(path);
  FR_ASSERT(found != names_.end());
  if (!found->second->refused) return false;
  Bytes synced = found->second->durable;
  for (const auto& write : found->second->unsynced) apply(synced, write);
  return synced != found->second->live;
}

Bytes& MemoryDisk::content(const std::string& path) {
  const auto found = names_.find(path);
  FR_ASSERT(found != names_.end());
  found->second->unsynced.clear();
  found->second->refused = false;
  // The caller changes what is on disk; both views follow from here at the next sync.
  found->second->durable = found->second->live;
  return found->second->live;
}

}  // namespace fluxrig::wal
