// Drives Ingest: pulls the two streams, commits when a batch is full or old enough, retries a store that
// fails with backoff, hands presence to the store and lets it keep house when idle. Owns one thread; the
// methods may be called from any other. The destructor drains: stops pulling, commits and acknowledges what
// was pulled, joins.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "mixer/ingest.hpp"
#include "mixer/presence.hpp"

namespace fluxrig::mixer {

// Waits up to `wait` for at most `most` messages; none is no failure.
using PullBlocks =
    std::function<Result<std::vector<snake::Delivery>>(std::size_t most, std::chrono::milliseconds wait)>;

struct IngestSource {
  model::Lane lane = model::Lane::kAudit;
  PullBlocks pull;
};

struct IngestPace {
  std::chrono::milliseconds oldest{
      200};  // a message waits no longer for its commit, unless the store is slow
  std::chrono::milliseconds idle_wait{100};  // for each source
  std::chrono::milliseconds first_backoff{200};
  std::chrono::milliseconds longest_backoff{10'000};
  std::size_t messages_per_pull = 128;
};

class IngestThread {
 public:
  IngestThread(Ingest::Parts parts, Presence& presence, std::vector<IngestSource> sources, IngestPace pace,
               StoredObserver observer, BlockTaker taker = {});
  ~IngestThread();
  IngestThread(const IngestThread&) = delete;
  IngestThread& operator=(const IngestThread&) = delete;

  // Soon: receipts for every epoch known of this machine.
  void request_receipts(const MachineId& machine);

 private:
  void run();
  [[nodiscard]] bool stopping();
  // False: told to stop meanwhile.
  bool pause(std::chrono::milliseconds time);
  [[nodiscard]] std::size_t pull_all(bool idle);
  void commit_batch();
  void answer_receipt_requests();
  void keep_house(bool idle);

  Ingest::Parts parts_;
  Presence& presence_;
  std::vector<IngestSource> sources_;
  const IngestPace pace_;
  Ingest ingest_;
  MonotonicNanos batch_began_;
  MonotonicNanos presence_at_;
  MonotonicNanos gaps_at_;
  MonotonicNanos house_at_;
  bool more_house_ = false;
  std::chrono::milliseconds backoff_{0};

  std::mutex mutex_;
  std::condition_variable wake_;
  bool stop_ = false;
  std::set<MachineId> receipt_requests_;  // bounded by the racks of the index: only these are let in

  std::thread thread_;
};

}  // namespace fluxrig::mixer
