// The walk over an ExportTraceServiceRequest, the same for both encodings. Internal to the module.
//
// Message::each(fields, visit) calls visit(number, item) for each field and each element of a repeated one,
// in the order of the body, and stops at the first false. An Item gives its value once, as what the caller
// says it is; nullopt: it is something else.
#pragma once

#include <algorithm>
#include <optional>
#include <string>

#include "base/utf8.hpp"
#include "otlp/fields.hpp"
#include "otlp/received_traces.hpp"
#include "otlp/received_value.hpp"

namespace fluxrig::otlp {

template <typename Message>
class TraceWalk {
 public:
  // False: the body is no such request.
  [[nodiscard]] bool request(Message message) {
    return message.each(kRequestFields, [&](std::uint32_t number, auto& item) {
      return number != kTraceRequest.resources.number ||
             enter(item, [&](Message inner) { return resource_spans(inner); });
    });
  }
  [[nodiscard]] ReceivedTraces take() { return std::move(result_); }

 private:
  static constexpr std::array kRequestFields = {kTraceRequest.resources};
  static constexpr std::array kResourceSpansFields = {envelope::kResource, kTraceRequest.scopes};
  static constexpr std::array kScopeSpansFields = {envelope::kScope, kTraceRequest.items};
  static constexpr std::array kResourceFields = {envelope::kResourceAttributes};
  static constexpr std::array kScopeFields = {envelope::kScopeName, envelope::kScopeVersion};
  static constexpr std::array kSpanFields = {
      span::kTraceId,      span::kSpanId,        span::kParentSpanId,
      span::kName,         span::kKind,          span::kStart,
      span::kEnd,          span::kAttributes,    span::kDroppedAttributes,
      span::kEvents,       span::kDroppedEvents, span::kLinks,
      span::kDroppedLinks, span::kStatus};
  static constexpr std::array kStatusFields = {span::kStatusMessage, span::kStatusCode};

  using Attributes = std::vector<model::Attribute>;

  // A span with what is not part of it.
  struct Draft {
    model::Span span;
    const char* wrong = nullptr;  // why it cannot be stored
    std::uint64_t dropped_attributes = 0;
    std::uint64_t events = 0;
    std::uint64_t links = 0;
  };

  template <typename Item, typename Visit>
  static bool enter(Item& item, Visit&& visit) {
    auto inner = item.message();
    return inner && visit(*std::move(inner));
  }

  // What is said of all spans may stand behind them: first that, then they.
  bool resource_spans(Message message) {
    Attributes common;
    return message.each(kResourceSpansFields, [&](std::uint32_t number, auto& item) {
      return number != envelope::kResource.number ||
             enter(item, [&](Message inner) { return resource(inner, common); });
    }) && message.each(kResourceSpansFields, [&](std::uint32_t number, auto& item) {
      return number != kTraceRequest.scopes.number ||
             enter(item, [&](Message inner) { return scope_spans(inner, common); });
    });
  }

  bool scope_spans(Message message, Attributes common) {
    return message.each(kScopeSpansFields, [&](std::uint32_t number, auto& item) {
      return number != envelope::kScope.number ||
             enter(item, [&](Message inner) { return scope(inner, common); });
    }) && message.each(kScopeSpansFields, [&](std::uint32_t number, auto& item) {
      return number != kTraceRequest.items.number ||
             enter(item, [&](Message inner) { return span_of(inner, common); });
    });
  }

  bool resource(Message message, Attributes& common) {
    return message.each(kResourceFields, [&](std::uint32_t number, auto& item) {
      if (number != envelope::kResourceAttributes.number) return true;
      auto attribute = read_attribute(item);
      if (!attribute) return false;
      const bool kept =
          std::find(kKeptResource.begin(), kKeptResource.end(), attribute->key) != kKeptResource.end();
      if (auto* text = std::get_if<std::string>(&attribute->value)) *text = cut(*text, kMaxReceivedName);
      if (kept && common.size() < kKeptResource.size()) common.push_back(*std::move(attribute));
      return true;
    });
  }

  bool scope(Message message, Attributes& common) {
    return message.each(kScopeFields, [&](std::uint32_t number, auto& item) {
      const auto text = item.text();
      if (!text) return false;
      if (!text->empty())
        common.push_back({number == envelope::kScopeName.number ? "otel.scope.name" : "otel.scope.version",
                          cut(*text, kMaxReceivedName)});
      return common.size() <= kKeptResource.size() + kMostScopes;
    });
  }

  bool span_of(Message message, const Attributes& common) {
    if (result_.spans.size() >= kMaxReceivedSpans || result_.bytes >= kMaxReceivedBytes)
      return reject("the request holds more than is taken at once");
    Draft draft;
    const bool good = message.each(
        kSpanFields, [&](std::uint32_t number, auto& item) { return field(number, item, draft); });
    if (!good) return false;
    if (draft.span.trace_id.is_zero()) return reject("a trace_id is missing or not 16 bytes");
    if (draft.span.span_id.is_zero()) return reject("a span_id is missing or not 8 bytes");
    if (draft.wrong != nullptr) return reject(draft.wrong);
    finish(draft, common);
    return true;
  }

  template <typename Item>
  bool field(std::uint32_t number, Item& item, Draft& draft) {
    auto& one = draft.span;
    switch (number) {
      case span::kTraceId.number:
        return read_id(item, one.trace_id, draft);
      case span::kSpanId.number:
        return read_id(item, one.span_id, draft);
      case span::kParentSpanId.number:
        return read_id(item, one.parent_span_id, draft);
      case span::kName.number:
        return read_text(item, one.name, kMaxReceivedName);
      case span::kKind.number:
        return read_kind(item, one.kind);
      case span::kStart.number:
        return read_time(item, one.start, draft);
      case span::kEnd.number:
        return read_time(item, one.end, draft);
      case span::kAttributes.number:
        return read_own(item, draft);
      case span::kDroppedAttributes.number:
        return read_count(item, draft.dropped_attributes);
      case span::kDroppedEvents.number:
        return read_count(item, draft.events);
      case span::kDroppedLinks.number:
        return read_count(item, draft.links);
      case span::kEvents.number:
        ++draft.events;
        return true;
      case span::kLinks.number:
        ++draft.links;
        return true;
      case span::kStatus.number:
        return enter(item, [&](Message inner) { return status(inner, one); });
      default:
        return true;
    }
  }

  template <typename Item, typename Id>
  static bool read_id(Item& item, Id& id, Draft& draft) {
    Bytes bytes;
    const auto read = item.id(bytes);
    if (read == IdRead::kOtherType) return false;
    const auto whole = Id::from_bytes(bytes);
    if (whole)
      id = *whole;
    else if (read == IdRead::kNoHex || !bytes.empty())
      draft.wrong = "an id has another length than it must have";
    return true;
  }

  template <typename Item>
  static bool read_text(Item& item, std::string& text, std::size_t most) {
    const auto read = item.text();
    if (read) text = cut(*read, most);
    return read.has_value();
  }

  template <typename Item>
  static bool read_kind(Item& item, model::SpanKind& kind) {
    const auto number = item.enumeration();
    // Unspecified, and what a later version may add, count as internal.
    if (number && *number >= 1 && *number <= 5) kind = static_cast<model::SpanKind>(*number);
    return number.has_value();
  }

  template <typename Item>
  static bool read_time(Item& item, UnixNanos& time, Draft& draft) {
    const auto nanos = item.fixed64();
    if (!nanos) return false;
    if (*nanos > static_cast<std::uint64_t>(INT64_MAX)) draft.wrong = "a time is out of range";
    time = {static_cast<std::int64_t>(*nanos & static_cast<std::uint64_t>(INT64_MAX))};
    return true;
  }

  template <typename Item>
  static bool read_count(Item& item, std::uint64_t& count) {
    const auto read = item.uint32();
    if (read) count += *read;
    return read.has_value();
  }

  template <typename Item>
  static std::optional<model::Attribute> read_attribute(Item& item) {
    auto inner = item.message();
    return inner ? read_key_value(*std::move(inner)) : std::nullopt;
  }

  template <typename Item>
  static bool read_own(Item& item, Draft& draft) {
    auto& attributes = draft.span.attributes;
    auto attribute = read_attribute(item);
    if (!attribute) return false;
    if (attribute->key.empty() || attributes.size() >= kMaxReceivedAttributes)
      ++draft.dropped_attributes;
    else
      attributes.push_back(*std::move(attribute));
    return true;
  }

  static bool status(Message message, model::Span& one) {
    return message.each(kStatusFields, [&](std::uint32_t number, auto& item) {
      if (number == span::kStatusMessage.number) return read_text(item, one.status_message, kMaxReceivedText);
      const auto code = item.enumeration();
      if (code && *code >= 0 && *code <= 2) one.status = static_cast<model::StatusCode>(*code);
      return code.has_value();
    });
  }

  // The store keeps the first of equal keys: the span's own go before its resource's.
  void finish(Draft& draft, const Attributes& common) {
    auto& one = draft.span;
    one.end = std::max(one.start, one.end);
    one.attributes.insert(one.attributes.end(), common.begin(), common.end());
    const std::array<std::pair<const char*, std::uint64_t>, 3> left_out = {
        {{"otel.dropped_attributes_count", draft.dropped_attributes},
         {"otel.dropped_events_count", draft.events},
         {"otel.dropped_links_count", draft.links}}};
    for (const auto& [key, count] : left_out)
      if (count != 0) one.attributes.push_back({key, static_cast<std::int64_t>(count)});
    result_.bytes += sizeof one + one.name.size() + one.status_message.size();
    for (const auto& attribute : one.attributes) result_.bytes += size_of(attribute);
    result_.spans.push_back(std::move(one));
  }

  static std::size_t size_of(const model::Attribute& attribute) {
    const auto* text = std::get_if<std::string>(&attribute.value);
    return sizeof attribute + attribute.key.size() + (text != nullptr ? text->size() : 0);
  }

  bool reject(const char* reason) {
    if (result_.rejected++ == 0) result_.reason = reason;
    return true;
  }

  static constexpr std::size_t kMostScopes =
      8;  // a message may repeat a field; the last one counts elsewhere

  ReceivedTraces result_;
};

}  // namespace fluxrig::otlp
