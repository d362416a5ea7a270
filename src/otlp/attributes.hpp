// The attributes of one item: what we say of every record first, then the record's own, each key once.
// Internal to the module. One thread; views, nothing is owned.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <variant>

#include "base/assert.hpp"
#include "model/records.hpp"
#include "otlp/fields.hpp"

namespace fluxrig::otlp {

using ValueView = std::variant<std::string_view, std::int64_t, double, bool, std::span<const std::string>>;

// Keys must be unique in OTLP. Of equal ones the first stays, as in the store.
class KeysSeen {
 public:
  [[nodiscard]] bool is_new(std::string_view key) {
    if (count_ < few_.size()) {
      for (std::size_t i = 0; i < count_; ++i)
        if (few_[i] == key) return false;
      few_[count_++] = key;
      return true;
    }
    if (many_.empty()) many_.insert(few_.begin(), few_.end());
    return many_.insert(key).second;
  }

 private:
  std::array<std::string_view, 24> few_;
  std::size_t count_ = 0;
  std::unordered_set<std::string_view> many_;
};

class Attributes {
 public:
  static constexpr std::size_t kMostAdded = 8;

  explicit Attributes(std::span<const model::Attribute> own) : own_(own) {}
  void add(std::string_view key, ValueView value) {
    FR_ASSERT(count_ < kMostAdded);
    added_[count_++] = {key, value};
  }
  void add_unless_empty(std::string_view key, std::string_view text) {
    if (!text.empty()) add(key, text);
  }
  // Calls `visit(key, value)` for each key once; OTLP knows no empty keys.
  template <typename Visit>
  void each(Visit&& visit) const {
    KeysSeen seen;
    for (std::size_t i = 0; i < count_; ++i)
      if (seen.is_new(added_[i].key)) visit(added_[i].key, added_[i].value);
    for (const auto& attribute : own_)
      if (!attribute.key.empty() && seen.is_new(attribute.key))
        visit(std::string_view(attribute.key), view(attribute.value));
  }

 private:
  struct Added {
    std::string_view key;
    ValueView value;
  };
  static ValueView view(const model::Value& value) {
    return std::visit([](const auto& held) -> ValueView { return held; }, value);
  }
  std::span<const model::Attribute> own_;
  std::array<Added, kMostAdded> added_{};
  std::size_t count_ = 0;
};

template <typename Writer>
void write_any(Writer& writer, const ValueView& held) {
  if (const auto* text = std::get_if<std::string_view>(&held)) return writer.text(value::kText, *text);
  if (const auto* integer = std::get_if<std::int64_t>(&held)) return writer.int64(value::kInteger, *integer);
  if (const auto* real = std::get_if<double>(&held)) return writer.real(value::kReal, *real);
  if (const auto* boolean = std::get_if<bool>(&held)) return writer.boolean(value::kBoolean, *boolean);
  const auto texts = std::get<std::span<const std::string>>(held);
  writer.message(value::kArray, [&](Writer& array) {
    array.list(value::kValues, [&](auto& list) {
      for (const auto& text : texts) list.item([&](Writer& item) { item.text(value::kText, text); });
    });
  });
}

template <typename Writer>
void write_attributes(Writer& writer, Field field, const Attributes& attributes) {
  writer.list(field, [&](auto& list) {
    attributes.each([&](std::string_view key, const ValueView& held) {
      list.item([&](Writer& pair) {
        pair.text(value::kKey, key);
        pair.message(value::kValue, [&](Writer& any) { write_any(any, held); });
      });
    });
  });
}

// The fields of both encodings that are left out at their default.
template <typename Writer>
void text_unless_empty(Writer& writer, Field field, std::string_view text) {
  if (!text.empty()) writer.text(field, text);
}
template <typename Writer, typename Id>
void id_unless_zero(Writer& writer, Field field, const Id& id) {
  if (!id.is_zero()) writer.id(field, id.view());
}
template <typename Writer>
void uint32_unless_zero(Writer& writer, Field field, std::uint32_t number) {
  if (number != 0) writer.uint32(field, number);
}
template <typename Writer>
void flags_unless_zero(Writer& writer, Field field, std::uint32_t flags) {
  if (flags != 0) writer.fixed32(field, flags);
}
// Times before 1970 are as good as none.
template <typename Writer>
void time(Writer& writer, Field field, UnixNanos time) {
  if (time.value > 0) writer.fixed64(field, static_cast<std::uint64_t>(time.value));
}

// dropped_attributes_count: cut by a limit of the record, and before that by one of the draft.
[[nodiscard]] inline std::uint32_t dropped_attributes(std::uint32_t of_record,
                                                      std::span<const model::Attribute> attributes) {
  for (const auto& attribute : attributes)
    if (attribute.key == "fluxrig.attributes_dropped")
      if (const auto* count = std::get_if<std::int64_t>(&attribute.value))
        return of_record + static_cast<std::uint32_t>(*count);
  return of_record;
}

}  // namespace fluxrig::otlp
