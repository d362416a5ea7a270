#include "tap/draft.hpp"

#include <algorithm>
#include <type_traits>

#include "base/assert.hpp"

namespace fluxrig::tap {
namespace {

static_assert(std::is_trivially_copyable_v<RecordHead> && std::is_trivially_copyable_v<SpanSlot>);

// An attribute in the record: field (2), type (1), size (2), bytes. The type's lowest bit says text or
// number, those above it whose it is: 0 the transaction's, 1 that of the first span; the bit kLink says that
// it is none of these but a link.
constexpr std::size_t kAttributeHead = 5;
constexpr std::uint8_t kText = 0;
constexpr std::uint8_t kNumber = 1;
constexpr std::uint8_t kLink = 0x80;
static_assert(2 * (kMaxSpans + 1) < kLink && std::is_trivially_copyable_v<LinkTarget>);

constexpr std::uint8_t type_of(std::uint8_t kind, std::uint8_t span) noexcept {
  return static_cast<std::uint8_t>(span == kRootSpan ? kind : kind | (span + 1) << 1);
}

}  // namespace

void Draft::begin(const RecordHead& head, std::string_view tracestate) noexcept {
  head_ = head;
  head_.spans = 0;
  head_.spans_made = 0;
  head_.attribute_bytes = 0;
  head_.attributes_cut = 0;
  set_tracestate(tracestate);
}

std::uint8_t Draft::find_span(const SpanId& id) const noexcept {
  for (std::uint8_t i = 0; i < head_.spans; ++i)
    if (spans_[i].span_id == id) return i;
  return kRootSpan;
}

void Draft::set_tracestate(std::string_view tracestate) noexcept {
  // Cutting a tracestate would change its meaning; one over the limit never gets here (trace::extract).
  const auto size = tracestate.size() <= tracestate_.size() ? tracestate.size() : 0;
  if (size != 0) std::memcpy(tracestate_.data(), tracestate.data(), size);
  head_.tracestate_bytes = static_cast<std::uint16_t>(size);
}

std::uint8_t Draft::begin_span(const SpanSlot& slot) noexcept {
  if (head_.spans_made < UINT8_MAX) ++head_.spans_made;
  if (head_.spans == kMaxSpans) return kRootSpan;
  spans_[head_.spans] = slot;
  return head_.spans++;
}

std::uint8_t* Draft::attribute_room(FieldId field, std::uint8_t type, std::size_t size) noexcept {
  if (head_.attribute_bytes + kAttributeHead + size > kMaxAttributeBytes) {
    if (head_.attributes_cut < UINT8_MAX) ++head_.attributes_cut;
    return nullptr;
  }
  std::uint8_t* at = attributes_.data() + head_.attribute_bytes;
  const auto stored = static_cast<std::uint16_t>(size);
  std::memcpy(at, &field.value, 2);
  at[2] = type;
  std::memcpy(at + 3, &stored, 2);
  head_.attribute_bytes = static_cast<std::uint16_t>(head_.attribute_bytes + kAttributeHead + size);
  return at + kAttributeHead;
}

void Draft::attribute(FieldId field, std::string_view text, std::uint8_t span) noexcept {
  const std::size_t size = std::min(text.size(), kMaxTextBytes);
  if (auto* room = attribute_room(field, type_of(kText, span), size); room != nullptr)
    std::memcpy(room, text.data(), size);
}

void Draft::attribute(FieldId field, std::int64_t number, std::uint8_t span) noexcept {
  if (auto* room = attribute_room(field, type_of(kNumber, span), sizeof number); room != nullptr)
    std::memcpy(room, &number, sizeof number);
}

void Draft::link(FieldId relation, const LinkTarget& target) noexcept {
  if (auto* room = attribute_room(relation, kLink, sizeof target); room != nullptr)
    std::memcpy(room, &target, sizeof target);
}

Draft::Written Draft::write(Ring& ring, RingPosition& position) noexcept {
  const std::size_t spans_size = head_.spans * sizeof(SpanSlot);
  const std::size_t rest_size = std::size_t{head_.attribute_bytes} + head_.tracestate_bytes;
  auto written = Written::kAll;
  std::uint8_t* out = ring.reserve(sizeof head_ + spans_size + rest_size);
  if (out == nullptr) {
    out = ring.reserve(sizeof head_ + rest_size);
    if (out == nullptr) return Written::kNone;
    head_.spans = 0;
    written = Written::kWithoutSpans;
  }
  std::memcpy(out, &head_, sizeof head_);
  out += sizeof head_;
  if (written == Written::kAll) {
    std::memcpy(out, spans_.data(), spans_size);
    out += spans_size;
  }
  std::memcpy(out, attributes_.data(), head_.attribute_bytes);
  std::memcpy(out + head_.attribute_bytes, tracestate_.data(), head_.tracestate_bytes);
  position = ring.commit();
  return written;
}

bool Draft::write_intent(Ring& ring, const DepartureNote& note, RingPosition& position) const noexcept {
  std::uint8_t* out = ring.reserve(sizeof head_ + head_.attribute_bytes);
  if (out == nullptr) return false;
  RecordHead head = head_;
  head.entry = Entry::kIntent;
  head.gear = note.gear;
  head.end = note.now;
  head.awaited = note.awaited;
  head.spans = 0;
  head.tracestate_bytes = 0;
  std::memcpy(out, &head, sizeof head);
  std::memcpy(out + sizeof head, attributes_.data(), head.attribute_bytes);
  position = ring.commit();
  return true;
}

RecordView::RecordView(ByteView bytes) noexcept {
  FR_ASSERT(bytes.size() >= sizeof head_);
  std::memcpy(&head_, bytes.data(), sizeof head_);
  const std::size_t spans_size = head_.spans * sizeof(SpanSlot);
  FR_ASSERT(bytes.size() == sizeof head_ + spans_size + head_.attribute_bytes + head_.tracestate_bytes);
  spans_ = bytes.subspan(sizeof head_, spans_size);
  attributes_ = bytes.subspan(sizeof head_ + spans_size, head_.attribute_bytes);
  tracestate_ = as_text(bytes.last(head_.tracestate_bytes));
}

SpanSlot RecordView::span(std::size_t index) const noexcept {
  FR_ASSERT(index < head_.spans);
  SpanSlot slot;
  std::memcpy(&slot, spans_.data() + index * sizeof slot, sizeof slot);
  return slot;
}

LinkTarget RecordView::target_of(std::string_view bytes) noexcept {
  LinkTarget target;
  FR_ASSERT(bytes.size() == sizeof target);
  std::memcpy(&target, bytes.data(), sizeof target);
  return target;
}

RecordView::Attribute RecordView::next_attribute(ByteView& rest) noexcept {
  Attribute attribute;
  std::uint16_t size = 0;
  std::memcpy(&attribute.field.value, rest.data(), 2);
  std::memcpy(&size, rest.data() + 3, 2);
  const ByteView value = rest.subspan(kAttributeHead, size);
  attribute.is_number = (rest[2] & kNumber) != 0;
  attribute.is_link = rest[2] == kLink;
  attribute.span = static_cast<std::uint8_t>((rest[2] >> 1) - 1);
  if (attribute.is_number) {
    std::memcpy(&attribute.number, value.data(), sizeof attribute.number);
  } else {
    attribute.text = as_text(value);
  }
  rest = rest.subspan(kAttributeHead + size);
  return attribute;
}

}  // namespace fluxrig::tap
