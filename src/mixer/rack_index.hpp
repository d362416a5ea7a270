// Which machine_id is which rack, as the authority's index says; replaced as a whole when the index changes
// on disk. Any thread.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "base/ids.hpp"

namespace fluxrig::mixer {

class RackIndex {
 public:
  using Names = std::map<MachineId, std::string>;

  void replace(Names names) {
    const std::lock_guard lock(mutex_);
    names_ = std::move(names);
  }
  // nullopt: no valid certificate was issued for this machine.
  [[nodiscard]] std::optional<std::string> name_of(const MachineId& machine) const {
    const std::lock_guard lock(mutex_);
    const auto found = names_.find(machine);
    if (found == names_.end()) return std::nullopt;
    return found->second;
  }
  [[nodiscard]] Names all() const {
    const std::lock_guard lock(mutex_);
    return names_;
  }

 private:
  mutable std::mutex mutex_;
  Names names_;
};

}  // namespace fluxrig::mixer
