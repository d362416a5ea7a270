// Bodies out of a plan: which message stands in which, and where a body is full. A Writer is one open
// message:
//   text, id, uint32, fixed32, fixed64, int64, sint32, real, boolean, enumeration, uint64s,
//   fixed64s, reals: (Field, value)
//   message(Field, f): f(Writer&) writes the nested one
//   list(Field, f): f(List&) adds to a repeated field; List::item(g): g(Writer&) writes one, and when it
//     gives false that one is taken back
//   size(): bytes in the body so far, without what closes the open messages: at most kClosingBytes
// Internal to the module. One thread.
#pragma once

#include "otlp/attributes.hpp"
#include "otlp/logs_walk.hpp"
#include "otlp/metrics_walk.hpp"
#include "otlp/plan.hpp"
#include "otlp/spans_walk.hpp"

namespace fluxrig::otlp {

// Our names of HTTP, messaging and network attributes are those of this version.
inline constexpr std::string_view kSchemaUrl = "https://opentelemetry.io/schemas/1.37.0";
// Two schema URLs with their names, brackets or the rest of lengths.
inline constexpr std::size_t kClosingBytes = 2 * (kSchemaUrl.size() + 20) + 32;
inline constexpr std::string_view kScopeName = "fluxrig";

template <typename Writer>
class RequestWalk {
 public:
  RequestWalk(const Plan& plan, const Options& options)
      : plan_(plan), items_(plan.items()), limits_(options.limits), temporality_(options.temporality) {}

  [[nodiscard]] Encoded run() {
    Encoded out;
    while (more()) {
      body_.clear();
      written_ = 0;
      full_ = false;
      Writer::write(body_, [this](Writer& request) { write_request(request); });
      // A copy, so that the body has no more room than it needs: it may wait in a queue.
      if (written_ != 0) out.payloads.push_back({std::string(body_), written_});
    }
    out.oversize = oversize_;
    return out;
  }

 private:
  [[nodiscard]] bool more() const noexcept { return next_ < items_.size(); }
  [[nodiscard]] bool more_of(const Resource* resource) const noexcept {
    return !full_ && more() && items_[next_].resource() == resource;
  }
  [[nodiscard]] const model::MetricPoint& next_point() const {
    return std::get<model::MetricPoint>(*items_[next_].record);
  }
  [[nodiscard]] const RequestFields& fields() const noexcept {
    if (plan_.signal() == model::Signal::kMetrics) return kMetricsRequest;
    return plan_.signal() == model::Signal::kLogs ? kLogsRequest : kTraceRequest;
  }

  void write_request(Writer& request) {
    request.list(fields().resources, [this](auto& list) {
      while (!full_ && more()) list.item([this](Writer& writer) { return write_resource(writer); });
    });
  }

  // False when nothing of it is in the body.
  bool write_resource(Writer& writer) {
    const auto before = written_;
    const Resource* resource = items_[next_].resource();
    writer.message(envelope::kResource, [&](Writer& message) {
      const auto attributes = resource_attributes(*resource);
      write_attributes(message, envelope::kResourceAttributes, Attributes(attributes));
    });
    writer.list(fields().scopes,
                [&](auto& scopes) { scopes.item([&](Writer& scope) { write_scope(scope, resource); }); });
    writer.text(envelope::kSchemaUrl, kSchemaUrl);
    return written_ != before;
  }

  void write_scope(Writer& writer, const Resource* resource) {
    writer.message(envelope::kScope, [&](Writer& scope) {
      scope.text(envelope::kScopeName, kScopeName);
      text_unless_empty(scope, envelope::kScopeVersion, resource->version);
    });
    writer.list(fields().items, [&](auto& list) {
      while (more_of(resource)) {
        if (plan_.signal() == model::Signal::kMetrics)
          list.item([&](Writer& metric) { return write_metric(metric, resource); });
        else
          offer(list, [this](Writer& item) { write_item(item); });
      }
    });
    writer.text(envelope::kSchemaUrl, kSchemaUrl);
  }

  void write_item(Writer& writer) {
    const Item& item = items_[next_];
    const auto* transaction = std::get_if<model::Transaction>(item.record);
    if (plan_.signal() == model::Signal::kLogs) {
      if (transaction != nullptr) return write_log(writer, item, *transaction);
      const auto& log = std::get<model::Log>(*item.record);
      return write_log(writer, item, log, plan_.origin_of(log.span_id));
    }
    if (transaction != nullptr) return write_span(writer, *transaction);
    const auto& span = std::get<model::Span>(*item.record);
    write_span(writer, span, plan_.origin_of(span.span_id));
  }

  // As many points of one metric as there are and fit. False when none is in the body.
  bool write_metric(Writer& writer, const Resource* resource) {
    const auto before = written_;
    const model::MetricPoint& first = next_point();
    text_unless_empty(writer, metric::kName, first.name);
    text_unless_empty(writer, metric::kUnit, first.unit);
    writer.message(data_field(first), [&](Writer& data) {
      write_aggregation(data, first, temporality_);
      data.list(metric::kDataPoints, [&](auto& list) {
        while (more_of(resource) && same_metric(first, next_point()))
          offer(list, [this](Writer& point) { write_point(point, next_point(), temporality_); });
      });
    });
    return written_ != before;
  }

  // Writes the next item, or finds the body full. One that is too large for a body of its own is left out.
  template <typename List, typename Write>
  void offer(List& list, Write&& write) {
    const bool has_room = written_ < limits_.items && list.item([&](Writer& writer) {
      write(writer);
      return writer.size() + kClosingBytes <= limits_.bytes;
    });
    if (!has_room && written_ != 0) {
      full_ = true;
      return;
    }
    ++next_;
    has_room ? ++written_ : ++oversize_;
  }

  const Plan& plan_;
  const std::vector<Item>& items_;
  Limits limits_;
  Temporality temporality_;
  std::string body_;
  std::size_t next_ = 0;
  std::uint32_t written_ = 0;  // items in this body
  std::uint64_t oversize_ = 0;
  bool full_ = false;
};

}  // namespace fluxrig::otlp
