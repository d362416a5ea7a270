// KeyValue and AnyValue as attributes, the same for both encodings (received_walk.hpp). Internal to the
// module.
#pragma once

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/diagnostics.hpp"
#include "base/utf8.hpp"
#include "model/records.hpp"
#include "otlp/fields.hpp"
#include "otlp/received_traces.hpp"
#include "otlp/text.hpp"
#include "sanitize/excerpt.hpp"
#include "sanitize/policy.hpp"
#include "sanitize/sanitizer.hpp"

namespace fluxrig::otlp {

enum class IdRead : std::uint8_t { kRead, kNoHex, kOtherType };

// At most so many bytes, whole characters: what has to be cut is searched before.
[[nodiscard]] inline std::string cut(std::string_view text, std::size_t most) {
  return text.size() <= most ? std::string(text) : sanitize::excerpt(text, most);
}

// Bytes as base64, searched as what they are: in base64 nobody would find what is in another encoding. Of a
// long value only as much as is kept, and what a number there could reach beyond it.
inline constexpr std::size_t kMostSearchedBytes = 2 * kMaxReceivedText;
[[nodiscard]] inline std::string base64_of(std::string_view bytes) {
  return to_base64(sanitize::mask_card_numbers(bytes.substr(0, kMostSearchedBytes)));
}
// The same of what is base64 already; what is none stays, and is searched as any text.
[[nodiscard]] inline std::string searched_base64(std::string_view text) {
  constexpr std::size_t kLetters = (kMostSearchedBytes + 2) / 3 * 4;  // whole groups
  const auto bytes = from_base64(text.substr(0, kLetters));
  if (!bytes) return std::string(text);
  const auto searched = sanitize::mask_card_numbers(*bytes);
  return searched == *bytes ? std::string(text) : to_base64(searched);
}

inline constexpr std::array kKeyValueFields = {value::kKey, value::kValue};
inline constexpr std::array kValueFields = {value::kText,  value::kBoolean,   value::kInteger, value::kReal,
                                            value::kArray, value::kKeyValues, value::kBytes};
inline constexpr std::array kListFields = {value::kValues};

[[nodiscard]] inline std::string json_number(double number) {
  return std::isfinite(number) ? fmt::format("{}", number) : fmt::format("\"{}\"", number);
}

// JSON of a list of values: while it is made, longer than kMaxReceivedText by one value at most.
template <typename Message>
class JsonOfValue {
 public:
  // False: no such message, or deeper than kMaxReceivedDepth.
  [[nodiscard]] bool list(Message message, bool has_keys, unsigned depth) {
    if (depth > kMaxReceivedDepth) return false;
    out_ += has_keys ? '{' : '[';
    bool first = true;
    const bool good = message.each(kListFields, [&](std::uint32_t number, auto& item) {
      if (number != value::kValues.number) return true;
      auto inner = item.message();
      if (!inner) return false;
      if (out_.size() > kMaxReceivedText) return true;  // it is cut anyway
      if (!std::exchange(first, false)) out_ += ',';
      return has_keys ? entry(*std::move(inner), depth) : any(*std::move(inner), depth);
    });
    out_ += has_keys ? '}' : ']';
    return good;
  }
  [[nodiscard]] std::string take() { return cut(out_, kMaxReceivedText); }

 private:
  bool entry(Message message, unsigned depth) {
    std::optional<Message> held;
    std::string key;
    const bool good = message.each(kKeyValueFields, [&](std::uint32_t number, auto& item) {
      if (number == value::kKey.number) {
        const auto text = item.text();
        if (text) key = cut(*text, kMaxReceivedName);
        return text.has_value();
      }
      if (number != value::kValue.number) return true;
      held = item.message();
      return held.has_value();
    });
    if (!good) return false;
    out_ += fmt::format("\"{}\":", escape_json(sanitize::mask_card_numbers(key)));
    if (!held) {
      out_ += "null";
      return true;
    }
    const auto at = out_.size();
    if (!any(*std::move(held), depth)) return false;
    treat(key, at);
    return true;
  }

  // What was written from `at` on under a name that says what it is: as an attribute of that name is treated.
  void treat(std::string_view key, std::size_t at) {
    const auto action = sanitize::json_action(key);
    if (action <= sanitize::Action::kKeep) return;
    const auto written = out_.substr(at);
    out_.resize(at);
    if (action == sanitize::Action::kDrop)
      out_ += "null";
    else if (written.starts_with('"'))
      out_ += sanitize::mask(written);
    else
      out_ += fmt::format("\"{}\"", escape_json(sanitize::mask(sanitize::mask_card_numbers(written))));
  }

  bool any(Message message, unsigned depth) {
    bool written = false;
    const bool good = message.each(kValueFields, [&](std::uint32_t number, auto& item) {
      if (std::exchange(written, true)) return false;  // one of them, not several
      return one(number, item, depth);
    });
    if (good && !written) out_ += "null";
    return good;
  }

  template <typename Item>
  bool one(std::uint32_t number, Item& item, unsigned depth) {
    const auto put = [&](const auto& read, auto&& shown) {
      if (read) out_ += shown(*read);
      return read.has_value();
    };
    // Before it is escaped, which hides what is in another encoding.
    const auto quoted = [](std::string_view text) {
      return fmt::format("\"{}\"", escape_json(sanitize::mask_card_numbers(cut(text, kMaxReceivedText))));
    };
    switch (number) {
      case value::kText.number:
        return put(item.text(), quoted);
      case value::kBytes.number:
        return put(item.base64(), quoted);
      case value::kBoolean.number:
        return put(item.boolean(), [](bool flag) { return std::string(flag ? "true" : "false"); });
      case value::kInteger.number:
        return put(item.int64(), [](std::int64_t whole) { return fmt::format("{}", whole); });
      case value::kReal.number:
        return put(item.real(), json_number);
      case value::kArray.number:
      case value::kKeyValues.number: {
        auto inner = item.message();
        return inner && list(*std::move(inner), number == value::kKeyValues.number, depth + 1);
      }
      default:
        return true;
    }
  }

  std::string out_;
};

template <typename Item>
[[nodiscard]] bool read_value(std::uint32_t number, Item& item, model::Value& into) {
  const auto put = [&](const auto& read) {
    if (read) into = *read;
    return read.has_value();
  };
  const auto put_text = [&](const auto& read) {
    if (read) into = cut(*read, kMaxReceivedText);
    return read.has_value();
  };
  switch (number) {
    case value::kText.number:
      return put_text(item.text());
    case value::kBytes.number:
      return put_text(item.base64());
    case value::kBoolean.number:
      return put(item.boolean());
    case value::kInteger.number:
      return put(item.int64());
    case value::kReal.number:
      return put(item.real());
    case value::kArray.number:
    case value::kKeyValues.number: {
      auto inner = item.message();
      if (!inner) return false;
      JsonOfValue<std::decay_t<decltype(*inner)>> json;
      if (!json.list(*std::move(inner), number == value::kKeyValues.number, 1)) return false;
      into = json.take();
      return true;
    }
    default:
      return true;
  }
}

// nullopt: no KeyValue. An absent value is an empty text.
template <typename Message>
[[nodiscard]] std::optional<model::Attribute> read_key_value(Message message) {
  model::Attribute attribute;
  bool has_value = false;
  const bool good = message.each(kKeyValueFields, [&](std::uint32_t number, auto& item) {
    if (number == value::kKey.number) {
      const auto text = item.text();
      if (text) attribute.key = cut(*text, kMaxReceivedName);
      return text.has_value();
    }
    if (number != value::kValue.number) return true;
    auto inner = item.message();
    return inner && inner->each(kValueFields, [&](std::uint32_t kind, auto& held) {
      if (std::exchange(has_value, true)) return false;  // one of them, not several
      return read_value(kind, held, attribute.value);
    });
  });
  if (!good) return std::nullopt;
  return attribute;
}

}  // namespace fluxrig::otlp
