#include "mixer/export_desk.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <optional>

#include "base/thread_priority.hpp"
#include "mixer/version.hpp"
#include "otlp/export_records.hpp"
#include "sanitize/clean_list.hpp"

namespace fluxrig::mixer {
namespace {

using otlp::ExportCounters;
using otlp::ExportDrop;

// Why no delta was made of a point: otlp::DeltaConverter::Counters.
constexpr std::array<std::string_view, 4> kDeltaCauses = {"first", "late", "fallen", "overflow"};

std::uint64_t load(const ExportCounters::Counter& counter) { return counter.load(std::memory_order_relaxed); }

ReplyText signal_json(const otlp::Exporter& exporter, otlp::Signal signal, const ExportCounters& c) {
  ReplyText drops;
  for (std::size_t i = 0; i < otlp::kExportDropNames.size(); ++i)
    drops +=
        ReplyText::format(R"({}"{}":{})", comma(i != 0), said(otlp::kExportDropNames[i]), load(c.dropped[i]));
  return ReplyText::format(
      R"("{}":{{"offered":{},"delivered":{},"rejected":{},"dropped":{{{}}},"queue_bytes":{},"attempts":{},)"
      R"("retries":{},"warnings":{},"unreadable_answers":{}}})",
      said(otlp::otlp_name_of(signal)), load(c.offered), load(c.delivered), load(c.rejected), drops,
      exporter.queue_bytes(signal), load(c.attempts), load(c.retries), load(c.warnings),
      load(c.unreadable_answers));
}

// Resources by who emitted, for as long as one call of encode needs them.
class Resources {
 public:
  Resources(std::string service_name, const std::vector<model::Attribute>& attributes,
            const ExportDesk::Lookup& lookup)
      : service_name_(std::move(service_name)), attributes_(attributes), lookup_(lookup) {}

  const otlp::Resource* of(const sink::IncomingBlock& block) {
    const auto [found, is_new] = resources_.try_emplace({block.head.machine_id, block.head.epoch});
    if (is_new) {
      found->second.machine_id = block.head.machine_id;
      found->second.epoch = block.head.epoch;
      found->second.rack = block.rack;
      found->second.service_name = service_name_;
      // The operator's first: of a key twice the first counts.
      found->second.attributes = attributes_;
      if (auto told = lookup_ ? lookup_(block.head.machine_id, block.head.epoch) : std::nullopt) {
        found->second.version = std::move(told->version);
        for (auto& one : told->attributes) found->second.attributes.push_back(std::move(one));
      }
    }
    return &found->second;
  }

 private:
  std::string service_name_;
  const std::vector<model::Attribute>& attributes_;
  const ExportDesk::Lookup& lookup_;
  std::map<std::pair<MachineId, Epoch>, otlp::Resource> resources_;
};

// `searched` keeps what the result views. A rack has searched its records; who has its certificate may have
// written others, which the store keeps as they were signed, and nobody else is given.
std::vector<otlp::Batch> batches_of(std::vector<FreshBlock> blocks, Resources& resources,
                                    std::deque<sanitize::CleanList>& searched) {
  std::vector<otlp::Batch> batches;
  for (auto& [block, fresh] : blocks) {
    const auto& records = searched.emplace_back(std::move(block.records));
    for (const auto& [begin, end] : fresh)
      batches.push_back({resources.of(block), records.all().part(begin, end), block.received, block.head.lane,
                         Sequence{block.head.first.value + begin}});
  }
  // One rack's together: neighbours share the envelope of their resource.
  std::stable_sort(batches.begin(), batches.end(),
                   [](const auto& a, const auto& b) { return std::less<>{}(a.resource, b.resource); });
  return batches;
}

}  // namespace

Outcome<std::unique_ptr<ExportDesk>> ExportDesk::start(const otlp::ExportSettings& settings,
                                                       const Clock& clock, Diagnostics& diagnostics,
                                                       Lookup lookup) {
  const auto is_exported = [&](otlp::Signal signal) { return settings.target(signal).has_value(); };
  if (std::none_of(otlp::kAllSignals.begin(), otlp::kAllSignals.end(), is_exported)) return nullptr;
  auto exporter = otlp::Exporter::start(settings, kVersion, clock, diagnostics);
  if (!exporter) return tl::unexpected(exporter.error());
  return std::unique_ptr<ExportDesk>(
      new ExportDesk(settings, std::move(*exporter), std::move(lookup), clock));
}

ExportDesk::ExportDesk(const otlp::ExportSettings& settings, std::unique_ptr<otlp::Exporter> exporter,
                       Lookup lookup, const Clock& clock)
    : service_name_(settings.service_name),
      resource_attributes_(otlp::attributes_of(settings.resource_attributes)),
      lookup_(std::move(lookup)),
      clock_(clock),
      exporter_(std::move(exporter)) {
  forgot_at_ = clock.now();
  if (settings.temporality == otlp::Temporality::kDelta) delta_.emplace(forgot_at_);
  thread_ = std::thread([this] { run(); });
}

ExportDesk::~ExportDesk() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void ExportDesk::offer(std::vector<FreshBlock> blocks, std::size_t bytes) {
  if (blocks.empty()) return;
  std::unique_lock lock(mutex_);
  if (!waiting_.empty() && waiting_bytes_ + bytes > kMaxWaitingBytes) {
    lock.unlock();
    return count_dropped(blocks);
  }
  waiting_bytes_ += bytes;
  waiting_.push_back({std::move(blocks), bytes});
  lock.unlock();
  wake_.notify_one();
}

void ExportDesk::run() {
  work_behind_business();
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stop_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    auto batch = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    encode(std::move(batch.blocks));
    lock.lock();
    waiting_bytes_ -= batch.bytes;
  }
}

void ExportDesk::encode(std::vector<FreshBlock> blocks) {
  Resources resources(service_name_, resource_attributes_, lookup_);
  std::deque<sanitize::CleanList> searched;
  const auto batches = batches_of(std::move(blocks), resources, searched);
  otlp::offer_records(*exporter_, batches, delta_ ? &*delta_ : nullptr);
  if (delta_) note_deltas();
}

void ExportDesk::note_deltas() {
  const auto now = clock_.now();
  if (now.value - forgot_at_.value >= kForgetEvery) {
    forgot_at_ = now;
    delta_->forget_before({now.value - kForgetAfter});
  }
  const auto& counters = delta_->counters();
  const std::array<std::uint64_t, 4> counts = {counters.first, counters.late, counters.fallen,
                                               counters.overflow};
  for (std::size_t i = 0; i < counts.size(); ++i) left_out_[i].store(counts[i], std::memory_order_relaxed);
}

// As encode would count them: a transaction is a span and a log record.
void ExportDesk::count_dropped(const std::vector<FreshBlock>& blocks) {
  std::array<std::uint64_t, model::kSignals> items{};
  for (const auto& [block, fresh] : blocks)
    for (const auto& [begin, end] : fresh)
      for (std::size_t i = begin; i < end; ++i) {
        const auto& record = block.records[i];
        if (std::holds_alternative<model::Intent>(record)) continue;
        ++items[otlp::index_of(model::signal_of(record))];
        if (std::holds_alternative<model::Transaction>(record)) ++items[otlp::index_of(otlp::Signal::kLogs)];
      }
  for (const auto signal : otlp::kAllSignals)
    exporter_->count_dropped(signal, ExportDrop::kQueueFull, items[otlp::index_of(signal)]);
}

double ExportDesk::saturation() const {
  std::size_t waiting = 0;
  {
    const std::lock_guard lock(mutex_);
    waiting = waiting_bytes_;
  }
  const double own = static_cast<double>(waiting) / static_cast<double>(kMaxWaitingBytes);
  return std::min(1.0, std::max(own, exporter_->saturation()));
}

std::uint64_t ExportDesk::taken() const {
  std::uint64_t taken = 0;
  for (const auto signal : otlp::kAllSignals)
    if (const auto* c = exporter_->counters(signal)) taken += load(c->delivered) + load(c->rejected);
  return taken;
}

ReplyText ExportDesk::status_json() const {
  ReplyText text = ReplyText::format(R"({{"saturation":{:.3f})", saturation());
  for (const auto signal : otlp::kAllSignals)
    if (const auto* c = exporter_->counters(signal))
      text += ReplyText::format(",{}", signal_json(*exporter_, signal, *c));
  if (delta_) {
    text += R"(,"deltas_left_out":{)";
    for (std::size_t i = 0; i < kDeltaCauses.size(); ++i)
      text += ReplyText::format(R"({}"{}":{})", comma(i != 0), said(kDeltaCauses[i]), load(left_out_[i]));
    text += "}";
  }
  text += "}";
  return text;
}

}  // namespace fluxrig::mixer
