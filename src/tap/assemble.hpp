// From the ring's fixed-layout records to the records of the model, through the sanitiser: after this nothing
// raw is left. One thread (the pump).
#pragma once

#include <cstdint>
#include <vector>

#include "model/records.hpp"
#include "sanitize/sanitizer.hpp"
#include "tap/draft.hpp"
#include "tap/gear_metrics.hpp"
#include "tap/names.hpp"
#include "tap/ticks.hpp"

namespace fluxrig::tap {

class Assembler {
 public:
  Assembler(const Names& names, sanitize::Sanitizer& sanitizer, const TickConverter& ticks) noexcept
      : names_(names), sanitizer_(sanitizer), ticks_(ticks) {}

  // Fills `out` (reused between calls, so that its strings keep their room).
  void transaction(const RecordView& record, model::Transaction& out);
  // The same for an entry that is an intent.
  void intent(const RecordView& record, model::Intent& out);
  // The child span in slot `index`.
  void span(const RecordView& record, std::size_t index, model::Span& out);
  // The series of one gear, cumulative since `start`.
  void metrics(const GearMetrics& gear, UnixNanos start, UnixNanos now, std::vector<model::MetricPoint>& out);

 private:
  [[nodiscard]] std::string clean(std::string_view text);
  // The same for a name: searched once, because it never changes.
  [[nodiscard]] const std::string& clean_name(NameId name);
  // Attributes and redactions, of a transaction or an intent alike.
  template <typename T>
  void attributes(const RecordView& record, T& out);

  const Names& names_;
  sanitize::Sanitizer& sanitizer_;
  const TickConverter& ticks_;
  std::vector<std::string> clean_names_;  // by id; empty: not yet
};

}  // namespace fluxrig::tap
