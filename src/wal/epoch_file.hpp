// The file `epoch` of a lane's directory: which start of the rack this is, and whose directory. One thread.
#pragma once

#include <optional>
#include <string>

#include "base/ids.hpp"
#include "wal/control_body.hpp"
#include "wal/disk.hpp"

namespace fluxrig::wal {

struct EpochState {
  Epoch epoch;
  MachineId machine_id;
  // Where the newest epoch that wrote anything ended, as far as it was known; outlives its segments.
  std::optional<EpochLink> link = std::nullopt;
};

// {0: version (1), 1: epoch, 2: machine_id, 3: [epoch, end, head]}. kNotFound for a new directory, kCorrupt
// when it cannot be read.
[[nodiscard]] Result<EpochState> load_epoch(Disk& disk, const std::string& directory);
[[nodiscard]] Result<void> store_epoch(Disk& disk, const std::string& directory, const EpochState& state);

}  // namespace fluxrig::wal
