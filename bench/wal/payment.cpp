#include "bench/wal/payment.hpp"

#include "tap/pump.hpp"

namespace fluxrig::bench {
namespace {

using sanitize::Action;

struct Capture final : tap::AuditOutput {
  Result<void> append(const sanitize::CleanRecords& records) override {
    bytes.assign(records.bytes().begin(), records.bytes().end());
    return {};
  }
  Result<void> sync() override { return {}; }
  std::string bytes;
};

struct NoTelemetry final : tap::TelemetryOutput {
  void offer(model::Signal, const sanitize::CleanRecords&) override {}
  void count_dropped(model::DropCause, model::Signal, std::uint64_t) override {}
};

}  // namespace

Payment::Payment()
    : gear_(names_.name("shop")),
      span_(names_.name("POST /authorize")),
      route_(names_.field("http.route", Action::kKeep)),
      method_(names_.field("http.request.method", Action::kKeep)),
      status_(names_.field("http.response.status_code", Action::kKeep)),
      card_(names_.field("iso8583.2", Action::kToken)),
      code_(names_.field("iso8583.3", Action::kKeep)),
      amount_(names_.field("iso8583.4", Action::kKeep)),
      trace_number_(names_.field("iso8583.11", Action::kKeep)),
      reference_(names_.field("iso8583.37", Action::kKeep)),
      terminal_(names_.field("iso8583.41", Action::kKeep)),
      merchant_(names_.field("iso8583.42", Action::kKeep)) {}

void Payment::fill(tap::Draft& draft, std::uint64_t number) const noexcept {
  tap::RecordHead head;
  head.flux_id.bytes.fill(static_cast<std::uint8_t>(number));
  head.trace_id.bytes.fill(2);
  head.span_id.bytes.fill(3);
  head.parent_span_id.bytes.fill(4);
  head.gear = gear_;
  head.name = span_;
  head.start = source_.now();
  draft.begin(head, "vendor=00f067aa0ba902b7");
  draft.attribute(route_, "/authorize");
  draft.attribute(method_, "POST");
  draft.attribute(status_, std::int64_t{200});
  draft.attribute(card_, "4111111111111111");
  draft.attribute(code_, "000000");
  draft.attribute(amount_, "000000012999");
  draft.attribute(trace_number_, "123456");
  draft.attribute(reference_, "240101123456");
  draft.attribute(terminal_, "TERM0001");
  draft.attribute(merchant_, "MERCHANT0000001");
  draft.head().end = source_.now();
}

std::string Payment::encoded() {
  const SystemClock clock;
  tap::TickConverter ticks(source_, clock);
  sanitize::Sanitizer sanitizer(test_key());
  tap::Ring ring;
  tap::EventQueue events;
  Capture capture;
  NoTelemetry telemetry;
  tap::Pump pump({ring, events, tap::Assembler(names_, sanitizer, ticks), ticks, capture, telemetry, clock},
                 {});
  tap::Draft draft;
  fill(draft, 1);
  tap::RingPosition position;
  (void)draft.write(ring, position);
  (void)pump.step(true);
  return capture.bytes;
}

}  // namespace fluxrig::bench
