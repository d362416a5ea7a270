// A transaction while it runs: its spans' boundaries, attributes and outcome in one fixed-layout scratch,
// written into the ring as one fused record when it ends. No allocation. One thread (the io thread); the pump
// reads the record through RecordView.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/ids.hpp"
#include "model/records.hpp"
#include "tap/names.hpp"
#include "tap/ring.hpp"
#include "tap/ticks.hpp"

namespace fluxrig::tap {

inline constexpr std::size_t kMaxSpans = 24;  // child spans of one transaction; further ones are counted
inline constexpr std::size_t kMaxAttributeBytes = 2048;  // all attributes of one transaction
inline constexpr std::size_t kMaxTextBytes = 256;        // one text; longer ones are cut
inline constexpr std::size_t kMaxLinks = 8;              // of one transaction; further ones are left out
inline constexpr std::uint8_t kRootSpan = 0xff;          // as a parent index: the root span

enum class Entry : std::uint8_t {
  kTransaction,  // it has ended
  kIntent,       // it is about to leave the rack: `gear` is the one it leaves by, `end` the time
};

struct RecordHead {
  FluxId flux_id;
  TraceId trace_id;
  SpanId span_id;
  SpanId parent_span_id;
  Ticks start;
  Ticks end;
  NameId gear;
  NameId name;
  NameId reason;
  std::uint16_t attribute_bytes = 0;
  std::uint16_t tracestate_bytes = 0;
  std::uint8_t trace_flags = 0;
  model::SpanKind kind = model::SpanKind::kServer;
  model::TransactionOutcome outcome = model::TransactionOutcome::kAnswered;
  std::uint8_t spans = 0;           // slots that follow
  std::uint8_t spans_made = 0;      // child spans begun, those left out included
  std::uint8_t attributes_cut = 0;  // attributes that did not fit
  Entry entry = Entry::kTransaction;
  bool awaited = true;  // somebody waits until it is on disk
};

struct SpanSlot {
  Ticks start;
  Ticks end;
  NameId gear;
  NameId name;
  NameId reason;  // of an error
  model::SpanKind kind = model::SpanKind::kInternal;
  model::StatusCode status = model::StatusCode::kUnset;
  std::uint8_t parent = kRootSpan;  // index of the parent's slot
};

// The id of the child span in slot `index` under the root span `root`, computed from the two when somebody
// asks for it: a span that nothing continues costs no id. Never zero; of one root different for each index,
// and as evenly spread as the root's own (the finaliser of splitmix64, which maps 64 bits one to one).
[[nodiscard]] SpanId child_span_id(const SpanId& root, std::uint8_t index) noexcept;

struct LinkTarget {
  TraceId trace_id;
  SpanId span_id;
  FluxId flux_id;
};

struct DepartureNote {
  NameId gear;
  Ticks now;
  bool awaited = true;  // it waits until the intent is on disk
};

class Draft {
 public:
  void begin(const RecordHead& head, std::string_view tracestate) noexcept {
    head_ = head;
    head_.spans = 0;
    head_.spans_made = 0;
    head_.attribute_bytes = 0;
    head_.attributes_cut = 0;
    set_tracestate(tracestate);
  }
  [[nodiscard]] RecordHead& head() noexcept { return head_; }
  [[nodiscard]] const RecordHead& head() const noexcept { return head_; }

  // The slot's index, or kRootSpan when all slots are taken (calls with it are ignored).
  [[nodiscard]] std::uint8_t begin_span(const SpanSlot& slot) noexcept {
    if (head_.spans_made < UINT8_MAX) ++head_.spans_made;
    if (head_.spans == kMaxSpans) return kRootSpan;
    spans_[head_.spans] = slot;
    return head_.spans++;
  }
  [[nodiscard]] SpanSlot* span(std::uint8_t index) noexcept {
    return index < head_.spans ? &spans_[index] : nullptr;
  }

  // Of the span in that slot; the root span's when there is none.
  [[nodiscard]] SpanId span_id(std::uint8_t index) const noexcept {
    return index < head_.spans ? child_span_id(head_.span_id, index) : head_.span_id;
  }
  // The index of the span with this id; kRootSpan when there is none.
  [[nodiscard]] std::uint8_t find_span(const SpanId& id) const noexcept;
  void set_tracestate(std::string_view tracestate) noexcept {
    // Cutting a tracestate would change its meaning; one over the limit never gets here (trace::extract).
    const auto size = tracestate.size() <= tracestate_.size() ? tracestate.size() : 0;
    if (size != 0) std::memcpy(tracestate_.data(), tracestate.data(), size);
    head_.tracestate_bytes = static_cast<std::uint16_t>(size);
  }
  [[nodiscard]] std::string_view tracestate() const noexcept {
    return {tracestate_.data(), head_.tracestate_bytes};
  }

  // Of the span in slot `span`; kRootSpan: of the transaction.
  void attribute(FieldId field, std::string_view text, std::uint8_t span = kRootSpan) noexcept;
  void attribute(FieldId field, std::int64_t number, std::uint8_t span = kRootSpan) noexcept;

  // To the root span of another transaction; `relation` names what that one is to this. Takes room of the
  // attributes.
  void link(FieldId relation, const LinkTarget& target) noexcept;

  // Writes the record and commits it. When it does not fit with its spans, without them (they are counted as
  // made and not kept); kNone when it does not fit at all: try again when the pump has drained.
  enum class Written : std::uint8_t { kNone, kWithoutSpans, kAll };
  [[nodiscard]] Written write(Ring& ring, RingPosition& position) noexcept;

  // Writes and commits the intent of this transaction, which goes on: its ids and the attributes so far.
  // False: it does not fit; try again when the pump has drained.
  [[nodiscard]] bool write_intent(Ring& ring, const DepartureNote& note,
                                  RingPosition& position) const noexcept;

 private:
  [[nodiscard]] std::uint8_t* attribute_room(FieldId field, std::uint8_t type, std::size_t size) noexcept;

  RecordHead head_;
  std::array<SpanSlot, kMaxSpans> spans_;
  std::array<std::uint8_t, kMaxAttributeBytes> attributes_;
  std::array<char, 512> tracestate_;
};

// A record as the pump reads it; views into the ring.
class RecordView {
 public:
  // `bytes` were written by Draft::write in this process: layout errors are broken invariants.
  explicit RecordView(ByteView bytes) noexcept;

  [[nodiscard]] const RecordHead& head() const noexcept { return head_; }
  [[nodiscard]] std::string_view tracestate() const noexcept { return tracestate_; }
  [[nodiscard]] SpanSlot span(std::size_t index) const noexcept;
  // Of the span in that slot; the root span's when there is none.
  [[nodiscard]] SpanId span_id(std::size_t index) const noexcept {
    return index < head_.spans ? child_span_id(head_.span_id, static_cast<std::uint8_t>(index))
                               : head_.span_id;
  }

  struct Attribute {
    FieldId field;
    std::uint8_t span = kRootSpan;  // whose; of a span that was left out it may be past the last slot
    bool is_number = false;
    bool is_link = false;
    std::int64_t number = 0;
    std::string_view text;
  };
  // Calls `visit(Attribute)` for each, in order, those of spans too.
  template <typename Visit>
  void each_attribute(Visit&& visit) const {
    for (ByteView rest = attributes_; !rest.empty();)
      if (const Attribute attribute = next_attribute(rest); !attribute.is_link) visit(attribute);
  }
  // Calls `visit(FieldId, LinkTarget)` for each, in order.
  template <typename Visit>
  void each_link(Visit&& visit) const {
    for (ByteView rest = attributes_; !rest.empty();)
      if (const Attribute attribute = next_attribute(rest); attribute.is_link)
        visit(attribute.field, target_of(attribute.text));
  }

 private:
  [[nodiscard]] static Attribute next_attribute(ByteView& rest) noexcept;
  [[nodiscard]] static LinkTarget target_of(std::string_view bytes) noexcept;

  RecordHead head_;
  ByteView spans_;
  ByteView attributes_;
  std::string_view tracestate_;
};

}  // namespace fluxrig::tap
