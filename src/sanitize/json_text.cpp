#include "sanitize/json_text.hpp"

#include <algorithm>

namespace fluxrig::sanitize {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  const char low = static_cast<char>(c | 0x20);
  return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

void add_utf8(unsigned value, std::string& out) {
  if (value < 0x80) {
    out.push_back(static_cast<char>(value));
  } else if (value < 0x800) {
    out.push_back(static_cast<char>(0xC0 | (value >> 6)));
    out.push_back(static_cast<char>(0x80 | (value & 0x3F)));
  } else {  // halves of pairs too: nobody reads them as a number
    out.push_back(static_cast<char>(0xE0 | (value >> 12)));
    out.push_back(static_cast<char>(0x80 | ((value >> 6) & 0x3F)));
    out.push_back(static_cast<char>(0x80 | (value & 0x3F)));
  }
}

char named_escape(char c) noexcept {
  constexpr std::string_view kNames = "\"\\/bfnrt";
  constexpr std::string_view kValues = "\"\\/\b\f\n\r\t";
  const auto at = kNames.find(c);
  return at == std::string_view::npos ? '\0' : kValues[at];
}

void write_string(std::string_view text, std::string& out) {
  static constexpr char kHex[] = "0123456789abcdef";
  out.push_back('"');
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (byte < 0x20) {
      out += "\\u00";
      out.push_back(kHex[byte >> 4]);
      out.push_back(kHex[byte & 15]);
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

class Cleaner {
 public:
  Cleaner(std::string_view text, std::span<const JsonRule> rules, const JsonLeaf& leaf)
      : rest_(text), rules_(rules), leaf_(leaf) {}

  std::optional<std::string> document() {
    if (!value(Action::kKeep, 0)) return std::nullopt;
    skip_blanks();
    if (!rest_.empty()) return std::nullopt;
    return std::move(out_);
  }

 private:
  void skip_blanks() noexcept {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(kBlanks), rest_.size()));
  }

  bool take(char c) noexcept {
    skip_blanks();
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  [[nodiscard]] Action action_of(std::string_view name, Action inherited) const {
    for (const auto& rule : rules_)
      if (rule.path == path_) return rule.action;
    // Actions grow stricter from keep to drop.
    return std::max(json_action(name), inherited);
  }

  bool value(Action action, unsigned depth) {
    skip_blanks();
    if (rest_.empty() || depth > kMostJsonDepth) return false;
    switch (rest_.front()) {
      case '{':
        return object(action, depth);
      case '[':
        return array(action, depth);
      case '"': {
        std::string text;
        if (!string(text)) return false;
        put(action, text);
        return true;
      }
      default:
        return literal(action);
    }
  }

  bool object(Action action, unsigned depth) {
    rest_.remove_prefix(1);
    out_.push_back('{');
    bool first = true;
    const std::size_t path_size = path_.size();
    while (!take('}')) {
      if (!first && !take(',')) return false;
      if (!first) out_.push_back(',');
      first = false;
      skip_blanks();
      std::string name;
      if (rest_.empty() || rest_.front() != '"' || !string(name) || !take(':')) return false;
      if (path_size > 0) path_.push_back('.');
      path_ += name;
      write_string(leaf_(Action::kKeep, name).value_or(""), out_);
      out_.push_back(':');
      if (!value(action_of(name, action), depth + 1)) return false;
      path_.resize(path_size);
    }
    out_.push_back('}');
    return true;
  }

  bool array(Action action, unsigned depth) {
    rest_.remove_prefix(1);
    out_.push_back('[');
    bool first = true;
    while (!take(']')) {
      if (!first && !take(',')) return false;
      if (!first) out_.push_back(',');
      first = false;
      if (!value(action, depth + 1)) return false;
    }
    out_.push_back(']');
    return true;
  }

  bool string(std::string& out) {
    rest_.remove_prefix(1);
    while (!rest_.empty()) {
      const char c = rest_.front();
      rest_.remove_prefix(1);
      if (c == '"') return true;
      if (static_cast<unsigned char>(c) < 0x20) return false;
      if (c != '\\') {
        out.push_back(c);
      } else if (!escape(out)) {
        return false;
      }
    }
    return false;
  }

  bool escape(std::string& out) {
    if (rest_.empty()) return false;
    const char kind = rest_.front();
    rest_.remove_prefix(1);
    if (kind != 'u') {
      const char meant = named_escape(kind);
      out.push_back(meant);
      return meant != '\0';
    }
    unsigned code = 0;
    for (int i = 0; i < 4; ++i) {
      const int digit = rest_.empty() ? -1 : hex_value(rest_.front());
      if (digit < 0) return false;
      code = code * 16 + static_cast<unsigned>(digit);
      rest_.remove_prefix(1);
    }
    add_utf8(code, out);
    return true;
  }

  bool literal(Action action) {
    const auto size = std::min(rest_.find_first_of(",]} \t\r\n"), rest_.size());
    const auto text = rest_.substr(0, size);
    rest_.remove_prefix(size);
    const bool word = text == "true" || text == "false" || text == "null";
    if (word) {
      out_ += action == Action::kKeep ? text : "null";
      return true;
    }
    if (!is_number(text)) return false;
    const auto cleaned = leaf_(action, text);
    if (cleaned && *cleaned == text) {
      out_ += text;
    } else {
      put(cleaned);
    }
    return true;
  }

  // RFC 8259, section 6.
  static bool is_number(std::string_view text) noexcept {
    const auto digits = [&text] {
      const auto size = std::min(text.find_first_not_of("0123456789"), text.size());
      text.remove_prefix(size);
      return size;
    };
    if (!text.empty() && text.front() == '-') text.remove_prefix(1);
    const bool zero = !text.empty() && text.front() == '0';
    const auto whole = digits();
    if (whole == 0 || (zero && whole > 1)) return false;
    if (!text.empty() && text.front() == '.') {
      text.remove_prefix(1);
      if (digits() == 0) return false;
    }
    if (!text.empty() && (text.front() | 0x20) == 'e') {
      text.remove_prefix(1);
      if (!text.empty() && (text.front() == '+' || text.front() == '-')) text.remove_prefix(1);
      if (digits() == 0) return false;
    }
    return text.empty();
  }

  void put(Action action, std::string_view text) { put(leaf_(action, text)); }
  void put(const std::optional<std::string>& cleaned) {
    if (cleaned)
      write_string(*cleaned, out_);
    else
      out_ += "null";
  }

  std::string_view rest_;
  std::span<const JsonRule> rules_;
  const JsonLeaf& leaf_;
  std::string path_;
  std::string out_;
};

}  // namespace

std::optional<std::string> clean_json(std::string_view text, std::span<const JsonRule> rules,
                                      const JsonLeaf& leaf) {
  if (text.size() > kMostJsonBytes) return std::nullopt;
  return Cleaner(text, rules, leaf).document();
}

}  // namespace fluxrig::sanitize
