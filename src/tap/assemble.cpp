#include "tap/assemble.hpp"

#include <fmt/format.h>

#include "sanitize/scan/card_number.hpp"
#include "sanitize/scan/cut_end.hpp"
#include "trace/probability.hpp"

namespace fluxrig::tap {
namespace {

// Fills a vector from its front over what an earlier record left there, so that the strings in it keep their
// room; what is then too much goes.
template <typename T>
class Reused {
 public:
  explicit Reused(std::vector<T>& items) noexcept : items_(items) {}
  Reused(const Reused&) = delete;
  Reused& operator=(const Reused&) = delete;
  ~Reused() { items_.resize(used_); }
  [[nodiscard]] T& next() {
    if (used_ == items_.size()) items_.emplace_back();
    return items_[used_++];
  }

 private:
  std::vector<T>& items_;
  std::size_t used_ = 0;
};

model::MetricPoint point(std::string_view name, std::string_view unit, std::string_view gear) {
  model::MetricPoint out;
  out.name = name;
  out.unit = unit;
  out.gear = gear;
  return out;
}

}  // namespace

std::string Assembler::clean(std::string_view text) {
  auto kept = sanitizer_.apply(sanitize::Action::kKeep, text);
  return kept ? std::move(*kept).text() : std::string();
}

const std::string& Assembler::clean_once(std::vector<std::string>& known, std::uint16_t id,
                                         const std::string& text) {
  if (id >= known.size()) known.resize(id + std::size_t{1});
  std::string& cleaned = known[id];
  if (cleaned.empty()) cleaned = clean(text);
  return cleaned;
}

const std::string& Assembler::clean_name(NameId name) {
  return clean_once(clean_names_, name.value, names_.text(name));
}

const std::string& Assembler::ruled_name(NameId name) {
  if (!sanitizer_.has_rules()) return clean_name(name);
  if (name.value >= ruled_names_.size()) ruled_names_.resize(name.value + std::size_t{1});
  std::string& known = ruled_names_[name.value];
  if (known.empty()) known = ruled("name", clean_name(name));
  return known;
}

std::string Assembler::ruled(std::string_view field, std::string text) {
  if (text.empty() || !sanitizer_.has_rules_for(field)) return text;
  const auto kept = sanitizer_.apply(sanitize::Action::kKeep, text);
  auto left = kept ? sanitizer_.rule(field, *kept).value : std::nullopt;
  return left ? std::move(*left).text() : std::string(text.size(), '*');
}

const std::string& Assembler::clean_key(FieldId field) {
  return clean_once(clean_keys_, field.value, names_.text(field));
}

// A text that was cut in the middle of a number ends with all of its digits but the last.
std::string_view Assembler::whole(std::string_view text, sanitize::Action action) {
  if (text.size() < kMaxTextBytes || action > sanitize::Action::kMask) return text;
  cut_.assign(text);
  sanitize::hide_cut_end(cut_);
  return cut_;
}

Assembler::Kept Assembler::value_of(const RecordView::Attribute& attribute, std::string_view key) {
  const auto action = names_.action(attribute.field);
  const bool number =
      attribute.is_number && action <= sanitize::Action::kKeep && !sanitize::is_card_number(attribute.number);
  if (number && !sanitizer_.has_rules_for(key)) return {attribute.number};
  // A number under a stricter action, or that could be a card's, is treated as its digits: integers must not
  // slip through.
  auto value = attribute.is_number ? sanitizer_.apply(action, fmt::format("{}", attribute.number))
                                   : sanitizer_.apply(action, whole(attribute.text, action));
  if (!value) return {};
  if (!sanitizer_.has_rules()) return {std::move(*value).text()};
  auto ruled = sanitizer_.rule(key, *std::move(value));
  if (!ruled.value) return {std::nullopt, ruled.action};
  if (number && ruled.action == sanitize::Action::kKeep) return {attribute.number};
  return {std::move(*ruled.value).text(), ruled.action};
}

template <typename T>
void Assembler::attributes(const RecordView& record, T& out) {
  Reused attributes(out.attributes);
  Reused redactions(out.redactions);
  const auto keep = [&](std::string_view key, model::Value value) {
    model::Attribute& attribute = attributes.next();
    attribute.key = key;
    attribute.value = std::move(value);
  };
  record.each_attribute([&](const RecordView::Attribute& attribute) {
    const auto action = names_.action(attribute.field);
    const std::string& key = clean_key(attribute.field);
    if (key.empty()) return;
    if (action > sanitize::Action::kKeep)
      redactions.next().assign(key).append(" ").append(sanitize::to_string(action));
    if (attribute.span != kRootSpan) return;
    auto kept = value_of(attribute, key);
    if (kept.value) keep(key, *std::move(kept.value));
    if (kept.ruled > sanitize::Action::kKeep && action <= sanitize::Action::kKeep)
      redactions.next().assign(key).append(" ").append(sanitize::to_string(kept.ruled));
    if (action == sanitize::Action::kToken && !attribute.is_number)
      if (auto before = sanitizer_.previous_token(attribute.text))
        keep(key + ".previous", std::move(*before).text());
  });
  if (const auto cut = record.head().attributes_cut; cut != 0)
    keep("fluxrig.attributes_dropped", std::int64_t{cut});
}

void Assembler::transaction(const RecordView& record, std::uint64_t threshold, sanitize::CleanRecord& into) {
  const RecordHead& head = record.head();
  auto& out = std::get<model::Transaction>(into.record_);
  out.flux_id = head.flux_id;
  out.trace_id = head.trace_id;
  out.span_id = head.span_id;
  out.parent_span_id = head.parent_span_id;
  out.trace_flags = head.trace_flags;
  out.tracestate = ruled("tracestate", clean(record.tracestate()));
  out.gear = clean_name(head.gear);
  out.name = ruled_name(head.name);
  out.kind = head.kind;
  out.start = ticks_.to_unix(head.start);
  out.end = ticks_.to_unix(head.end);
  out.outcome = head.outcome;
  out.reason = clean_name(head.reason);
  out.child_spans = head.spans_made;
  attributes(record, out);
  if (threshold != 0)
    out.attributes.push_back({"fluxrig.sampling.threshold", trace::format_threshold(threshold)});
  out.links.clear();
  record.each_link([&](FieldId relation, const LinkTarget& target) {
    // Ids are typed: no search for numbers in them, which they may look like.
    if (out.links.size() < kMaxLinks)
      out.links.push_back({target.trace_id, target.span_id, target.flux_id, clean_key(relation)});
  });
}

void Assembler::intent(const RecordView& record, sanitize::CleanRecord& into) {
  const RecordHead& head = record.head();
  auto& out = std::get<model::Intent>(into.record_);
  out.flux_id = head.flux_id;
  out.trace_id = head.trace_id;
  out.span_id = head.span_id;
  out.gear = clean_name(head.gear);
  out.name = ruled_name(head.name);
  out.time = ticks_.to_unix(head.end);
  attributes(record, out);
}

void Assembler::span(const RecordView& record, std::size_t index, sanitize::CleanRecord& into) {
  const RecordHead& head = record.head();
  auto& out = std::get<model::Span>(into.record_);
  const SpanSlot slot = record.span(index);
  out.flux_id = head.flux_id;
  out.trace_id = head.trace_id;
  out.span_id = record.span_id(index);
  out.parent_span_id = record.span_id(slot.parent);
  out.gear = clean_name(slot.gear);
  out.name = ruled_name(slot.name);
  out.kind = slot.kind;
  out.start = ticks_.to_unix(slot.start);
  out.end = ticks_.to_unix(slot.end);
  out.status = slot.status;
  out.status_message = clean_name(slot.reason);
  out.attributes.clear();
  record.each_attribute([&](const RecordView::Attribute& attribute) {
    if (attribute.span != index) return;
    const std::string& key = clean_key(attribute.field);
    if (key.empty()) return;
    if (auto kept = value_of(attribute, key); kept.value)
      out.attributes.push_back({key, *std::move(kept.value)});
  });
}

void Assembler::metrics(const GearMetrics& gear, UnixNanos start, UnixNanos now,
                        std::vector<model::MetricPoint>& out) {
  const std::string& name = names_.text(gear.gear);
  const std::size_t first = out.size();
  const auto add = [&](std::string_view metric, std::string_view unit, std::uint64_t value,
                       std::string_view direction) {
    auto one = point(metric, unit, name);
    one.data = model::Sum{static_cast<double>(value), true};
    if (!direction.empty()) one.attributes.push_back({"network.io.direction", std::string(direction)});
    out.push_back(std::move(one));
  };
  add("fluxrig.gear.messages", "{message}", gear.messages.value(), "");
  add("fluxrig.gear.errors", "{error}", gear.errors.value(), "");
  add("fluxrig.gear.strays", "{message}", gear.strays.value(), "");
  add("fluxrig.gear.io", "By", gear.bytes_in.value(), "receive");
  add("fluxrig.gear.io", "By", gear.bytes_out.value(), "transmit");
  auto duration = point("fluxrig.gear.duration", "ns", name);
  duration.data = gear.duration.snapshot();
  out.push_back(std::move(duration));
  for (std::size_t i = first; i < out.size(); ++i) {
    out[i].start = start;
    out[i].time = now;
  }
}

}  // namespace fluxrig::tap
