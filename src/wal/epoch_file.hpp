// The file `epoch` of a lane's directory: which start of the rack this is, and whose directory. One thread.
#pragma once

#include <optional>
#include <string>

#include "base/ids.hpp"
#include "wal/disk.hpp"

namespace fluxrig::wal {

struct EpochState {
  Epoch epoch;
  MachineId machine_id;
};

// {0: version (1), 1: epoch, 2: machine_id}. kNotFound for a new directory, kCorrupt when it cannot be read.
[[nodiscard]] Result<EpochState> load_epoch(Disk& disk, const std::string& directory);
[[nodiscard]] Result<void> store_epoch(Disk& disk, const std::string& directory, const EpochState& state);

}  // namespace fluxrig::wal
