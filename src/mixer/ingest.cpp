#include "mixer/ingest.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "mixer/chain_pieces.hpp"
#include "model/receipt.hpp"
#include "sanitize/clean_message.hpp"
#include "sanitize/excerpt.hpp"
#include "snake/subjects.hpp"

namespace fluxrig::mixer {
namespace {

// A rack whose certificate the mixer does not know yet: the index may be about to be read again.
constexpr std::chrono::milliseconds kUnknownMachineDelay{30'000};

// What the sink holds of the stream, and what need not come any more because the rack has declared it lost.
std::optional<model::Receipt> receipt_of(const sink::StreamKey& key, const sink::Sink& sink) {
  const auto stored = sink.ledger().find(key);
  const auto chain = sink.audit().epochs.find(key);
  sink::SequenceRanges done;
  if (stored != sink.ledger().end()) done = stored->second;
  model::Receipt receipt{key.lane, key.epoch, {}};
  if (chain != sink.audit().epochs.end()) {
    for (const auto& [first, last] : chain->second.declared)
      if (first <= last) done.add(first, last);
    receipt.chain = receipt_head(chain->second);
  }
  const auto& ranges = done.ranges();
  if (ranges.empty() && !receipt.chain) return std::nullopt;
  // Its beginning is still on its way: said, so that the rack lets go of nothing.
  if (key.lane == model::Lane::kAudit && !receipt.chain) receipt.chain = model::Receipt::ChainHead{{1}, {}};
  const std::size_t left_out = ranges.size() - std::min(ranges.size(), model::kMaxReceiptRanges);
  receipt.ranges.assign(ranges.begin() + static_cast<std::ptrdiff_t>(left_out), ranges.end());
  return receipt;
}

}  // namespace

void Ingest::add(snake::Delivery delivery, model::Lane lane) {
  const auto began = parts_.clock.monotonic();
  IngestCounters::add(parts_.counters.messages);
  IngestCounters::add(parts_.counters.bytes, delivery.payload.size());
  const auto parts = split_blocks(delivery.payload);
  std::optional<Refusal> refusal;
  std::size_t taken = 0;
  for (const ByteView bytes : parts) {
    auto block = take_in(delivery.subject, bytes, lane, parts_.racks, parts_.clock.now());
    if (block) {
      ++taken;
      take(*std::move(block));
    } else {
      refusal = block.error();
      count_refusal(delivery, *refusal);
    }
  }
  if (parts.empty()) {
    refusal = Refusal{RefusalCause::kMalformedBlock, Error{ErrorCode::kInvalid, 0, "the message is empty"}};
    count_refusal(delivery, *refusal);
  }
  bytes_ += delivery.payload.size();
  // One bad block does not take the good ones beside it along.
  if (taken != 0) {
    replies_.push_back(std::move(delivery.reply));
  } else {
    end_refused(delivery, *refusal);
  }
  handling_nanos_ += parts_.clock.monotonic().value - began.value;
}

void Ingest::take(sink::IncomingBlock block) {
  if (block.head.kind != model::BlockKind::kRecords) {
    IngestCounters::add(parts_.counters.control_blocks);
    if (block.head.lane != model::Lane::kAudit) return;
  }
  records_ += block.records.size();
  touched_.insert({block.head.machine_id, block.head.lane, block.head.epoch});
  blocks_.push_back(std::move(block));
}

void Ingest::count_refusal(const snake::Delivery& delivery, const Refusal& refusal) {
  parts_.counters.refuse(refusal.cause);
  parts_.diagnostics.warn("mixer.ingest", "a message was refused",
                          {{"cause", std::string(kRefusalNames[static_cast<std::size_t>(refusal.cause)])},
                           {"why", to_string(refusal.error)},
                           {"subject", sanitize::excerpt(delivery.subject, 128)},
                           {"bytes", std::to_string(delivery.payload.size())}});
}

void Ingest::end_refused(const snake::Delivery& delivery, const Refusal& refusal) {
  const auto told = refusal.cause == RefusalCause::kUnknownMachine
                        ? parts_.bus.redeliver_after(delivery.reply, kUnknownMachineDelay)
                        : parts_.bus.terminate(delivery.reply);
  if (!told)  // It is delivered again and refused again: harmless, but worth a line.
    parts_.diagnostics.warn("mixer.ingest", "a refused message could not be ended",
                            {{"why", to_string(told.error())}});
}

Result<void> Ingest::flush() {
  if (replies_.empty()) return {};
  if (!blocks_.empty()) {
    if (const auto done = commit_batch(); !done) {
      IngestCounters::add(parts_.counters.commit_failures);
      parts_.counters.sink_failing.store(true, std::memory_order_relaxed);
      was_held_up();
      return done;
    }
  }
  // An acknowledgement that is lost means another delivery, which the ledger finds to be a duplicate.
  for (const auto& reply : replies_)
    if (const auto done = parts_.bus.acknowledge(reply); !done)
      break;  // disconnected: the others would fail as well
  for (const auto& key : touched_) send_receipt(key);
  if (taker_ && !blocks_.empty()) taker_(with_fresh(std::move(blocks_), std::move(fresh_)), bytes_);
  blocks_.clear();
  replies_.clear();
  touched_.clear();
  records_ = 0;
  bytes_ = 0;
  handling_nanos_ = 0;
  return {};
}

double Ingest::fill() const noexcept {
  const auto part = [](std::size_t is, std::size_t most) {
    return static_cast<double>(is) / static_cast<double>(most);
  };
  return std::min(1.0, std::max({part(blocks_.size(), limits_.blocks), part(records_, limits_.records),
                                 part(bytes_, limits_.bytes)}));
}

Result<void> Ingest::commit_batch() {
  auto& counters = parts_.counters;
  const auto changes = judge_chains();
  if (!changes) return tl::unexpected(changes.error());
  const auto fresh = observer_ ? newly_stored() : std::vector<StoredTransaction>{};
  if (taker_) fresh_ = fresh_runs(blocks_, parts_.sink.ledger());
  const auto events = rack_events(blocks_, parts_.sink.ledger());
  const auto summary = store(*changes);
  if (!summary) return tl::unexpected(summary.error());
  for (const auto& block : blocks_) {
    if (!block.records.empty()) IngestCounters::add(counters.blocks);
    if (!block.bytes.empty()) IngestCounters::add(counters.audit_blocks);
  }
  IngestCounters::add(counters.records, records_);
  IngestCounters::add(counters.rows, summary->rows);
  IngestCounters::add(counters.duplicates, summary->duplicates);
  tell(*changes);
  for (const auto& event : events) tell_rack_event(event, parts_.diagnostics);
  if (!fresh.empty()) observer_(fresh);
  return {};
}

Result<sink::CommitSummary> Ingest::store(const sink::AuditChanges& changes) {
  auto& counters = parts_.counters;
  const auto began = parts_.clock.monotonic();
  if (parts_.watch != nullptr) parts_.watch->began(began);
  const auto summary = parts_.sink.commit_audited(blocks_, changes);
  const auto ended = parts_.clock.monotonic();
  if (parts_.watch != nullptr)
    parts_.watch->ended(ended, {summary.has_value(), bytes_, fill(), std::exchange(handling_nanos_, 0)});
  if (!summary) return summary;
  const auto took = static_cast<std::uint64_t>(std::max<std::int64_t>(ended.value - began.value, 0));
  counters.sink_failing.store(false, std::memory_order_relaxed);
  counters.last_commit_nanos.store(took, std::memory_order_relaxed);
  if (took > counters.slowest_commit_nanos.load(std::memory_order_relaxed))
    counters.slowest_commit_nanos.store(took, std::memory_order_relaxed);
  counters.last_commit_time.store(parts_.clock.now().value, std::memory_order_relaxed);
  IngestCounters::add(counters.commits);
  return summary;
}

std::vector<StoredTransaction> Ingest::newly_stored() const {
  std::vector<StoredTransaction> fresh;
  const auto& ledger = parts_.sink.ledger();
  for (const auto& block : blocks_) {
    const auto& head = block.head;
    const auto known = ledger.find({head.machine_id, head.lane, head.epoch});
    for (std::size_t i = 0; i < block.records.size(); ++i) {
      const auto* transaction = std::get_if<model::Transaction>(&block.records[i]);
      if (transaction == nullptr) continue;
      const Sequence sequence{head.first.value + i};
      if (known != ledger.end() && known->second.contains(sequence)) continue;
      fresh.push_back({head.machine_id, block.rack, head.epoch, sequence, *transaction});
    }
  }
  return fresh;
}

void Ingest::send_receipt(const sink::StreamKey& key) {
  const auto receipt = receipt_of(key, parts_.sink);
  if (!receipt) return;
  // A receipt may be lost: the next commit and the next hello say it again.
  if (parts_.bus.publish(snake::receipt_subject(key.machine_id), sanitize::clean_message(*receipt)))
    IngestCounters::add(parts_.counters.receipts);
}

void Ingest::send_receipts(const MachineId& machine) {
  for (const auto& [key, ranges] : parts_.sink.ledger())
    if (key.machine_id == machine) send_receipt(key);
  for (const auto& [key, chain] : parts_.sink.audit().epochs)
    if (key.machine_id == machine && !parts_.sink.ledger().contains(key)) send_receipt(key);
}

}  // namespace fluxrig::mixer
