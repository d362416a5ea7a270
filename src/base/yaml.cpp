#include "base/yaml.hpp"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <sstream>
#include <unordered_map>

#include "base/utf8.hpp"

namespace fluxrig::yaml {
namespace {

// Thrown through yaml-cpp's recursion and caught in `parse`: the only way to stop its parser early.
struct Refusal {
  Complaint complaint;
};

Mark to_mark(const YAML::Mark& mark) {
  if (mark.is_null()) return {};
  return {mark.line + 1, mark.column + 1};
}

[[noreturn]] void refuse(Mark mark, std::string message, std::string hint = {}, std::size_t width = 1) {
  throw Refusal{Complaint{mark, static_cast<int>(std::min<std::size_t>(width, 200)), std::move(message),
                          std::move(hint)}};
}

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

// Whether the quoted scalar at the front ends; true for what is no quoted scalar.
bool is_closed(std::string_view text) {
  const char quote = text[0];
  if (quote != '"' && quote != '\'') return true;
  for (std::size_t at = 1; at < text.size(); ++at) {
    if (quote == '"' && text[at] == '\\') {
      ++at;
    } else if (text[at] == quote) {
      const bool is_doubled = quote == '\'' && at + 1 < text.size() && text[at + 1] == quote;
      if (!is_doubled) return true;
      ++at;
    }
  }
  return false;
}

// Builds the tree out of parser events, so that a limit stops the parser before the tree grows past it.
class TreeBuilder final : public YAML::EventHandler {
 public:
  explicit TreeBuilder(std::string_view text)
      : text_(text.substr(text.starts_with(kByteOrderMark) ? 3 : 0)) {}
  Node take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1)
      refuse(to_mark(mark), "a second document begins here", "one document a file: remove the '---'", 3);
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    check_anchor(mark, anchor);
    if (at_key()) refuse(to_mark(mark), "a key must be text, and this one is empty or null", "quote it");
    // Of a value that is not there yaml-cpp gives the place of what comes next: the key says more.
    const Mark key =
        stack_.empty() || !stack_.back().node->is_map() ? Mark{} : stack_.back().node->entries.back().mark;
    Node& node = place(to_mark(mark), Node::Kind::kNull);
    if (key.line != 0 && key.line != node.mark.line) node.mark = key;
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    refuse(to_mark(mark), "aliases ('*name') are not supported", "write the value out");
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    check_anchor(mark, anchor);
    const bool quoted = check_tag(mark, tag, "tag:yaml.org,2002:str");
    if (quoted) check_quote(mark);
    if (at_key()) return add_key(to_mark(mark), value);
    Node& node = place(to_mark(mark), Node::Kind::kScalar);
    node.quoted = quoted;
    node.scalar = value;
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    check_anchor(mark, anchor);
    static_cast<void>(check_tag(mark, tag, "tag:yaml.org,2002:seq"));
    open(to_mark(mark), Node::Kind::kSequence);
  }
  void OnSequenceEnd() override { stack_.pop_back(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    check_anchor(mark, anchor);
    static_cast<void>(check_tag(mark, tag, "tag:yaml.org,2002:map"));
    open(to_mark(mark), Node::Kind::kMap);
  }
  void OnMapEnd() override { stack_.pop_back(); }

 private:
  // An open sequence or map. The pointer stays valid: its parent grows only after it is closed.
  struct Frame {
    Node* node;
    bool expects_key;
    std::unordered_map<std::string, int> lines_of_keys;
  };

  [[nodiscard]] bool at_key() const { return !stack_.empty() && stack_.back().expects_key; }

  static void check_anchor(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor)
      refuse(to_mark(mark), "anchors ('&name') are not supported", "write the value out where it is used");
  }

  // True when the value was quoted or tagged as text. yaml-cpp gives "?" or "" for plain nodes, "!" for
  // quoted.
  static bool check_tag(const YAML::Mark& mark, const std::string& tag, std::string_view allowed) {
    if (tag.empty() || tag == "?") return false;
    if (tag != "!" && tag != allowed)
      refuse(to_mark(mark), "this tag ('!name') is not supported", "remove it");
    return true;
  }

  // yaml-cpp closes an open quote at the end of the file by itself: it would swallow the rest of the
  // scenario.
  void check_quote(const YAML::Mark& mark) const {
    if (mark.is_null() || static_cast<std::size_t>(mark.pos) >= text_.size()) return;
    const auto start = static_cast<std::size_t>(mark.pos);
    if (!is_closed(text_.substr(start))) refuse(to_mark(mark), "this quote is never closed");
  }

  void count(Mark mark) {
    if (++nodes_ > kMaxNodes) refuse(mark, fmt::format("more than {} values", kMaxNodes), "split the file");
  }

  void add_key(Mark mark, const std::string& key) {
    count(mark);
    Frame& frame = stack_.back();
    const auto [first, is_new] = frame.lines_of_keys.emplace(key, mark.line);
    if (!is_new)
      refuse(mark, fmt::format("the key '{}' is given twice", key),
             fmt::format("first in line {}", first->second), key.size());
    frame.node->entries.push_back({key, mark, {}});
    frame.expects_key = false;
  }

  Node& place(Mark mark, Node::Kind kind) {
    count(mark);
    Node* node = &root_;
    if (!stack_.empty()) {
      Frame& frame = stack_.back();
      if (frame.expects_key)
        refuse(mark, "a key must be text, not a list or a map", "or is a bracket not closed?");
      if (frame.node->is_sequence()) {
        node = &frame.node->items.emplace_back();
      } else {
        node = &frame.node->entries.back().value;
        frame.expects_key = true;
      }
    }
    node->mark = mark;
    node->kind = kind;
    return *node;
  }

  void open(Mark mark, Node::Kind kind) {
    if (stack_.size() >= static_cast<std::size_t>(kMaxDepth))
      refuse(mark, fmt::format("nested deeper than {} levels", kMaxDepth));
    Node& node = place(mark, kind);
    stack_.push_back({&node, kind == Node::Kind::kMap, {}});
  }

  std::string_view text_;  // as yaml-cpp counts it: without a byte order mark
  Node root_;
  std::vector<Frame> stack_;
  std::size_t nodes_ = 0;
  int documents_ = 0;
};

// yaml-cpp takes U+0004 for the end of the file and guesses UTF-16 and UTF-32 from zero bytes: neither
// reaches it.
void check_characters(std::string_view text) {
  Mark mark{1, 1};
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = utf8_character(text.substr(at));
    if (length == 0) refuse(mark, "this is not UTF-8", "save the file as UTF-8");
    const auto c = static_cast<unsigned char>(text[at]);
    if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f)
      refuse(mark, fmt::format("the control character U+{:04X} is not allowed", static_cast<unsigned>(c)));
    at += length;
    mark.column += static_cast<int>(length);
    if (c == '\n') mark = {mark.line + 1, 1};
  }
}

Node build(std::string_view text) {
  if (text.size() > kMaxBytes)
    refuse({1, 1}, fmt::format("longer than {} bytes", kMaxBytes), "split the file");
  check_characters(text);
  std::istringstream stream{std::string(text)};
  YAML::Parser parser(stream);
  TreeBuilder builder(text);
  if (parser.HandleNextDocument(builder)) parser.HandleNextDocument(builder);
  Node root = builder.take();
  if (root.mark.line == 0) root.mark = {1, 1};
  return root;
}

}  // namespace

const Node* Node::find(std::string_view key) const noexcept {
  for (const Entry& entry : entries)
    if (entry.key == key) return &entry.value;
  return nullptr;
}

tl::expected<Node, Complaint> parse(std::string_view text) {
  try {
    return build(text);
  } catch (Refusal& refusal) {
    return tl::unexpected<Complaint>(std::move(refusal.complaint));
  } catch (const YAML::Exception& error) {
    return tl::unexpected<Complaint>(Complaint{to_mark(error.mark), 1, "not valid YAML: " + error.msg, {}});
  } catch (const std::exception&) {
    return tl::unexpected<Complaint>(Complaint{{1, 1}, 1, "this file cannot be read as YAML", {}});
  }
}

}  // namespace fluxrig::yaml
