// From the ring's fixed-layout records to the records of the model, through the sanitiser: after this nothing
// raw is left. One thread (the pump).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "model/records.hpp"
#include "sanitize/clean_record.hpp"
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

  // Fills `out`, made as the record's kind (reused between calls, so that its strings keep their room).
  // `threshold`: of the sampling that kept its child spans; 0 says nothing.
  void transaction(const RecordView& record, std::uint64_t threshold, sanitize::CleanRecord& out);
  // The same for an entry that is an intent.
  void intent(const RecordView& record, sanitize::CleanRecord& out);
  // The child span in slot `index`.
  void span(const RecordView& record, std::size_t index, sanitize::CleanRecord& out);
  // The series of one gear, cumulative since `start`; not yet searched.
  void metrics(const GearMetrics& gear, UnixNanos start, UnixNanos now, std::vector<model::MetricPoint>& out);

 private:
  [[nodiscard]] std::string clean(std::string_view text);
  // The same for a name: searched once, because it never changes.
  [[nodiscard]] const std::string& clean_name(NameId name);
  [[nodiscard]] const std::string& clean_key(FieldId field);
  // A name that a peer may have a part in: the users' rules hold for it under the field "name", once.
  [[nodiscard]] const std::string& ruled_name(NameId name);
  // What the users' rules for `field` leave of a text that is clean; a record needs its names, so what they
  // drop becomes stars.
  [[nodiscard]] std::string ruled(std::string_view field, std::string text);
  [[nodiscard]] const std::string& clean_once(std::vector<std::string>& known, std::uint16_t id,
                                              const std::string& text);
  // Attributes and redactions, of a transaction or an intent alike; the redactions of their spans' attributes
  // too.
  template <typename T>
  void attributes(const RecordView& record, T& out);
  struct Kept {
    std::optional<model::Value> value;                 // nullopt: dropped
    sanitize::Action ruled = sanitize::Action::kKeep;  // by a user's rule; kKeep: by none
  };
  // The value as its field's action, and the users' rules, leave it.
  [[nodiscard]] Kept value_of(const RecordView::Attribute& attribute, std::string_view key);

  // The text as it is, or, where it was cut to its length, without what its end could give away. Valid until
  // the next call.
  [[nodiscard]] std::string_view whole(std::string_view text, sanitize::Action action);

  const Names& names_;
  sanitize::Sanitizer& sanitizer_;
  const TickConverter& ticks_;
  std::vector<std::string> clean_names_;  // by id; empty: not yet
  std::vector<std::string> clean_keys_;
  std::vector<std::string> ruled_names_;
  std::string cut_;  // reused
};

}  // namespace fluxrig::tap
