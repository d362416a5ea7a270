// What a reply of the API is made of: text that has passed the gate, by its type. Everything that is no
// number and no id is searched where it goes in, whoever wrote it; rows come out of a store that holds no
// card number, and only what renders them may say so. A plain string does not compile. Values; any thread.
#pragma once

#include <fmt/format.h>

#include <concepts>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/ids.hpp"

namespace fluxrig::mixer {

class ReplyText;
template <typename Part>
concept ReplyPart = std::same_as<Part, ReplyText> || std::is_arithmetic_v<Part>;

class ReplyText {
 public:
  ReplyText() = default;
  // A literal of this program, as it stands.
  struct Literal {
    template <std::size_t kSize>
    consteval Literal(const char (&literal)[kSize])  // NOLINT(google-explicit-constructor)
        : text(literal, kSize - 1) {}
    std::string_view text;
  };
  ReplyText(Literal literal) : text_(literal.text) {}  // NOLINT(google-explicit-constructor)

  // fmt::format of numbers and of what is clean. The shape is a literal: fmt sees to that.
  template <typename... Parts>
  requires(ReplyPart<Parts>&&...) [[nodiscard]] static ReplyText
      format(fmt::format_string<const Parts&...> shape, const Parts&... parts);

  [[nodiscard]] const std::string& text() const& noexcept { return text_; }
  [[nodiscard]] std::string text() && noexcept { return std::move(text_); }
  [[nodiscard]] std::size_t size() const noexcept { return text_.size(); }
  [[nodiscard]] bool empty() const noexcept { return text_.empty(); }

  ReplyText& operator+=(const ReplyText& more) {
    text_ += more.text_;
    return *this;
  }
  ReplyText& operator+=(Literal more) {
    text_ += more.text;
    return *this;
  }

 private:
  friend class ReplyMaker;   // reply_text.cpp
  friend class TableMaker;   // table_output.cpp: rows of the store
  friend class BlockMaker;   // api_audit_blocks.cpp: blocks of the store, which are signed as they are
  friend class MetricMaker;  // api_metrics.cpp: points made of records that have passed
  friend class StatusMaker;  // receiver.cpp: words of ours in the forms of OTLP
  friend ReplyText openapi_document();  // docs/openapi.yaml
  struct Clean {};                      // tells a text that is, from a literal
  ReplyText(Clean, std::string text) noexcept : text_(std::move(text)) {}

  std::string text_;
};

// Searched, and escaped for the inside of a JSON string.
[[nodiscard]] ReplyText said(std::string_view text);
// The same with its quotes; null when it is empty.
[[nodiscard]] ReplyText quoted(std::string_view text);
// Not searched, as the type says: it looks like anything.
[[nodiscard]] ReplyText id(const MachineId& machine);
[[nodiscard]] ReplyText id(UnixNanos time);  // RFC 3339
// A UUID or traceparent by its form stays as it is, because it is found again only so; all else is said().
[[nodiscard]] ReplyText uuid(std::string_view text);
// Hexadecimal digits of hashes and keys.
[[nodiscard]] ReplyText hex(ByteView bytes);
// A JSON object out of texts that were searched member by member as they came in (sanitize::searched),
// written anew; null when it is no object.
[[nodiscard]] ReplyText json_object(std::string_view searched);
[[nodiscard]] ReplyText time_or_null(UnixNanos time);  // with its quotes; null for 0
// Between the members of a list: nothing before the first.
[[nodiscard]] ReplyText comma(bool before);
[[nodiscard]] ReplyText number_or_null(std::string_view digits);  // of a cell; null when it is no number

}  // namespace fluxrig::mixer

template <>
struct fmt::formatter<fluxrig::mixer::ReplyText> : fmt::formatter<std::string_view> {
  auto format(const fluxrig::mixer::ReplyText& text, fmt::format_context& context) const {
    return fmt::formatter<std::string_view>::format(text.text(), context);
  }
};

namespace fluxrig::mixer {

template <typename... Parts>
requires(ReplyPart<Parts>&&...) ReplyText ReplyText::format(fmt::format_string<const Parts&...> shape,
                                                            const Parts&... parts) {
  return {Clean{}, fmt::format(shape, parts...)};
}

}  // namespace fluxrig::mixer
