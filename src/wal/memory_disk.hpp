// A disk in memory that forgets, tears and refuses on demand: what was written since the last sync may be
// lost, in any part and order, at a crash; so may renames and unlinks since the last sync of the directory
// (in order: the tail of them). For tests and the simulator. One thread; only fail_next() may come from
// another.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "wal/disk.hpp"

namespace fluxrig::wal {

class MemoryDisk final : public Disk {
 public:
  enum class Operation : std::uint8_t { kOpen, kWrite, kRead, kSync, kRename, kUnlink, kSyncDirectory };

  [[nodiscard]] Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
  [[nodiscard]] Result<void> rename(const std::string& from, const std::string& to) override;
  [[nodiscard]] Result<void> unlink(const std::string& path) override;
  [[nodiscard]] Result<void> sync_directory(const std::string& directory) override;
  [[nodiscard]] Result<void> make_directory(const std::string& directory) override;
  [[nodiscard]] Result<std::vector<std::string>> list(const std::string& directory) override;
  [[nodiscard]] Result<std::uint64_t> free_bytes(const std::string& directory) override;
  [[nodiscard]] Result<std::unique_ptr<Lock>> lock(const std::string& path) override;

  // The sum of all files is bounded; a write over it is cut short and fails with ENOSPC.
  void set_capacity(std::uint64_t bytes) noexcept { capacity_ = bytes; }
  // The next `times` operations of that kind fail with this errno; a write first writes half of its bytes.
  void fail_next(Operation operation, int number, int times = 1);
  // After that many more changing operations everything fails with EIO and changes nothing, as when the
  // process dies or power goes; the first one refused, if it is a write, is torn. Then kill() or crash().
  void stop_after(std::uint64_t operations) noexcept { left_ = operations; }
  // An operation was refused since stop_after: whoever works on this disk is dead already.
  [[nodiscard]] bool stopped() const noexcept { return stopped_; }
  // Changing operations since the beginning.
  [[nodiscard]] std::uint64_t operations() const noexcept { return operations_; }

  // Power loss: each unsynced write survives whole, in part or not at all; open files and locks are dead. All
  // faults are forgotten.
  void crash(Random& random);
  // Faults, a planned stop and the bound of the capacity are forgotten.
  void calm();
  // kill -9: everything written survives. stop_after is forgotten.
  void kill();

  // For damage done behind the WAL's back. The file must exist.
  [[nodiscard]] Bytes& content(const std::string& path);
  [[nodiscard]] bool exists(const std::string& path) const { return names_.contains(path); }
  // Something of the file is neither on disk nor will be at its next sync: a sync was refused, and what it
  // was for has not been written again. The file must exist.
  [[nodiscard]] bool forgot(const std::string& path) const;

  struct Write {
    std::uint64_t offset = 0;
    Bytes bytes;
    bool cut = false;  // the file was cut to nothing; no bytes
  };
  struct Node {
    Bytes live;
    Bytes durable;
    std::vector<Write> unsynced;
    bool refused = false;  // a sync, at least once
  };
  // Of the files it made.
  [[nodiscard]] Result<void> write(Node& node, std::uint64_t offset, ByteView bytes);
  [[nodiscard]] Result<void> sync(Node& node);
  [[nodiscard]] Result<void> check(Operation operation);
  void unlock(const std::string& path, std::uint64_t holder);

 private:
  struct Fault {
    int number = 0;
    int times = 0;
  };
  struct NameChange {
    std::string path;
    std::shared_ptr<Node> node;  // null: gone
  };
  using Names = std::map<std::string, std::shared_ptr<Node>>;
  using Changes = std::vector<NameChange>;  // of one operation

  // The errno of the next injected fault of that kind; 0: none.
  [[nodiscard]] int take_fault(Operation operation);
  [[nodiscard]] std::uint64_t used() const noexcept;
  void change(Changes changes);

  Names names_;
  Names durable_names_;
  std::vector<Changes> unsynced_names_;
  std::set<std::string> directories_;
  std::map<std::string, std::uint64_t> locks_;
  std::uint64_t holders_ = 0;
  std::mutex faults_mutex_;
  std::map<Operation, Fault> faults_;
  std::uint64_t capacity_ = ~std::uint64_t{0};
  std::uint64_t left_ = ~std::uint64_t{0};
  bool stopped_ = false;
  std::uint64_t operations_ = 0;
};

}  // namespace fluxrig::wal
