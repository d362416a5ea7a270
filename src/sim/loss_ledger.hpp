// `on_full: continue`: what a rack's processes let go, and what its chain declares of it. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <tuple>
#include <vector>

#include "sim/oracle.hpp"
#include "wal/control_body.hpp"

namespace fluxrig::sim {

// The executions that encoded records name.
[[nodiscard]] std::vector<Execution> executions_in(ByteView records);

class LossLedger {
 public:
  explicit LossLedger(Oracle& oracle) : oracle_(oracle) {}

  // So far: everything before `next` is on disk, and `lost` records have been let go before the last one of
  // these: all of them are declared before it.
  struct Safe {
    Sequence next;
    std::uint64_t lost = 0;
  };
  void safe(const MachineId& machine, Epoch epoch, const Safe& safe) { safe_[{machine, epoch}] = safe; }
  // A block of kind loss, as the mixer or a rack's disk has it; the same one may come again.
  void declared(const model::BlockHead& head, const wal::LossBody& body);
  // Declared = let go, in each process's epoch up to where it was safe.
  void check_end();
  [[nodiscard]] std::uint64_t declared_count() const;

 private:
  using Stream = std::pair<MachineId, Epoch>;
  // Where, from, to.
  using Key = std::tuple<Stream, Sequence, std::int64_t, std::int64_t>;

  Oracle& oracle_;
  std::map<Stream, Safe> safe_;
  std::map<Key, std::uint64_t> declared_;
};

}  // namespace fluxrig::sim
