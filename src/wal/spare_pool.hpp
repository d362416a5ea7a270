// Segments that are no longer needed, kept to be written again, and new ones made before they are needed:
// overwriting allocated, zeroed blocks halves the cost of fdatasync. A spare is zeroed in small steps before
// it is given out; spares do not survive a restart. One thread, and another for the steps when there is one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "wal/background.hpp"
#include "wal/disk.hpp"

namespace fluxrig::wal {

class SparePool {
 public:
  SparePool(Disk& disk, std::string directory, std::size_t most) noexcept
      : disk_(disk), directory_(std::move(directory)), most_(most) {}
  // Waits for a step under way.
  ~SparePool();
  SparePool(const SparePool&) = delete;
  SparePool& operator=(const SparePool&) = delete;

  // From now on steps are work for this, which outlives the pool or the next call; null: they are done at
  // once. Waits for a step under way.
  void work_beside(Background* background);
  [[nodiscard]] bool works_beside() const noexcept { return background_ != nullptr; }

  struct Ready {
    std::string path;
    std::uint64_t bytes = 0;
  };

  [[nodiscard]] bool has_room() const noexcept { return spares_.size() < most_; }
  // Renames the file into the pool. Its old bytes stay until the directory is synced.
  [[nodiscard]] Result<void> add(const std::string& path, std::uint64_t bytes);
  // A file of that size that is not there yet. The first step makes it.
  void add_new(std::uint64_t bytes);
  // The directory is synced: no crash can bring the old names back, so the bytes may go.
  void confirm() noexcept;
  // Zeroes and syncs at most `bytes` of one spare; true when there is more to do. With a background it begins
  // that, or takes the outcome and begins the next, and never says that there is more: whoever owns the
  // background hears when to call again.
  [[nodiscard]] Result<bool> step(std::uint64_t bytes);
  // A spare of zeros only; it leaves the pool.
  [[nodiscard]] std::optional<Ready> take();
  [[nodiscard]] bool ready() const noexcept;  // take() would give one
  void drop_all();
  [[nodiscard]] std::uint64_t bytes() const noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return spares_.size(); }

 private:
  struct Spare {
    std::string path;
    std::uint64_t bytes = 0;
    std::uint64_t zeroed = 0;
    bool confirmed = false;
    bool is_new = false;  // the file is not made yet
  };
  struct Step {
    std::string path;
    std::uint64_t end = 0;
  };
  [[nodiscard]] Background::Work piece(const Spare& spare, std::uint64_t end) const;
  [[nodiscard]] Result<void> settle(const Step& step, Result<void> done);
  [[nodiscard]] Result<void> take_step();

  Disk& disk_;
  std::string directory_;
  std::size_t most_;
  std::uint64_t made_ = 0;
  Background* background_ = nullptr;
  std::optional<Step> under_way_;
  std::vector<Spare> spares_;
};

// Deletes the spares that an earlier run left.
[[nodiscard]] Result<void> drop_spares(Disk& disk, const std::string& directory);

}  // namespace fluxrig::wal
