// Signs the chain of a lane: notices what has come since the last checkpoint, and appends one in time. One
// thread, the Writer's; the writer and the clock outlive it.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "wal/checkpoint.hpp"
#include "wal/writer.hpp"

namespace fluxrig::wal {

class ChainSigner {
 public:
  // A checkpoint leaves this long after what it covers; with the time to write it that is within 2 s.
  static constexpr std::int64_t kDelay = 1500 * kNanosPerMilli;
  static constexpr std::int64_t kRetry = 500 * kNanosPerMilli;  // after the disk said no

  // What a checkpoint states beside the chain.
  struct Facts {
    std::map<std::string, std::uint64_t> drops;
    std::string rule_set;
    std::string token_key;
  };
  ChainSigner(const Clock& clock, SigningKey key, MachineId machine_id, std::function<Facts()> facts)
      : clock_(clock), key_(std::move(key)), machine_id_(machine_id), facts_(std::move(facts)) {}

  // Looks for news, and writes and syncs a checkpoint when one is due. True: written.
  [[nodiscard]] Result<bool> turn(Writer& writer);
  // Now, when there is news or a demand; without any nothing happens.
  [[nodiscard]] Result<bool> finish(Writer& writer);
  // The next turn writes one: after a loss.
  void demand() noexcept { due_ = MonotonicNanos{}; }
  // When `turn` has something to do; nullopt: nothing is unsigned.
  [[nodiscard]] std::optional<MonotonicNanos> due() const noexcept { return due_; }
  [[nodiscard]] const PublicKey& public_key() const noexcept { return key_.public_key(); }

 private:
  void look(const Writer& writer);
  [[nodiscard]] Result<bool> write(Writer& writer);

  const Clock& clock_;
  SigningKey key_;
  MachineId machine_id_;
  std::function<Facts()> facts_;
  Sequence covered_{1};  // the next one to come at the last checkpoint
  std::map<std::string, std::uint64_t> covered_drops_;
  model::Hash statement_{};
  std::optional<MonotonicNanos> due_;
};

}  // namespace fluxrig::wal
