#include "fluxrig/audit_mixer.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <numeric>

#include "base/clock.hpp"
#include "fluxrig/audit_export.hpp"

namespace fluxrig::client {
namespace {

// Runs of equal machines in a list that is ordered by machine.
template <typename Take>
Outcome<void> each_machine(const std::vector<StoredEpoch>& epochs, Take take) {
  for (auto begin = epochs.begin(); begin != epochs.end();) {
    const auto end = std::find_if(begin, epochs.end(),
                                  [&](const auto& one) { return one.machine_id != begin->machine_id; });
    if (auto done = take(begin, end); !done) return done;
    begin = end;
  }
  return {};
}

// Each once: a machine has another after an operator accepted one.
template <typename Iterator>
std::vector<wal::PublicKey> keys_of(Iterator begin, Iterator end) {
  std::vector<wal::PublicKey> keys;
  for (; begin != end; ++begin)
    if (begin->key && std::find(keys.begin(), keys.end(), *begin->key) == keys.end())
      keys.push_back(*begin->key);
  return keys;
}

std::uint64_t blocks_of(const std::vector<StoredEpoch>& epochs) {
  return std::accumulate(epochs.begin(), epochs.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const auto& one) { return sum + one.blocks; });
}

void add_faults(std::vector<wal::ChainFault> faults, wal::ChainReport& report) {
  report.fault_count += faults.size();
  for (auto& fault : faults)
    if (report.faults.size() < wal::ChainReport::kMaxListed) report.faults.push_back(std::move(fault));
}

}  // namespace

void add_seen(const std::vector<SeenFault>& seen, AuditVerdict& verdict) {
  auto& machines = verdict.machines;
  for (const auto& one : seen) {
    auto machine = std::find_if(machines.begin(), machines.end(), [&](const wal::VerifiedMachine& known) {
      return known.machine.machine_id == one.machine_id;
    });
    // Of one that said hello and of which nothing is stored.
    if (machine == machines.end())
      machine = machines.insert(machines.end(), wal::VerifiedMachine{{one.machine_id, one.rack, {}}, {}});
    auto& report = machine->report;
    const bool known = std::any_of(report.faults.begin(), report.faults.end(), [&](const auto& fault) {
      return fault.kind == one.fault.kind && fault.epoch == one.fault.epoch;
    });
    if (!known) add_faults({one.fault}, report);
  }
}

void EpochCheck::add(ByteView bytes) {
  const auto view = model::decode_block(bytes);
  if (!view) return;  // the verifier says it
  if (!any_) {
    any_ = true;
    first_ = view->head.first.value;
    begins_right_ = view->head.previous == epoch_.before;
  }
  next_ = std::max(next_, view->head.first.value + view->head.count);
  head_seen_ = head_seen_ || model::hash_block(bytes) == epoch_.head;
}

std::vector<wal::ChainFault> EpochCheck::faults() const {
  std::vector<wal::ChainFault> faults;
  if (epoch_.next == 0) return faults;  // the watch knows nothing of it
  const auto gap = [&](std::uint64_t sequence, std::string what) {
    faults.push_back({wal::FaultKind::kGap, epoch_.epoch, Sequence{sequence}, std::move(what)});
  };
  if (!any_) {
    if (epoch_.retired_to < epoch_.next)
      gap(std::max<std::uint64_t>(epoch_.retired_to, 1),
          fmt::format("the mixer stored this epoch up to sequence {}, and none of it is there",
                      epoch_.next - 1));
    return faults;
  }
  if (epoch_.retired_to == 0 ? !begins_right_ : first_ > epoch_.retired_to)
    gap(std::max<std::uint64_t>(epoch_.retired_to, 1),
        fmt::format("the mixer stored blocks before sequence {}, and they are not there", first_));
  if (!head_seen_)
    gap(next_, fmt::format("the mixer stored this epoch up to sequence {}, and its end is not there",
                           epoch_.next - 1));
  return faults;
}

Outcome<AuditVerdict> verify_mixer(const ApiClient& client, const VerifyQuestion& question) {
  const auto epochs = fetch_epochs(client, question.chain);
  if (!epochs) return tl::unexpected(epochs.error());
  AuditVerdict verdict;
  verdict.path = client.url();
  verdict.keys_given = true;
  const auto all = blocks_of(*epochs);
  std::uint64_t done = 0;
  const auto judged = each_machine(*epochs, [&](auto begin, auto end) -> Outcome<void> {
    wal::ChainVerifier::Options trust;
    trust.keys = question.keys;
    if (trust.keys.empty()) trust.keys = keys_of(begin, end);
    wal::ChainVerifier verifier(std::move(trust));
    std::vector<wal::ChainFault> faults;
    for (auto epoch = begin; epoch != end; ++epoch) {
      EpochCheck check(*epoch);
      auto fetched = epoch->blocks == 0 ? Outcome<void>{}
                                        : fetch_blocks(client, *epoch, [&](ByteView block) -> Outcome<void> {
                                            verifier.add(block);
                                            check.add(block);
                                            if (++done % 1'000 == 0 && question.progress)
                                              question.progress(done, all);
                                            return {};
                                          });
      if (!fetched) return fetched;
      if (!question.chain.whole()) continue;
      auto found = check.faults();
      std::move(found.begin(), found.end(), std::back_inserter(faults));
    }
    wal::VerifiedMachine one{{begin->machine_id, begin->rack, {}}, verifier.finish()};
    add_faults(std::move(faults), one.report);
    verdict.machines.push_back(std::move(one));
    return {};
  });
  if (!judged) return tl::unexpected(judged.error());
  if (question.chain.whole()) {
    const auto seen = fetch_seen(client, question.chain.rack);
    if (!seen) return tl::unexpected(seen.error());
    add_seen(*seen, verdict);
  }
  if (question.progress) question.progress(all, all);
  if (question.chain.everything()) {
    auto store = fetch_store(client);
    if (!store) return tl::unexpected(store.error());
    verdict.store = *std::move(store);
  }
  return verdict;
}

Outcome<FetchedBundle> export_mixer(const ApiClient& client, const ChainQuestion& question,
                                    const std::string& out, const FetchProgress& progress) {
  auto epochs = fetch_epochs(client, question);
  if (!epochs) return tl::unexpected(epochs.error());
  std::erase_if(*epochs, [](const auto& one) { return one.blocks == 0; });
  FetchedBundle made;
  std::vector<wal::BundleMachine> machines;
  (void)each_machine(*epochs, [&](auto begin, auto end) -> Outcome<void> {
    auto keys = keys_of(begin, end);
    if (keys.size() > wal::kMaxBundleKeys) keys.erase(keys.begin(), keys.end() - wal::kMaxBundleKeys);
    machines.push_back({begin->machine_id, begin->rack, std::move(keys)});
    return {};
  });
  made.machines = machines.size();
  auto file = WholeFile::create(out);
  if (!file) return tl::unexpected(file.error());
  const auto failed = [&](const Error& error) {
    return problem(fmt::format("{}: {}", out, to_string(error)));
  };
  wal::BundleWriter writer([&](ByteView bytes) { return file->write(bytes); });
  if (const auto begun = writer.begin(SystemClock{}.now(), machines); !begun) return failed(begun.error());
  const auto all = blocks_of(*epochs);
  for (const auto& epoch : *epochs) {
    const auto fetched = fetch_blocks(client, epoch, [&](ByteView block) -> Outcome<void> {
      if (const auto added = writer.add(block); !added) return failed(added.error());
      if (++made.blocks % 1'000 == 0 && progress) progress(made.blocks, all);
      return {};
    });
    if (!fetched) return tl::unexpected(fetched.error());
  }
  if (const auto ended = writer.finish(); !ended) return failed(ended.error());
  if (const auto whole = file->finish(); !whole) return tl::unexpected(whole.error());
  if (progress) progress(all, all);
  return made;
}

}  // namespace fluxrig::client
