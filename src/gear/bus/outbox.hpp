// Where a bus_out gear's messages wait while the bus is away: kept on disk first (group commit on a worker of
// its own), then published in the order in which they were kept, and forgotten when the stream has
// acknowledged them. Owned by its gear; keep, waiting and pause on the io thread. Disk, clock, services and
// bus outlive it.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/diagnostics.hpp"
#include "base/random.hpp"
#include "gear/services.hpp"
#include "lane/spool.hpp"
#include "lane/spool_drain.hpp"
#include "snake/bus.hpp"

namespace fluxrig::gear::bus {

class Outbox final : private Job {
 public:
  // On the worker: kept and synced, or why not. kTimeout: it may have been kept all the same.
  using Kept = std::function<void(Result<void>)>;

  struct Setup {
    lane::Spool::Setup spool;
    snake::Bus& bus;
    Services& services;
    std::string gear;
    std::size_t window = 64;
  };
  // Recovers what the last run left, which is published before anything new.
  [[nodiscard]] static Outcome<std::unique_ptr<Outbox>> open(const Setup& setup);
  Outbox(const Setup& setup, std::unique_ptr<lane::Spool> spool);
  // Stops the worker; what waits stays on disk. `done` of what was not yet kept is not called.
  ~Outbox() override;
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;

  void keep(const snake::Outgoing& message, Kept done);
  // Handed to keep() and not yet in the stream. Zero: whoever publishes now overtakes nobody.
  [[nodiscard]] std::size_t waiting() const noexcept { return shared_->waiting.load(); }
  // The same for any thread; what is behind it outlives the outbox.
  [[nodiscard]] std::shared_ptr<const std::atomic<std::size_t>> depth() const {
    return {shared_, &shared_->waiting};
  }
  // Publishes no more; keep goes on working.
  void pause();

 private:
  static constexpr std::int64_t kPoll = 100 * kNanosPerMilli;       // for the bus to come back
  static constexpr std::int64_t kStoreEvery = 50 * kNanosPerMilli;  // acknowledgements
  static constexpr std::int64_t kRetrySync = kNanosPerSecond;

  struct Request {
    Bytes record;
    Kept done;
  };
  struct Answer {
    lane::Spool::Position position;
    Result<snake::PublishReceipt> receipt;
  };
  // Also held by the bus's callbacks, which can outlive the outbox.
  struct Shared {
    std::mutex mutex;          // guards what is below it
    Worker* worker = nullptr;  // null once the outbox is gone
    std::vector<Request> requests;
    std::vector<Answer> answers;
    bool paused = false;
    void wake() noexcept {  // with `mutex` held
      if (worker != nullptr) worker->wake();
    }
    std::atomic<std::size_t> waiting{0};  // the store after an acknowledgement pairs with waiting()
  };

  std::optional<std::chrono::nanoseconds> turn() override;
  void keep_all(std::vector<Request> requests);
  void take_answers(const std::vector<Answer>& answers);
  void publish();
  [[nodiscard]] Result<void> publish(const lane::Spool::Item& item);
  void keep_house();
  void report();
  [[nodiscard]] std::optional<std::chrono::nanoseconds> rest() const;

  const Setup setup_;
  Diagnostics& diagnostics_;
  SeededRandom random_;
  std::unique_ptr<lane::Spool> spool_;
  lane::SpoolDrain drain_;
  std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
  bool publishing_ = true;  // not paused
  bool unsynced_ = false;   // a sync failed
  bool disk_failing_ = false;
  bool told_of_trouble_ = false;
  std::size_t told_damage_ = 0;
  std::uint64_t session_ = 0;  // of the bus, that what is in flight was published in
  std::size_t stored_ = 0;     // since the spool was last empty
  MonotonicNanos stored_at_;
  std::unique_ptr<Worker> worker_;  // last: it uses all of the above
};

}  // namespace fluxrig::gear::bus
