#include "bench/cost/tapped_transaction.hpp"

#include <string>

namespace fluxrig::bench {

using sanitize::Action;

TappedTransaction::TappedTransaction()
    : fields_{names_.field("http.route", Action::kKeep), names_.field("http.request.method", Action::kKeep),
              names_.field("http.response.status_code", Action::kKeep),
              names_.field("iso8583.11", Action::kKeep), names_.field("iso8583.41", Action::kKeep)} {
  for (std::size_t i = 0; i < kGears; ++i) {
    const std::string name = "gear" + std::to_string(i);
    gears_[i] = {names_.name(name), names_.name("span of " + name)};
    metrics_[i].gear = gears_[i].name;
  }
}

// As Runtime::open_root.
void TappedTransaction::begin() noexcept {
  tap::RecordHead head;
  head.trace_id = make_trace_id(random_);
  head.trace_flags = 3;
  head.span_id = make_span_id(random_);
  head.start = source_.now();
  head.gear = gears_[0].name;
  head.name = gears_[0].span;
  draft_.begin(head, {});
}

// As Runtime::enter and Runtime::leave.
void TappedTransaction::pass(std::size_t gear, tap::Ticks from, tap::Ticks until) noexcept {
  tap::SpanSlot slot;
  slot.start = from;
  slot.end = from;
  slot.gear = gears_[gear].name;
  slot.name = gears_[gear].span;
  const std::uint8_t index = draft_.begin_span(slot);
  if (auto* kept = draft_.span(index); kept != nullptr) kept->end = until;
  count(gear, from, until);
}

void TappedTransaction::count(std::size_t gear, tap::Ticks from, tap::Ticks until) noexcept {
  metrics_[gear].messages.add();
  metrics_[gear].duration.record(until.value - from.value);
}

bool TappedTransaction::run(tap::Ring& ring) noexcept {
  begin();
  draft_.attribute(fields_[0], "/authorize");
  draft_.attribute(fields_[1], "POST");
  tap::Ticks from = source_.now();
  for (std::size_t gear = 1; gear < kGears; ++gear) {
    const tap::Ticks until = source_.now();
    pass(gear, from, until);
    from = until;
  }
  draft_.attribute(fields_[2], std::int64_t{200});
  draft_.attribute(fields_[3], "123456");
  draft_.attribute(fields_[4], "TERM0001");
  auto& head = draft_.head();
  head.end = source_.now();
  count(0, head.start, head.end);
  tap::RingPosition position;
  return draft_.write(ring, position) != tap::Draft::Written::kNone;
}

}  // namespace fluxrig::bench
