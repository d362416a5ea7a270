#include "sink/duckdb/record_rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <unordered_set>

#include "sink/duckdb/record_text.hpp"
#include "sink/duckdb/schema.hpp"

namespace fluxrig::sink {
namespace {

constexpr std::int64_t kNanosPerHour = 3'600 * kNanosPerSecond;
constexpr std::size_t kFewAttributes = 32;  // up to here comparing all pairs beats hashing

std::int64_t duration_of(UnixNanos start, UnixNanos end) noexcept {
  std::int64_t duration = 0;
  return __builtin_sub_overflow(end.value, start.value, &duration) ? 0 : duration;
}

template <typename Histogram>
void write_summary(TableAppender& row, const Histogram& histogram) {
  row.uint64(histogram.count);
  row.real(histogram.sum);
  row.real(histogram.min);
  row.real(histogram.max);
}

bool has_known_bounds(const model::ExplicitHistogram& histogram) noexcept {
  return std::equal(histogram.bounds.begin(), histogram.bounds.end(), model::kHttpDurationBounds.begin(),
                    model::kHttpDurationBounds.end());
}

}  // namespace

std::string_view kind_name(model::BlockKind kind) noexcept {
  static constexpr std::array<std::string_view, 6> kNames{"header",   "records", "checkpoint",
                                                          "recovery", "loss",    "seal"};
  const auto index = static_cast<std::size_t>(kind);
  return index < kNames.size() ? kNames[index] : "unknown";
}

std::int64_t filing_hour_micros(UnixNanos event, UnixNanos received) noexcept {
  const auto arrival = std::max<std::int64_t>(received.value, 0) / kNanosPerHour;
  const auto own = event.value / kNanosPerHour;
  const bool plausible = own >= 0 && own >= arrival - kMaxLateHours && own <= arrival + kMaxEarlyHours;
  return (plausible ? own : arrival) * (kNanosPerHour / kNanosPerMicro);
}

TableAppender& RecordRows::table(std::size_t index) {
  if (!tables_[index])
    tables_[index] = std::make_unique<TableAppender>(connection_, signals()[index].hot_table.data());
  return *tables_[index];
}

void RecordRows::add(const IncomingBlock& block, std::size_t index) {
  const auto& record = block.records[index];
  // Intents are no rows of a signal: OpenIntents keeps those that have no outcome yet.
  if (std::holds_alternative<model::Intent>(record)) return;
  const auto sequence = block.head.first.value + index;
  auto& row = table(record.index());
  if (!row.begin_row()) return;
  std::visit(
      [&](const auto& one) {
        using Kind = std::decay_t<decltype(one)>;
        static constexpr FluxId kNoFluxId;
        static constexpr TraceId kNoTraceId;
        if constexpr (std::is_same_v<Kind, model::MetricPoint>)
          write(row, {block, sequence, one.time, kNoFluxId, kNoTraceId, one.gear}, one);
        else if constexpr (std::is_same_v<Kind, model::Log>)
          write(row, {block, sequence, one.time, one.flux_id, one.trace_id, one.gear}, one);
        else if constexpr (!std::is_same_v<Kind, model::Intent>)
          write(row, {block, sequence, one.start, one.flux_id, one.trace_id, one.gear}, one);
      },
      record);
  row.end_row();
}

void RecordRows::add_received(const model::Span& span, const ReceivedPlace& place) {
  auto& row = table(static_cast<std::size_t>(SignalKind::kChildSpans));
  if (!row.begin_row()) return;
  row.micros(filing_hour_micros(span.start, place.received));
  row.null();  // flux_id
  row.hex(span.trace_id);
  for (int column = 0; column < 3; ++column) row.null();  // machine_id, rack, gear
  row.text(kReceivedLane);
  row.uint32(place.epoch.value);
  row.uint64(place.sequence.value);
  row.time(place.received);
  write_own(row, span);
  row.end_row();
}

void RecordRows::keep(const IncomingBlock& block) {
  auto& row = table(static_cast<std::size_t>(SignalKind::kAuditBlocks));
  if (!row.begin_row()) return;
  const auto& head = block.head;
  row.micros(filing_hour_micros(head.time, block.received));
  row.uuid(head.machine_id.bytes);
  row.text_or_null(block.rack);
  row.uint32(head.epoch.value);
  row.uint64(head.first.value);
  row.uint32(head.count);
  row.text(kind_name(head.kind));
  row.time(head.time);
  row.blob(block.hash);
  row.blob(head.previous);
  row.blob(block.bytes);
  row.time(block.received);
  row.end_row();
}

void RecordRows::write_common(TableAppender& row, const Common& common) {
  const auto& head = common.block.head;
  row.micros(filing_hour_micros(common.time, common.block.received));
  row.uuid(common.flux_id.bytes);
  row.hex(common.trace_id);
  row.uuid(head.machine_id.bytes);
  row.text_or_null(common.block.rack);
  row.text_or_null(common.gear);
  row.text(to_string(head.lane));
  row.uint32(head.epoch.value);
  row.uint64(common.sequence);
  row.time(common.block.received);
}

// A MAP with a key twice is an error when it is read, so the first of equal keys stays.
void RecordRows::write_attributes(TableAppender& row, const std::vector<model::Attribute>& attributes,
                                  const std::vector<model::Link>& links) {
  entries_.clear();
  numbers_.clear();
  numbers_.reserve(attributes.size());  // entries_ keeps views into it
  std::unordered_set<std::string_view> seen;
  for (const auto& attribute : attributes) {
    const bool fresh = attributes.size() > kFewAttributes
                           ? seen.insert(attribute.key).second
                           : std::none_of(entries_.begin(), entries_.end(),
                                          [&](const auto& entry) { return entry.first == attribute.key; });
    if (!fresh) continue;
    if (const auto* text = std::get_if<std::string>(&attribute.value))
      entries_.emplace_back(attribute.key, *text);
    else
      entries_.emplace_back(attribute.key, numbers_.emplace_back(value_text(attribute.value)));
  }
  // A link is an attribute here: the other's flux_id is what finds it.
  link_names_.clear();
  link_names_.reserve(2 * links.size());
  for (const auto& link : links) {
    const auto& key = link_names_.emplace_back("fluxrig.link." + link.relation);
    if (std::none_of(entries_.begin(), entries_.end(), [&](const auto& entry) { return entry.first == key; }))
      entries_.emplace_back(key, link_names_.emplace_back(to_string(link.flux_id)));
  }
  row.text_map(entries_);
}

void RecordRows::write(TableAppender& row, const Common& common, const model::Transaction& transaction) {
  write_common(row, common);
  row.hex(transaction.span_id);
  row.hex(transaction.parent_span_id);
  row.uint8(transaction.trace_flags);
  row.text_or_null(transaction.tracestate);
  row.text(transaction.name);
  row.text(kind_name(transaction.kind));
  row.time(transaction.start);
  row.time(transaction.end);
  row.int64(duration_of(transaction.start, transaction.end));
  row.text(to_string(transaction.outcome));
  row.text_or_null(transaction.reason);
  write_attributes(row, transaction.attributes, transaction.links);
  row.text_list(transaction.redactions);
  row.uint32(transaction.child_spans);
}

void RecordRows::write(TableAppender& row, const Common& common, const model::Span& span) {
  write_common(row, common);
  write_own(row, span);
}

void RecordRows::write_own(TableAppender& row, const model::Span& span) {
  row.hex(span.span_id);
  row.hex(span.parent_span_id);
  row.text(span.name);
  row.text(kind_name(span.kind));
  row.time(span.start);
  row.time(span.end);
  row.int64(duration_of(span.start, span.end));
  row.text(status_name(span.status));
  row.text_or_null(span.status_message);
  write_attributes(row, span.attributes);
}

void RecordRows::write(TableAppender& row, const Common& common, const model::MetricPoint& point) {
  write_common(row, common);
  row.text(point.name);
  row.text(point.unit);
  const auto* sum = std::get_if<model::Sum>(&point.data);
  const auto* gauge = std::get_if<model::Gauge>(&point.data);
  const auto* exponential = std::get_if<model::ExponentialHistogram>(&point.data);
  const auto* histogram = std::get_if<model::ExplicitHistogram>(&point.data);
  row.text(sum != nullptr           ? "sum"
           : gauge != nullptr       ? "gauge"
           : exponential != nullptr ? "exponential_histogram"
                                    : "histogram");
  sum != nullptr ? row.boolean(sum->monotonic) : row.null();
  row.time(point.start);
  row.time(point.time);
  if (exponential != nullptr) {
    row.null();
    write_summary(row, *exponential);
    row.int32(exponential->scale);
    row.uint64(exponential->zero_count);
    row.int32(exponential->offset);
    row.uint64_list(exponential->buckets);
    row.text_or_null(exemplars_json(exponential->exemplars));
  } else if (histogram != nullptr) {
    row.null();
    write_summary(row, *histogram);
    for (int column = 0; column < 3; ++column) row.null();  // scale to bucket_offset
    // Counts are worth nothing without their bounds, and the view `metrics` gives those of the conventions.
    has_known_bounds(*histogram) ? row.uint64_list(histogram->counts) : row.null();
    row.text_or_null(exemplars_json(histogram->exemplars));
  } else {
    row.real(sum != nullptr ? sum->value : gauge->value);
    for (int column = 0; column < 9; ++column) row.null();  // count to exemplars
  }
  write_attributes(row, point.attributes);
}

void RecordRows::write(TableAppender& row, const Common& common, const model::Log& log) {
  write_common(row, common);
  row.hex(log.span_id);
  row.time(log.time);
  row.uint8(log.severity);
  row.text(severity_name(log.severity));
  row.text_or_null(log.event_name);
  row.text_or_null(log.body);
  write_attributes(row, log.attributes);
}

Attempt<std::uint64_t> RecordRows::finish() {
  std::uint64_t rows = 0;
  for (std::size_t i = 0; i < kSignalCount; ++i) {
    if (!tables_[i]) continue;
    auto finished = tables_[i]->finish();
    if (!finished) return finished;
    if (i != static_cast<std::size_t>(SignalKind::kAuditBlocks)) rows += *finished;
  }
  return rows;
}

}  // namespace fluxrig::sink
