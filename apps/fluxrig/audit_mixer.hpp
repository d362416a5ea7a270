// The audit chains as the mixer's store holds them, fetched page by page: verified here, by the same verifier
// as a rack's directory, or written into a bundle. One thread.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "fluxrig/api_client.hpp"
#include "fluxrig/audit_view.hpp"

namespace fluxrig::client {

// What the mixer says of one epoch before it is asked for the blocks.
struct StoredEpoch {
  MachineId machine_id;
  std::string rack;
  Epoch epoch;
  std::uint64_t blocks = 0;           // stored
  std::uint64_t from = 0;             // first sequence of the first of them
  std::uint64_t next = 0;             // where its watch saw the epoch end; 0: nowhere
  model::Hash head{};                 // of the last block that its watch saw
  model::Hash before{};               // what the first block that its watch saw named as previous
  std::uint64_t retired_to = 0;       // blocks up to here are gone by intent (next sequence); 0: none
  std::optional<wal::PublicKey> key;  // that the mixer expects of this epoch
};

struct ChainQuestion {
  std::string rack, since, until;  // empty: all
  [[nodiscard]] bool whole() const noexcept { return since.empty() && until.empty(); }
  [[nodiscard]] bool everything() const noexcept { return whole() && rack.empty(); }
};

// Of all machines, by machine and epoch.
[[nodiscard]] Outcome<std::vector<StoredEpoch>> fetch_epochs(const ApiClient& client,
                                                             const ChainQuestion& question);
// The JSON of /api/v1/audit/heads.
[[nodiscard]] Outcome<std::vector<StoredEpoch>> parse_epochs(std::string_view json);

using OnBlock = std::function<Outcome<void>(ByteView block)>;
// In chain order.
[[nodiscard]] Outcome<void> fetch_blocks(const ApiClient& client, const StoredEpoch& epoch,
                                         const OnBlock& block);
// One page: the text where the next one begins (empty: none), then blocks.
[[nodiscard]] Outcome<std::string> take_page(std::string_view body, const OnBlock& block);

// Has the mixer hold its files against the hashes that they were written with, all of them, now.
[[nodiscard]] Outcome<CheckedStore> fetch_store(const ApiClient& client);
// One page of /api/v1/audit/files into `store`: where the next one begins; 0: that was the last.
[[nodiscard]] Outcome<std::uint64_t> take_files(std::string_view json, CheckedStore& store);

// What the mixer's watch saw and no block of its store shows: a fork, whose blocks are never stored, and a
// rollback that only a hello told. Closed by an operator or not.
struct SeenFault {
  MachineId machine_id;
  std::string rack;
  wal::ChainFault fault;
};
[[nodiscard]] Outcome<std::vector<SeenFault>> fetch_seen(const ApiClient& client, const std::string& rack);
// The JSON of /api/v1/audit/alarms, forks and rollbacks; others are passed over.
[[nodiscard]] Outcome<std::vector<SeenFault>> parse_seen(std::string_view json);
// Adds those that the blocks did not show.
void add_seen(const std::vector<SeenFault>& seen, AuditVerdict& verdict);

// Holds the blocks of one epoch against what the mixer's watch saw of it when they came.
class EpochCheck {
 public:
  explicit EpochCheck(const StoredEpoch& epoch) : epoch_(epoch) {}
  void add(ByteView block);
  // What was taken out of the store at its beginning or its end.
  [[nodiscard]] std::vector<wal::ChainFault> faults() const;

 private:
  const StoredEpoch& epoch_;
  bool any_ = false;
  bool begins_right_ = false;
  bool head_seen_ = false;
  std::uint64_t first_ = 0;
  std::uint64_t next_ = 0;
};

using FetchProgress = std::function<void(std::uint64_t done, std::uint64_t all)>;
struct VerifyQuestion {
  ChainQuestion chain;
  std::vector<wal::PublicKey> keys;  // empty: those that the mixer has pinned
  FetchProgress progress;
};
[[nodiscard]] Outcome<AuditVerdict> verify_mixer(const ApiClient& client, const VerifyQuestion& question);

struct FetchedBundle {
  std::uint64_t machines = 0;
  std::uint64_t blocks = 0;
};
[[nodiscard]] Outcome<FetchedBundle> export_mixer(const ApiClient& client, const ChainQuestion& question,
                                                  const std::string& out, const FetchProgress& progress);

}  // namespace fluxrig::client
