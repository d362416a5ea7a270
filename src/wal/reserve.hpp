// Space that a lane keeps for the day when others have filled the disk: files `reserve-N` in its directory,
// deleted one after the other when the lane needs room that the disk has no more, made again when it has. One
// thread.
#pragma once

#include <cstdint>
#include <string>

#include "wal/disk.hpp"

namespace fluxrig::wal {

class Reserve {
 public:
  static constexpr std::uint64_t kStepBytes = 4U << 20;

  Reserve(Disk& disk, std::string directory, std::uint64_t bytes)
      : disk_(disk), directory_(std::move(directory)), wanted_(bytes / kStepBytes) {}

  // What an earlier run left: kept up to what is wanted.
  void find();
  // False: nothing is left to give up.
  [[nodiscard]] bool give_up();
  // One file more.
  [[nodiscard]] Result<void> take();
  [[nodiscard]] bool whole() const noexcept { return held_ >= wanted_; }
  // Given up, and not yet whole again: the disk is full.
  [[nodiscard]] bool in_use() const noexcept { return given_up_ && !whole(); }
  [[nodiscard]] std::uint64_t held_bytes() const noexcept { return held_ * kStepBytes; }

 private:
  [[nodiscard]] std::string path(std::uint64_t number) const;
  Disk& disk_;
  std::string directory_;
  std::uint64_t wanted_;
  std::uint64_t held_ = 0;
  bool given_up_ = false;
};

}  // namespace fluxrig::wal
