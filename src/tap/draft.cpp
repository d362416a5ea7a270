#include "tap/draft.hpp"

#include <type_traits>

#include "base/assert.hpp"

namespace fluxrig::tap {
namespace {

static_assert(std::is_trivially_copyable_v<RecordHead> && std::is_trivially_copyable_v<SpanSlot>);

// An attribute in the record: a word of field (its lowest 16 bits), size (16) and type (8), then its bytes up
// to a multiple of 8, so that all is copied in whole words. The type's lowest bit says text or number, those
// above it whose it is: 0 the transaction's, 1 that of the first span; the bit kLink says that it is none of
// these but a link.
constexpr std::size_t kWord = 8;
constexpr std::size_t kAttributeHead = kWord;
static_assert(kMaxAttributeBytes % kWord == 0);
static_assert(sizeof(RecordHead) % kWord == 0 && sizeof(SpanSlot) % kWord == 0);

constexpr std::size_t whole_words(std::size_t size) noexcept { return (size + kWord - 1) & ~(kWord - 1); }

constexpr std::uint8_t kText = 0;
constexpr std::uint8_t kNumber = 1;
constexpr std::uint8_t kLink = 0x80;
static_assert(2 * (kMaxSpans + 1) < kLink && std::is_trivially_copyable_v<LinkTarget>);

constexpr std::uint8_t type_of(std::uint8_t kind, std::uint8_t span) noexcept {
  return static_cast<std::uint8_t>(span == kRootSpan ? kind : kind | (span + 1) << 1);
}

// Most texts are a few bytes: a call of memcpy would take longer than they do.
constexpr std::size_t kShortText = 64;

template <typename Word>
void copy_ends(std::uint8_t* to, const char* from, std::size_t size) noexcept {
  Word first;
  Word last;
  std::memcpy(&first, from, sizeof first);
  std::memcpy(&last, from + size - sizeof last, sizeof last);
  std::memcpy(to, &first, sizeof first);
  std::memcpy(to + size - sizeof last, &last, sizeof last);
}

void copy_text(std::uint8_t* to, std::string_view text) noexcept {
  const std::size_t size = text.size();
  if (size > kShortText) {
    std::memcpy(to, text.data(), size);
  } else if (size >= 8) {
    std::size_t done = 0;
    for (; done + 16 < size; done += 8) std::memcpy(to + done, text.data() + done, 8);
    copy_ends<std::uint64_t>(to + done, text.data() + done, size - done);
  } else if (size >= 4) {
    copy_ends<std::uint32_t>(to, text.data(), size);
  } else if (size >= 2) {
    copy_ends<std::uint16_t>(to, text.data(), size);
  } else if (size == 1) {
    *to = static_cast<std::uint8_t>(text.front());
  }
}

// Whole words, of which there are some dozens. Returns the end of the copy.
std::uint8_t* copy_words(std::uint8_t* to, const void* from, std::size_t size) noexcept {
  const auto* source = static_cast<const std::uint8_t*>(from);
  std::size_t done = 0;
  for (; done + 2 * kWord <= size; done += 2 * kWord) std::memcpy(to + done, source + done, 2 * kWord);
  if (done < size) std::memcpy(to + done, source + done, kWord);
  return to + size;
}

}  // namespace

SpanId child_span_id(const SpanId& root, std::uint8_t index) noexcept {
  std::uint64_t mixed = load_be64(root.bytes.data()) + (index + std::uint64_t{1}) * 0x9e3779b97f4a7c15U;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9U;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebU;
  mixed ^= mixed >> 31;
  SpanId id;
  store_be64(id.bytes.data(), mixed == 0 ? 1 : mixed);
  return id;
}

std::uint8_t Draft::find_span(const SpanId& id) const noexcept {
  for (std::uint8_t i = 0; i < head_.spans; ++i)
    if (child_span_id(head_.span_id, i) == id) return i;
  return kRootSpan;
}

[[gnu::always_inline]] inline std::uint8_t* Draft::attribute_room(FieldId field, std::uint8_t type,
                                                                  std::size_t size) noexcept {
  const std::size_t needed = kAttributeHead + whole_words(size);
  if (head_.attribute_bytes + needed > kMaxAttributeBytes) {
    if (head_.attributes_cut < UINT8_MAX) ++head_.attributes_cut;
    return nullptr;
  }
  std::uint8_t* at = attributes_.data() + head_.attribute_bytes;
  const std::uint64_t head = field.value | std::uint64_t{size} << 16 | std::uint64_t{type} << 32;
  std::memcpy(at, &head, sizeof head);
  head_.attribute_bytes = static_cast<std::uint16_t>(head_.attribute_bytes + needed);
  return at + kAttributeHead;
}

void Draft::attribute(FieldId field, std::string_view text, std::uint8_t span) noexcept {
  text = text.substr(0, kMaxTextBytes);
  if (auto* room = attribute_room(field, type_of(kText, span), text.size()); room != nullptr)
    copy_text(room, text);
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
  if (written == Written::kAll)
    for (std::size_t i = 0; i < head_.spans; ++i, out += sizeof(SpanSlot))
      std::memcpy(out, &spans_[i], sizeof(SpanSlot));
  out = copy_words(out, attributes_.data(), head_.attribute_bytes);
  if (head_.tracestate_bytes != 0) std::memcpy(out, tracestate_.data(), head_.tracestate_bytes);
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
  copy_words(out + sizeof head, attributes_.data(), head.attribute_bytes);
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
  std::uint64_t head = 0;
  FR_ASSERT(rest.size() >= sizeof head);
  std::memcpy(&head, rest.data(), sizeof head);
  const std::size_t size = head >> 16 & UINT16_MAX;
  const std::uint64_t type = head >> 32;
  const ByteView value = rest.subspan(kAttributeHead, size);
  attribute.field.value = static_cast<std::uint16_t>(head);
  attribute.is_number = (type & kNumber) != 0;
  attribute.is_link = type == kLink;
  attribute.span = static_cast<std::uint8_t>((type >> 1) - 1);
  if (attribute.is_number) {
    std::memcpy(&attribute.number, value.data(), sizeof attribute.number);
  } else {
    attribute.text = as_text(value);
  }
  rest = rest.subspan(kAttributeHead + whole_words(size));
  return attribute;
}

}  // namespace fluxrig::tap
