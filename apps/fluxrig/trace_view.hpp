// What the mixer knows of one transaction, trace or rack, as `fluxrig trace` reads it, and how it is drawn.
// Values only; any thread. Texts are as they came: the drawing makes them harmless.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "fluxrig/terminal.hpp"

namespace fluxrig::client {

struct SpanView {
  std::string rack, gear, name, span_id, parent_span_id, status, status_message;
  bool root = false;       // a rack's own span of the transaction: from its audit record
  bool received = false;   // of a service that is no rack; `rack` is its service.name
  std::int64_t start = 0;  // unix ns
  std::int64_t duration = 0;
  std::vector<std::pair<std::string, std::string>> attributes;
};

struct TransactionView {
  std::string flux_id, trace_id, machine_id, rack, gear, name, parent_span_id, span_id, outcome, reason,
      start_text;
  std::int64_t start = 0;
  std::int64_t duration = 0;
  std::uint64_t child_spans = 0;
  std::vector<std::string> redactions;
};

struct LogView {
  std::string rack, gear, severity, event_name, body;
  std::int64_t time = 0;
};

// One audit record in the store.
struct AuditView {
  std::string flux_id, rack, lane;
  std::uint64_t epoch = 0;
  std::uint64_t sequence = 0;
  std::string stored_at_text;
  std::int64_t answered_at = 0;
  std::int64_t stored_at = 0;
  std::optional<bool> verified = std::nullopt;  // its chain is whole up to it
  std::uint64_t checkpoint = 0;                 // the sequence of the one that signs it; 0: none yet
};

struct TraceView {
  std::string id, matched_by;
  std::vector<TransactionView> transactions;
  std::vector<SpanView> spans;
  std::vector<LogView> logs;
  std::vector<AuditView> audit;
};

// The answer of /api/v1/trace/{id}: hostile JSON. Missing members are empty.
[[nodiscard]] Outcome<TraceView> parse_trace(std::string_view json);

// RFC 3339 in UTC, up to nanoseconds, with 'T' or a space, with or without 'Z'; nullopt for anything else.
[[nodiscard]] std::optional<std::int64_t> parse_time(std::string_view text);

// Spans in the order of drawing, with their depth: children below their parent, by start. A span whose parent
// is not there, or that is its own ancestor, stands at depth 0.
struct PlacedSpan {
  const SpanView* span = nullptr;
  std::size_t depth = 0;
};
[[nodiscard]] std::vector<PlacedSpan> place_spans(const std::vector<SpanView>& spans);

// `width` columns in which `begin`..`begin + length` of the whole (all in ns) is filled, to an eighth of a
// column; never empty, without trailing spaces.
[[nodiscard]] std::string draw_bar(std::int64_t begin, std::int64_t length, std::int64_t whole,
                                   std::size_t width);

struct TraceDrawing {
  Terminal terminal;
  bool attributes = false;  // of every span
};
// One or several transactions of a trace.
[[nodiscard]] std::string draw_trace(const TraceView& view, const TraceDrawing& drawing);
// A rack's latest transactions.
[[nodiscard]] std::string draw_transactions(const TraceView& view, const Terminal& terminal);

}  // namespace fluxrig::client
