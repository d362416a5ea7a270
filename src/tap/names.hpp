// Static metadata of the tap: gear, span, field and reason names become small integers, so that the hot path
// writes integers only. Interned from the io thread (at start, and for bounded run-time vocabularies such as
// ISO 8583 message types); read by the pump.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "sanitize/policy.hpp"

namespace fluxrig::tap {

struct NameId {
  std::uint16_t value = 0;  // 0: the empty name
  friend bool operator==(NameId, NameId) = default;
};
struct FieldId {
  std::uint16_t value = 0;
  friend bool operator==(FieldId, FieldId) = default;
};

class Names {
 public:
  static constexpr std::size_t kMaxNames = 1024;
  static constexpr std::size_t kMaxFields = 1024;

  // The id of `name`, made when new. One thread (the io thread, and main before it starts). Id 0 when the
  // table is full: the record then carries an empty name, and `overflows` counts it.
  [[nodiscard]] NameId name(std::string_view name);
  // A field (attribute key) with the action that the pump applies to its values. The first registration
  // decides the action; a later one may only make it stricter.
  [[nodiscard]] FieldId field(std::string_view name, sanitize::Action action);

  // Any thread, for ids that `name` and `field` returned: the entry was complete before the id left this
  // class, and the ring that carries the id orders the two.
  [[nodiscard]] const std::string& text(NameId id) const noexcept { return names_[id.value]; }
  [[nodiscard]] const std::string& text(FieldId id) const noexcept { return fields_[id.value]; }
  [[nodiscard]] sanitize::Action action(FieldId id) const noexcept {
    return actions_[id.value].load(std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t overflows() const noexcept {
    return overflows_.load(std::memory_order_relaxed);
  }

 private:
  std::array<std::string, kMaxNames> names_;
  std::array<std::string, kMaxFields> fields_;
  std::array<std::atomic<sanitize::Action>, kMaxFields> actions_{};
  std::unordered_map<std::string_view, std::uint16_t> name_ids_;  // views into names_
  std::unordered_map<std::string_view, std::uint16_t> field_ids_;
  std::atomic<std::uint64_t> overflows_{0};
};

}  // namespace fluxrig::tap
