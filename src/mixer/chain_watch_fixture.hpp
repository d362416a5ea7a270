// The watch over a store that only remembers, and a rack whose blocks it takes. Tests only.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mixer/chain_watch.hpp"
#include "mixer/test_chain.hpp"

namespace fluxrig::mixer {

using sink::AlarmKind;
using testing::ChainRack;
using Verdict = ChainWatch::Verdict;

class ChainWatchTest : public ::testing::Test {
 protected:
  ChainWatchTest() : rack_(make_machine_id(random_)) {}

  // One batch of blocks, committed unless it is told to fail.
  std::vector<Verdict> take(const std::vector<Bytes>& blocks, bool fails = false) {
    std::vector<sink::IncomingBlock> batch;
    for (const auto& bytes : blocks) batch.push_back(testing::incoming(bytes, now_));
    ChainWatch watch(state_, now_);
    asked_ = 0;
    for (const auto& question : watch.questions(batch)) {
      asked_ += question.hashes.size();
      std::vector<sink::KnownBlock> known;
      const auto asked = [&](const model::Hash& hash) {
        return std::find(question.hashes.begin(), question.hashes.end(), hash) != question.hashes.end();
      };
      for (const auto& [epoch, block] : stored_)
        if (epoch == question.stream.epoch && (asked(block.hash) || asked(block.previous)))
          known.push_back(block);
      watch.remember(question.stream, known);
    }
    std::vector<Verdict> verdicts;
    for (const auto& block : batch) verdicts.push_back(watch.judge(block));
    const auto changes = watch.finish();
    if (fails) return verdicts;
    for (std::size_t i = 0; i < batch.size(); ++i)
      if (verdicts[i] == Verdict::kNew)
        stored_.push_back({batch[i].head.epoch, {batch[i].hash, batch[i].head.previous}});
    apply(changes);
    return verdicts;
  }
  Verdict take(const Bytes& block) { return take(std::vector<Bytes>{block}).at(0); }
  void apply(const sink::AuditChanges& changes) {
    for (const auto& alarm : changes.alarms) told_[alarm.id] = alarm;
    sink::apply(changes, state_);
  }
  // `seconds` later, with the rack here all the time or away.
  void wait(std::int64_t seconds, bool here = true) {
    const auto before = now_;
    now_.value += seconds * kNanosPerSecond;
    ChainWatch watch(state_, now_);
    watch.look_for_gaps([&](const MachineId&) { return here ? std::optional(before) : std::nullopt; });
    apply(watch.finish());
  }
  [[nodiscard]] const sink::EpochChain& chain(std::uint32_t epoch = 1) const {
    return state_.epochs.at({rack_.machine, model::Lane::kAudit, {epoch}});
  }
  [[nodiscard]] std::vector<AlarmKind> open() const {
    std::vector<AlarmKind> kinds;
    for (const auto& [id, alarm] : state_.open) kinds.push_back(alarm.kind);
    return kinds;
  }

  SeededRandom random_{11};
  ChainRack rack_;
  UnixNanos now_{1'795'000'000 * kNanosPerSecond};
  sink::AuditState state_;
  std::vector<std::pair<Epoch, sink::KnownBlock>> stored_;
  std::map<std::uint64_t, sink::AuditAlarm> told_;
  std::size_t asked_ = 0;
};

}  // namespace fluxrig::mixer
