#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/clock.hpp"
#include "fluxrig/duration.hpp"
#include "fluxrig/table.hpp"
#include "fluxrig/trace_view.hpp"

namespace fluxrig::client {
namespace {

constexpr std::size_t kLabel = 12;  // "transaction "
constexpr std::size_t kMostRack = 16;
constexpr std::size_t kMostGear = 28;
constexpr std::size_t kMostName = 28;
constexpr std::size_t kLeastBar = 16;
constexpr std::size_t kMostRedactions = 32;

std::string label(const Terminal& terminal, std::string_view name) {
  return paint(terminal, Colour::kDim, padded(std::string(name), kLabel));
}

// "2026-11-22 14:03:07.412 UTC" of an RFC 3339 time.
std::string short_time(std::string_view text) {
  if (text.size() < 19) return printable(text);
  std::string time(text.substr(0, std::min<std::size_t>(text.size(), 23)));
  time[10] = ' ';
  return printable(time) + " UTC";
}

std::string offset_text(std::int64_t nanos) {
  return fmt::format("{}{} ms", nanos < 0 ? "-" : "+", milliseconds_text(std::abs(nanos)));
}

Colour colour_of(const std::string& outcome) { return outcome == "answered" ? Colour::kGreen : Colour::kRed; }

struct Frame {
  std::int64_t start = INT64_MAX;
  std::int64_t end = INT64_MIN;
};

Frame frame_of(const TraceView& view) {
  Frame frame;
  const auto take = [&](std::int64_t start, std::int64_t duration) {
    frame.start = std::min(frame.start, start);
    frame.end = std::max(frame.end, start + duration);
  };
  for (const auto& span : view.spans) take(span.start, span.duration);
  if (view.spans.empty())
    for (const auto& transaction : view.transactions) take(transaction.start, transaction.duration);
  if (frame.start > frame.end) frame = {0, 0};
  return frame;
}

// The records of each transaction, first the rack where it began; the transactions by their start.
std::vector<std::vector<const TransactionView*>> by_transaction(const TraceView& view) {
  std::map<std::string_view, std::vector<const TransactionView*>> groups;
  std::set<std::string_view> spans;
  for (const auto& span : view.spans) spans.insert(span.span_id);
  for (const auto& transaction : view.transactions) groups[transaction.flux_id].push_back(&transaction);
  const auto rank = [&](const TransactionView* one) {
    return std::make_tuple(spans.contains(one->parent_span_id), one->start);
  };
  std::vector<std::vector<const TransactionView*>> out;
  for (auto& [id, records] : groups) {
    std::sort(records.begin(), records.end(),
              [&](const auto* a, const auto* b) { return rank(a) < rank(b); });
    out.push_back(std::move(records));
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a[0]->start < b[0]->start; });
  return out;
}

std::string draw_head(const TraceView& view, const TraceDrawing& drawing) {
  const auto& terminal = drawing.terminal;
  std::string out;
  std::string_view trace_id;
  for (const auto& records : by_transaction(view)) {
    const auto& first = *records[0];
    out += label(terminal, "transaction") + paint(terminal, Colour::kBold, printable(first.flux_id)) + "   " +
           paint(terminal, colour_of(first.outcome), printable(first.outcome)) +
           fmt::format("   {} ms   {}\n", milliseconds_text(first.duration), short_time(first.start_text));
    if (!first.reason.empty()) out += label(terminal, "reason") + printable(first.reason) + "\n";
    if (first.trace_id != trace_id)
      out += label(terminal, "trace") + printable(first.trace_id) + "       " +
             (first.parent_span_id.empty()
                  ? std::string("begun here")
                  : "continued from the caller's span " + printable(first.parent_span_id)) +
             "\n";
    trace_id = first.trace_id;
    std::string machines;
    for (const auto* record : records)
      machines += fmt::format("{}{} {}", machines.empty() ? "" : ", ", printable(record->rack),
                              printable(record->machine_id));
    out += label(terminal, "machine") + machines + "\n";
  }
  if (view.transactions.empty() && view.matched_by == "trace_id")
    out += label(terminal, "trace") + printable(view.id) + "       no rack's transaction is stored\n";
  return out;
}

struct Columns {
  std::size_t rack = 0, gear = 0, name = 0, bar = 0;
};

Columns columns_of_spans(const std::vector<PlacedSpan>& placed, const Terminal& terminal) {
  constexpr std::size_t kDuration = 8;
  Columns columns;
  for (const auto& [span, depth] : placed) {
    columns.rack = std::max(columns.rack, std::min(kMostRack, columns_of(printable(span->rack))));
    columns.gear = std::max(columns.gear, std::min(kMostGear, depth + columns_of(printable(span->gear))));
    columns.name = std::max(columns.name, std::min(kMostName, columns_of(printable(span->name))));
  }
  const std::size_t used = 2 + columns.rack + 3 + columns.gear + 3 + columns.name + 2 + kDuration + 2;
  columns.bar = terminal.width > used + kLeastBar ? terminal.width - used : kLeastBar;
  return columns;
}

std::string cell(std::string_view text, std::size_t width) {
  return padded(cut_to(printable(text), width), width);
}

std::string draw_span(const PlacedSpan& placed, const Columns& columns, const Frame& frame,
                      const TraceDrawing& drawing) {
  const auto& span = *placed.span;
  const bool error = span.status == "error";
  const auto& terminal = drawing.terminal;
  const std::string indent(placed.depth, ' ');
  std::string out =
      "  " + paint(terminal, Colour::kCyan, cell(span.rack, columns.rack)) + "   " +
      cell(indent + span.gear, columns.gear) + "   " + cell(span.name, columns.name) +
      fmt::format("  {:>8}  ", milliseconds_text(span.duration)) +
      paint(terminal,
            error       ? Colour::kRed
            : span.root ? Colour::kGreen
                        : Colour::kPlain,
            draw_bar(span.start - frame.start, span.duration, frame.end - frame.start, columns.bar)) +
      "\n";
  const std::string below(2 + columns.rack + 3 + placed.depth, ' ');
  if (error)
    out += below +
           paint(terminal, Colour::kRed,
                 "✗ " + (span.status_message.empty() ? "error" : printable(span.status_message))) +
           "\n";
  if (drawing.attributes)
    for (const auto& [name, value] : span.attributes)
      out += below + "· " + paint(terminal, Colour::kDim, printable(name)) + " " +
             cut_to(printable(value), Table::kMostCellColumns) + "\n";
  return out;
}

std::string draw_logs(const TraceView& view, const Frame& frame, const Terminal& terminal) {
  std::string out;
  for (const auto& log : view.logs)
    out += "  " + paint(terminal, Colour::kDim, "log") + "    " + cell(log.rack, 8) +
           fmt::format(" {:>11}  ", offset_text(log.time - frame.start)) +
           paint(terminal, log.severity == "ERROR" ? Colour::kRed : Colour::kPlain, printable(log.severity)) +
           "  " + printable(log.event_name) + "  " + printable(log.body) + "\n";
  return out;
}

std::string chain_text(const AuditView& audit, const Terminal& terminal) {
  if (!audit.verified) return {};
  if (!*audit.verified)
    return ", " + paint(terminal, Colour::kYellow, "chain not verified: something before it is missing");
  return audit.checkpoint == 0 ? std::string(", chain verified, not yet signed")
                               : fmt::format(", chain verified, signed by checkpoint {}", audit.checkpoint);
}

std::string draw_audit(const TraceView& view, const Terminal& terminal) {
  std::string out;
  for (const auto& audit : view.audit)
    out +=
        "  " + paint(terminal, Colour::kDim, "audit") + "  " + cell(audit.rack, 8) +
        fmt::format(" #{} of epoch {}  on disk, stored {}{}{}\n", audit.sequence, audit.epoch,
                    short_time(audit.stored_at_text),
                    audit.stored_at == 0 || audit.answered_at == 0
                        ? ""
                        : fmt::format(" ({} after the answer)", milliseconds_text(std::max<std::int64_t>(
                                                                    0, audit.stored_at - audit.answered_at)) +
                                                                    " ms"),
                    chain_text(audit, terminal));
  return out;
}

// "iso8583.2 token" and the like, by what was done.
std::string draw_redactions(const TraceView& view, const Terminal& terminal) {
  std::map<std::string, std::set<std::string>> fields_by_action;
  std::size_t count = 0;
  for (const auto& transaction : view.transactions) {
    for (const auto& redaction : transaction.redactions) {
      if (++count > kMostRedactions) break;
      const auto space = redaction.rfind(' ');
      const auto action = space == std::string::npos ? "other" : redaction.substr(space + 1);
      fields_by_action[action].insert(redaction.substr(0, space));
    }
  }
  if (fields_by_action.empty()) return {};
  std::string out;
  for (const auto& [action, fields] : fields_by_action)
    out += fmt::format("{}{}: {}", out.empty() ? "" : ";  ", printable(action),
                       printable(fmt::format("{}", fmt::join(fields, ", "))));
  return "  " + paint(terminal, Colour::kDim, "masked") + " " + out + "\n";
}

std::string draw_missing(const TraceView& view) {
  std::uint64_t made = 0;
  std::uint64_t here = 0;
  for (const auto& transaction : view.transactions) made += transaction.child_spans;
  for (const auto& span : view.spans) here += span.root || span.received ? 0 : 1;
  if (made <= here) return {};
  return fmt::format(
      "  {} of {} child spans are not here: not sampled, dropped under load, or still on their way\n",
      made - here, made);
}

}  // namespace

std::string draw_trace(const TraceView& view, const TraceDrawing& drawing) {
  const auto frame = frame_of(view);
  const auto placed = place_spans(view.spans);
  const auto columns = columns_of_spans(placed, drawing.terminal);
  std::string out = draw_head(view, drawing) + "\n";
  for (const auto& span : placed) out += draw_span(span, columns, frame, drawing);
  return out + draw_missing(view) + draw_logs(view, frame, drawing.terminal) +
         draw_audit(view, drawing.terminal) + draw_redactions(view, drawing.terminal);
}

std::string draw_transactions(const TraceView& view, const Terminal& terminal) {
  Table table({{"time"}, {"flux_id"}, {"gear"}, {"name"}, {"outcome"}, {"ms", Align::kRight}, {"reason"}});
  for (const auto& transaction : view.transactions)
    table.add({short_time(transaction.start_text), transaction.flux_id, transaction.gear, transaction.name,
               transaction.outcome, milliseconds_text(transaction.duration), transaction.reason});
  const auto rack = view.transactions.empty() ? std::string() : printable(view.transactions[0].rack);
  if (rack.empty()) return fmt::format("the rack {} has no transactions stored\n", printable(view.id));
  return fmt::format("rack {}, machine_id {}, its latest {} transactions\n\n", rack, printable(view.id),
                     table.rows()) +
         table.render(terminal);
}

}  // namespace fluxrig::client
