// Decoded records as rows of the hot tables, in the column order of schema.cpp. One thread, within one
// transaction.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sink/duckdb/schema.hpp"
#include "sink/duckdb/table_appender.hpp"
#include "sink/sink.hpp"

namespace fluxrig::sink {

class RecordRows {
 public:
  explicit RecordRows(Connection& connection) : connection_(connection) {}

  // `index` within the block: the record's sequence is head.first + index.
  void add(const IncomingBlock& block, std::size_t index);
  // A span of no rack: lane `received`, no machine, rack, gear or flux_id.
  struct ReceivedPlace {
    Epoch epoch;
    Sequence sequence;
    UnixNanos received;
  };
  void add_received(const model::Span& span, const ReceivedPlace& place);
  // The block itself, as it came.
  void keep(const IncomingBlock& block);
  [[nodiscard]] Attempt<std::uint64_t> finish();  // records written; kept blocks do not count
  // One MAP column of any table's row.
  void write_attributes(TableAppender& row, const std::vector<model::Attribute>& attributes,
                        const std::vector<model::Link>& links = {});

 private:
  struct Common {
    const IncomingBlock& block;
    std::uint64_t sequence;
    UnixNanos time;  // the event's: decides the hour
    const FluxId& flux_id;
    const TraceId& trace_id;
    std::string_view gear;
  };
  void write(TableAppender& row, const Common& common, const model::Transaction& transaction);
  void write(TableAppender& row, const Common& common, const model::Span& span);
  void write_own(TableAppender& row, const model::Span& span);
  void write(TableAppender& row, const Common& common, const model::MetricPoint& point);
  void write(TableAppender& row, const Common& common, const model::Log& log);
  void write_common(TableAppender& row, const Common& common);
  [[nodiscard]] TableAppender& table(std::size_t index);

  Connection& connection_;
  std::unique_ptr<TableAppender> tables_[kSignalCount];  // made when the first row comes; by SignalKind
  std::vector<std::pair<std::string_view, std::string_view>> entries_;
  std::vector<std::string> numbers_;
  std::vector<std::string> link_names_;
};

// Which hour a record is filed under, in microseconds since 1970: its own, unless its clock is so far from
// ours (kMaxLate before, kMaxEarly after the arrival) that it would scatter files over the calendar: then the
// arrival's.
inline constexpr std::int64_t kMaxLateHours = 24 * 31;
inline constexpr std::int64_t kMaxEarlyHours = 2;
[[nodiscard]] std::int64_t filing_hour_micros(UnixNanos event, UnixNanos received) noexcept;

[[nodiscard]] std::string_view kind_name(model::BlockKind kind) noexcept;

}  // namespace fluxrig::sink
