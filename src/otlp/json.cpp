// OTLP/JSON: protobuf's JSON with ids in hex, enumerations as numbers and lowerCamelCase names; 64-bit
// integers are strings.
#include <array>
#include <charconv>
#include <cmath>

#include "base/utf8.hpp"
#include "otlp/request_walk.hpp"
#include "otlp/text.hpp"
#include "otlp/writers.hpp"

namespace fluxrig::otlp {
namespace {

template <typename Number>
void append_number(std::string& out, Number number) {
  std::array<char, 32> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
}

void append_escaped(std::string& out, char c) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    default:
      out += "\\u00";
      out += kDigits[static_cast<std::uint8_t>(c) >> 4];
      out += kDigits[static_cast<std::uint8_t>(c) & 0xf];
  }
}

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  std::size_t plain = 0;  // where what needs no escape began
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (static_cast<std::uint8_t>(c) >= 0x20 && c != '"' && c != '\\') continue;
    out.append(text, plain, i - plain);
    append_escaped(out, c);
    plain = i + 1;
  }
  out.append(text, plain);
  out += '"';
}

class JsonWriter {
 public:
  class List {
   public:
    List(JsonWriter& message, Field field) : message_(message), field_(field) {}
    List(const List&) = delete;
    List& operator=(const List&) = delete;
    ~List() {
      if (is_open_) message_.body_ += ']';
    }
    template <typename Write>
    bool item(Write&& write) {
      std::string& body = message_.body_;
      const std::size_t mark = body.size();
      const bool was_empty = message_.is_empty_;
      const bool was_open = is_open_;
      if (is_open_) {
        body += ',';
      } else {
        message_.key(field_);
        body += '[';
        is_open_ = true;
      }
      if (message_.object(std::forward<Write>(write))) return true;
      body.resize(mark);
      message_.is_empty_ = was_empty;
      is_open_ = was_open;
      return false;
    }

   private:
    JsonWriter& message_;
    Field field_;
    bool is_open_ = false;  // an empty list is not there at all
  };

  template <typename Write>
  static void write(std::string& body, Write&& write) {
    JsonWriter(body).object(std::forward<Write>(write));
  }

  [[nodiscard]] std::size_t size() const noexcept { return body_.size(); }
  void text(Field field, std::string_view text) {
    key(field);
    if (is_utf8(text))
      append_quoted(body_, text);
    else
      append_quoted(body_, repaired(text));
  }
  void id(Field field, ByteView bytes) {
    key(field);
    body_.append("\"").append(to_hex(bytes)).append("\"");
  }
  void uint32(Field field, std::uint32_t number) { plain(field, number); }
  void fixed32(Field field, std::uint32_t number) { plain(field, number); }
  void fixed64(Field field, std::uint64_t number) { quoted(field, number); }
  void int64(Field field, std::int64_t number) { quoted(field, number); }
  void sint32(Field field, std::int32_t number) { plain(field, number); }
  void enumeration(Field field, int number) { plain(field, number); }
  void boolean(Field field, bool flag) {
    key(field);
    body_ += flag ? "true" : "false";
  }
  void real(Field field, double number) {
    key(field);
    append_real(number);
  }
  void uint64s(Field field, const std::vector<std::uint64_t>& numbers) {
    key(field);
    char before = '[';
    for (const auto number : numbers) {
      body_ += before;
      body_ += '"';
      append_number(body_, number);
      body_ += '"';
      before = ',';
    }
    body_ += ']';
  }
  void fixed64s(Field field, const std::vector<std::uint64_t>& numbers) { uint64s(field, numbers); }
  void reals(Field field, const std::vector<double>& numbers) {
    key(field);
    char before = '[';
    for (const auto number : numbers) {
      body_ += before;
      append_real(number);
      before = ',';
    }
    body_ += ']';
  }
  template <typename Write>
  void message(Field field, Write&& write) {
    key(field);
    object(std::forward<Write>(write));
  }
  template <typename Write>
  void list(Field field, Write&& write) {
    List list(*this, field);
    write(list);
  }

 private:
  explicit JsonWriter(std::string& body) : body_(body) {}

  void key(Field field) {
    if (!is_empty_) body_ += ',';
    is_empty_ = false;
    body_.append("\"").append(field.name).append("\":");
  }
  template <typename Number>
  void plain(Field field, Number number) {
    key(field);
    append_number(body_, number);
  }
  void append_real(double number) {
    if (std::isfinite(number)) return append_number(body_, number);
    body_ += std::isnan(number) ? "\"NaN\"" : number > 0 ? "\"Infinity\"" : "\"-Infinity\"";
  }
  template <typename Number>
  void quoted(Field field, Number number) {
    key(field);
    body_ += '"';
    append_number(body_, number);
    body_ += '"';
  }
  // False when `write` gave false.
  template <typename Write>
  bool object(Write&& write) {
    body_ += '{';
    JsonWriter writer(body_);
    bool kept = true;
    if constexpr (std::is_same_v<decltype(write(writer)), bool>)
      kept = write(writer);
    else
      write(writer);
    body_ += '}';
    return kept;
  }

  std::string& body_;
  bool is_empty_ = true;
};

}  // namespace

Encoded encode_json(const Plan& plan, const Options& options) {
  return RequestWalk<JsonWriter>(plan, options).run();
}

}  // namespace fluxrig::otlp
