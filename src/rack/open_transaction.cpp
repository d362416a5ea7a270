#include "rack/open_transaction.hpp"

#include "rack/runtime.hpp"
#include "rack/tap_build.hpp"

namespace fluxrig::rack {

tap::Draft* OpenTransaction::draft() const noexcept {
  if (!is_branch()) return &draft_;
  const OpenTransaction* owner = runtime_.lookup(owner_);
  return owner == nullptr ? nullptr : owner->draft();
}

OpenTransaction* OpenTransaction::recorded() noexcept { return is_branch() ? runtime_.lookup(owner_) : this; }

trace::Context OpenTransaction::outgoing_context() const {
  trace::Context context;
  tap::Draft* record = draft();
  if (record == nullptr) record = &draft_;
  const auto& head = record->head();
  context.trace_id = head.trace_id;
  context.span_id = record->span_id(here().span);
  context.flags = head.trace_flags;
  context.tracestate = std::string(record->tracestate());
  return context;
}

void OpenTransaction::attribute(tap::FieldId field, std::string_view value) noexcept {
  if constexpr (!kTapped) return;
  if (auto* record = draft(); record != nullptr) record->attribute(field, value);
}

void OpenTransaction::attribute(tap::FieldId field, std::int64_t value) noexcept {
  if constexpr (!kTapped) return;
  if (auto* record = draft(); record != nullptr) record->attribute(field, value);
}

void OpenTransaction::span_attribute(tap::FieldId field, std::string_view value) noexcept {
  if constexpr (!kTapped) return;
  if (auto* record = draft(); record != nullptr && has_span()) record->attribute(field, value, here().span);
}

void OpenTransaction::span_attribute(tap::FieldId field, std::int64_t value) noexcept {
  if constexpr (!kTapped) return;
  if (auto* record = draft(); record != nullptr && has_span()) record->attribute(field, value, here().span);
}

tap::LinkTarget OpenTransaction::as_link_target() const noexcept {
  const tap::Draft* record = draft();
  const auto& head = (record == nullptr ? &draft_ : record)->head();
  return {head.trace_id, head.span_id, head.flux_id};
}

void OpenTransaction::link(tap::FieldId relation, const tap::LinkTarget& target) noexcept {
  if constexpr (!kTapped) return;
  if (auto* record = draft(); record != nullptr) record->link(relation, target);
}

void OpenTransaction::span_name(tap::NameId name) noexcept {
  if constexpr (!kTapped) return;
  auto* record = draft();
  if (record == nullptr) return;
  if (auto* slot = record->span(here().span); slot != nullptr) {
    slot->name = name;
  } else if (!is_branch() && at_ == 0) {
    record->head().name = name;
  }
}

void OpenTransaction::span_error(const char* reason) noexcept {
  if constexpr (!kTapped) return;
  runtime_.wiring_.at(here().station).metrics->errors.add();
  auto* record = draft();
  auto* slot = record == nullptr ? nullptr : record->span(here().span);
  if (slot == nullptr) return;
  slot->status = model::StatusCode::kError;
  slot->reason = runtime_.names().name(reason);
}

void OpenTransaction::count_bytes(std::uint64_t in, std::uint64_t out) noexcept {
  if constexpr (!kTapped) return;
  auto& metrics = *runtime_.wiring_.at(here().station).metrics;
  if (in != 0) metrics.bytes_in.add(in);
  if (out != 0) metrics.bytes_out.add(out);
}

gear::Message& OpenTransaction::kept(const gear::Gear& gear) {
  for (auto& [owner, message] : kept_)
    if (owner == &gear) return message;
  return kept_.emplace_back(&gear, gear::Message{}).second;
}

void OpenTransaction::reset() noexcept {
  owner_ = {};
  stage_ = Stage::kFree;
  cookie_ = 0;
  baggage_.clear();
  message_.wipe();
  message_ = {};
  path_.clear();
  at_ = 0;
  entered_ring_ = {};
  awaited_ = {};
  backward_ = false;
  abandoned_ = false;
  context_expected_ = false;
  context_adopted_ = false;
  offer_pending_ = false;
  failure_ = {};
  outcome_ = model::TransactionOutcome::kAnswered;
  for (auto& [owner, message] : kept_) message.wipe();
  kept_.clear();
  correlation.clear();
}

}  // namespace fluxrig::rack
