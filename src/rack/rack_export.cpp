#include "rack/rack_export.hpp"

#include <pthread.h>

#include <array>
#include <utility>

#include "base/thread_priority.hpp"
#include "cbor/decoder.hpp"
#include "model/record_codec.hpp"
#include "model/record_keys.hpp"
#include "otlp/export_records.hpp"
#include "rack/version.hpp"
#include "sanitize/clean_list.hpp"

namespace fluxrig::rack {
namespace {

// The records of one piece; what our own encoder wrote decodes.
std::vector<model::Record> records_of(ByteView bytes, std::uint32_t count) {
  std::vector<model::Record> records;
  records.reserve(count);
  cbor::Decoder decoder(bytes);
  while (!decoder.at_end()) {
    const auto item = decoder.skip();
    if (!item) break;
    if (auto record = model::decode(*item)) records.push_back(*std::move(record));
  }
  return records;
}

// By its first pair alone: {0: kind, ...}.
std::optional<model::RecordKind> kind_of(ByteView item) {
  cbor::Decoder decoder(item);
  if (!decoder.map() || decoder.unsigned_integer() != std::uint64_t{0}) return std::nullopt;
  const auto kind = decoder.unsigned_integer();
  return kind ? std::optional(static_cast<model::RecordKind>(*kind)) : std::nullopt;
}

}  // namespace

Outcome<std::unique_ptr<RackExport>> RackExport::start(const otlp::ExportSettings& settings,
                                                       otlp::Resource resource, const Clock& clock,
                                                       Diagnostics& diagnostics) {
  bool is_wanted = false;
  for (const auto signal : otlp::kAllSignals) is_wanted = is_wanted || settings.target(signal);
  if (!is_wanted) return nullptr;
  auto exporter = otlp::Exporter::start(settings, kVersion, clock, diagnostics);
  if (!exporter) return tl::unexpected(exporter.error());
  resource.service_name = settings.service_name;
  for (auto& attribute : otlp::attributes_of(settings.resource_attributes))
    resource.attributes.push_back(std::move(attribute));
  return std::unique_ptr<RackExport>(
      new RackExport(std::move(resource), *std::move(exporter), settings.temporality));
}

RackExport::RackExport(otlp::Resource resource, std::unique_ptr<otlp::Exporter> exporter,
                       otlp::Temporality temporality)
    : resource_(std::move(resource)), exporter_(std::move(exporter)) {
  // Nobody else has sent anything of this start.
  if (temporality == otlp::Temporality::kDelta) delta_.emplace(UnixNanos{});
  thread_ = std::thread([this] { run(); });
  ::pthread_setname_np(thread_.native_handle(), "export");
}

RackExport::~RackExport() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

bool RackExport::offer(ExportChunk chunk) {
  const auto bytes = chunk.records.size();
  std::unique_lock lock(mutex_);
  if (waiting_bytes_ + bytes > kMaxWaitingBytes && !waiting_.empty()) {
    lock.unlock();
    count_dropped(chunk);
    return false;
  }
  const bool was_empty = waiting_.empty();
  const bool was_many = waiting_bytes_ >= kManyBytes;
  waiting_bytes_ += bytes;
  waiting_.push_back(std::move(chunk));
  const bool wakes = was_empty || (!was_many && waiting_bytes_ >= kManyBytes);
  lock.unlock();
  if (wakes) wake_.notify_one();
  return true;
}

void RackExport::run() {
  work_behind_business();
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stop_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    wake_.wait_for(lock, kGather, [this] { return stop_ || waiting_bytes_ >= kManyBytes; });
    const auto chunks = std::exchange(waiting_, {});
    lock.unlock();
    encode(chunks);
    lock.lock();
    // Only now: what is being encoded takes memory as well.
    for (const auto& chunk : chunks) waiting_bytes_ -= chunk.records.size();
  }
}

void RackExport::encode(const std::vector<ExportChunk>& chunks) {
  // The batches point into these. Searched once more than on their way to the lanes: what leaves says so by
  // its type.
  std::deque<sanitize::CleanList> records;
  std::vector<otlp::Batch> batches;
  for (const auto& chunk : chunks) {
    std::size_t begin = 0;
    for (const auto& piece : chunk.pieces) {
      records.emplace_back(
          records_of(ByteView(chunk.records).subspan(begin, piece.end - begin), piece.count));
      begin = piece.end;
      batches.push_back({&resource_, records.back().all(), chunk.made, piece.lane, piece.first});
    }
  }
  otlp::offer_records(*exporter_, batches, delta_ ? &*delta_ : nullptr);
}

// As the encoder would count them: a transaction is a span and a log record, an intent neither.
void RackExport::count_dropped(const ExportChunk& chunk) {
  std::array<std::uint64_t, model::kSignals> items{};
  const auto one_of = [&](otlp::Signal signal) { ++items[otlp::index_of(signal)]; };
  cbor::Decoder decoder(chunk.records);
  while (!decoder.at_end()) {
    const auto item = decoder.skip();
    const auto kind = item ? kind_of(*item) : std::nullopt;
    if (!kind) break;
    if (*kind == model::RecordKind::kTransaction || *kind == model::RecordKind::kSpan)
      one_of(otlp::Signal::kSpans);
    if (*kind == model::RecordKind::kTransaction || *kind == model::RecordKind::kLog)
      one_of(otlp::Signal::kLogs);
    if (*kind == model::RecordKind::kMetricPoint) one_of(otlp::Signal::kMetrics);
  }
  for (const auto signal : otlp::kAllSignals)
    exporter_->count_dropped(signal, otlp::ExportDrop::kQueueFull, items[otlp::index_of(signal)]);
}

}  // namespace fluxrig::rack
