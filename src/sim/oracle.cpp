#include "sim/oracle.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace fluxrig::sim {
namespace {

double seconds(std::int64_t nanos) { return static_cast<double>(nanos) / 1e9; }

const std::vector<model::Attribute>* attributes_of(const model::Record& record) {
  if (const auto* transaction = std::get_if<model::Transaction>(&record)) return &transaction->attributes;
  if (const auto* intent = std::get_if<model::Intent>(&record)) return &intent->attributes;
  return nullptr;
}

}  // namespace

void Oracle::fail(std::string promise, std::string detail) {
  if (!broken_) broken_ = BrokenPromise{std::move(promise), std::move(detail)};
}

std::string Oracle::name(Execution execution, const Transaction& transaction) {
  return fmt::format("transaction {} of rack-{}", execution, transaction.process.rack);
}

Execution Oracle::begun(const Process& process) {
  transactions_.push_back({.process = process});
  return transactions_.size();
}

void Oracle::answered(Execution execution, std::int64_t now) {
  transactions_.at(execution - 1).answered_at = now;
  ++answered_;
}

void Oracle::departed(Execution execution, std::int64_t now) {
  transactions_.at(execution - 1).departed_at = now;
  ++departed_;
}

void Oracle::died(const Process& process, std::int64_t safe) { ended_[process] = safe; }

void Oracle::excuse(Execution execution) { transactions_.at(execution - 1).excused = true; }

std::optional<Execution> Oracle::execution_of(const model::Record& record) {
  const auto* attributes = attributes_of(record);
  if (attributes == nullptr) return std::nullopt;
  for (const auto& attribute : *attributes)
    if (attribute.key == kExecutionField)
      if (const auto* number = std::get_if<std::int64_t>(&attribute.value))
        return static_cast<Execution>(*number);
  return std::nullopt;
}

void Oracle::stored(const Place& place, const model::Record& record) {
  if (++rows_[place] > 1)
    fail("stored exactly once", fmt::format("epoch {} sequence {} of {} was stored twice", place.epoch.value,
                                            place.sequence.value, to_string(place.machine_id)));
  const auto* attributes = attributes_of(record);
  if (attributes == nullptr) return;
  const auto execution = execution_of(record);
  if (!execution || *execution == 0 || *execution > transactions_.size())
    return fail("nothing is stored that was not",
                fmt::format("the store holds a transaction that nobody began: epoch {} sequence {}",
                            place.epoch.value, place.sequence.value));
  for (const auto& attribute : *attributes)
    if (attribute.key == "note" && attribute.value != model::Value(kContent))
      fail("what is stored is what was recorded",
           "an attribute of another content in " + name(*execution, transactions_[*execution - 1]));
  count(*execution, std::holds_alternative<model::Transaction>(record), place);
}

void Oracle::count(Execution execution, bool outcome, const Place& place) {
  auto& transaction = transactions_[execution - 1];
  auto& times = outcome ? transaction.outcomes : transaction.intents;
  if (++times > 1)
    fail("stored exactly once",
         fmt::format("{} of {} was stored {} times, now as epoch {} sequence {}",
                     outcome ? "the record" : "the intent", name(execution, transaction), times,
                     place.epoch.value, place.sequence.value));
}

// In `interval` a process's death may take answers, all of them given within one interval of each other.
void Oracle::check_answers(const Promises& promises) {
  std::map<Process, Window> lost;
  for (std::size_t i = 0; i < transactions_.size(); ++i) {
    const auto& transaction = transactions_[i];
    if (transaction.answered_at < 0 || transaction.outcomes != 0 || transaction.excused) continue;
    if (promises.commit || !ended_.contains(transaction.process))
      return fail("no answered transaction without a record",
                  fmt::format("{} was answered at {:.6f} s and is not stored", name(i + 1, transaction),
                              seconds(transaction.answered_at)));
    auto& window = lost[transaction.process];
    window.first = std::min(window.first, transaction.answered_at);
    window.last = std::max(window.last, transaction.answered_at);
  }
  for (const auto& [process, window] : lost)
    if (window.last - window.first >= promises.interval)
      fail("a crash takes the answers of one interval at most",
           fmt::format("process {} of rack-{} lost answers given between {:.6f} s and {:.6f} s",
                       process.incarnation, process.rack, seconds(window.first), seconds(window.last)));
}

void Oracle::check_effects(const Promises& promises) {
  for (std::size_t i = 0; i < transactions_.size(); ++i) {
    const auto& transaction = transactions_[i];
    if (promises.intent == IntentRule::kOff && transaction.intents != 0)
      return fail("no intent that nobody asked for", name(i + 1, transaction) + " has an intent");
    if (transaction.departed_at < 0 || transaction.outcomes != 0 || transaction.intents != 0) continue;
    if (promises.intent == IntentRule::kOff || transaction.excused) continue;
    const auto ended = ended_.find(transaction.process);
    const bool may_be_unknown = promises.intent == IntentRule::kAsync && ended != ended_.end() &&
                                transaction.departed_at >= ended->second;
    if (!may_be_unknown)
      fail("every effect has its outcome or is in doubt",
           fmt::format("{} left the rack at {:.6f} s, and nothing of it is stored", name(i + 1, transaction),
                       seconds(transaction.departed_at)));
  }
}

void Oracle::check_doubts(const Promises& promises, const std::set<Execution>& in_doubt) {
  for (std::size_t i = 0; i < transactions_.size(); ++i) {
    const auto& transaction = transactions_[i];
    const bool expected =
        transaction.intents != 0 && transaction.outcomes == 0 && ended_.contains(transaction.process);
    if (expected == in_doubt.contains(i + 1) || (expected && promises.rots)) continue;
    fail("the mixer's list of doubts is exact",
         name(i + 1, transaction) + (expected ? " is missing in it" : " does not belong into it"));
  }
}

void Oracle::check_end(const Promises& promises, const std::set<Execution>& in_doubt) {
  check_answers(promises);
  check_effects(promises);
  check_doubts(promises, in_doubt);
}

}  // namespace fluxrig::sim
