// The ledger outside: what was answered, what had its effect outside, what the store holds; and what must
// hold between them. Knows nothing of how the product does it. The first broken promise is kept. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "model/block.hpp"
#include "model/records.hpp"

namespace fluxrig::sim {

struct BrokenPromise {
  std::string promise;  // a fixed phrase
  std::string detail;
};

// One transaction in one process of a rack: the number that its records carry in kExecutionField.
using Execution = std::uint64_t;
inline constexpr std::string_view kExecutionField = "sim.execution";

enum class IntentRule : std::uint8_t { kAsync, kCommit, kOff };

// What a run was promised.
struct Promises {
  bool commit = true;         // durability; false: interval
  std::int64_t interval = 0;  // nanoseconds
  IntentRule intent = IntentRule::kAsync;
  bool rots = false;  // what says that an epoch is over may have been damaged
};

class Oracle {
 public:
  // The value of each other attribute of every transaction.
  static inline const std::string kContent = std::string(250, 'x');

  struct Process {
    std::size_t rack = 0;
    std::uint64_t incarnation = 0;
    friend auto operator<=>(const Process&, const Process&) = default;
  };
  struct Place {
    MachineId machine_id;
    model::Lane lane = model::Lane::kAudit;
    Epoch epoch;
    Sequence sequence;
    friend auto operator<=>(const Place&, const Place&) = default;
  };

  void fail(std::string promise, std::string detail);
  [[nodiscard]] const std::optional<BrokenPromise>& broken() const noexcept { return broken_; }

  // --- as it happens ---
  [[nodiscard]] Execution begun(const Process& process);
  void answered(Execution execution, std::int64_t now);
  void departed(Execution execution, std::int64_t now);  // it has its effect outside now
  // Everything that stood in the process's ring before `safe` was on disk.
  void died(const Process& process, std::int64_t safe);
  // Its records are damaged, or were declared lost: nobody is promised them any more.
  void excuse(Execution execution);
  void stored(const Place& place, const model::Record& record);
  [[nodiscard]] bool has_row(const Place& place) const { return rows_.contains(place); }
  [[nodiscard]] static std::optional<Execution> execution_of(const model::Record& record);

  // --- at the end ---
  // Everything has drained. `in_doubt`: as the mixer lists them.
  void check_end(const Promises& promises, const std::set<Execution>& in_doubt);

  [[nodiscard]] std::uint64_t answered_count() const noexcept { return answered_; }
  [[nodiscard]] std::uint64_t stored_count() const noexcept { return rows_.size(); }
  [[nodiscard]] std::uint64_t departed_count() const noexcept { return departed_; }

 private:
  struct Transaction {
    Process process;
    std::int64_t answered_at = -1;
    std::int64_t departed_at = -1;
    std::uint32_t outcomes = 0;  // stored
    std::uint32_t intents = 0;   // stored
    bool excused = false;
  };
  struct Window {  // of answers that were lost
    std::int64_t first = INT64_MAX;
    std::int64_t last = INT64_MIN;
  };

  void count(Execution execution, bool outcome, const Place& place);
  void check_answers(const Promises& promises);
  void check_effects(const Promises& promises);
  void check_doubts(const Promises& promises, const std::set<Execution>& in_doubt);
  [[nodiscard]] static std::string name(Execution execution, const Transaction& transaction);

  std::optional<BrokenPromise> broken_;
  std::vector<Transaction> transactions_;  // execution n stands at n - 1
  std::map<Process, std::int64_t> ended_;  // until when all was safe
  std::map<Place, std::uint32_t> rows_;
  std::uint64_t answered_ = 0;
  std::uint64_t departed_ = 0;
};

}  // namespace fluxrig::sim
