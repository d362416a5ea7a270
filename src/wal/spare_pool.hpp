// Segments that are no longer needed, kept to be written again: overwriting allocated, zeroed blocks halves
// the cost of fdatasync. A spare is zeroed in small steps before it is given out; spares do not survive a
// restart. One thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "wal/disk.hpp"

namespace fluxrig::wal {

class SparePool {
 public:
  SparePool(Disk& disk, std::string directory, std::size_t most) noexcept
      : disk_(disk), directory_(std::move(directory)), most_(most) {}

  struct Ready {
    std::string path;
    std::uint64_t bytes = 0;
  };

  [[nodiscard]] bool has_room() const noexcept { return spares_.size() < most_; }
  // Renames the file into the pool. Its old bytes stay until the directory is synced.
  [[nodiscard]] Result<void> add(const std::string& path, std::uint64_t bytes);
  // The directory is synced: no crash can bring the old names back, so the bytes may go.
  void confirm() noexcept;
  // Zeroes and syncs at most `bytes` of one spare; true when there is more to do.
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
  };
  Disk& disk_;
  std::string directory_;
  std::size_t most_;
  std::uint64_t made_ = 0;
  std::vector<Spare> spares_;
};

// Deletes the spares that an earlier run left.
[[nodiscard]] Result<void> drop_spares(Disk& disk, const std::string& directory);

}  // namespace fluxrig::wal
