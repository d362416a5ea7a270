// A YAML document as a plain tree that knows where each value stands, so that every complaint can name
// file:line:column. The only place that includes yaml-cpp. Any thread; a tree owns its text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/diagnostics.hpp"
#include "base/result.hpp"

namespace fluxrig::yaml {

struct Mark {
  int line = 0;    // from 1; 0: unknown
  int column = 0;  // from 1
};

// One complaint about a document: what is wrong, and a hint ("did you mean 'length2'?") when there is one.
struct Complaint {
  Mark mark;
  int width = 1;        // characters to underline
  std::string message;  // one sentence
  std::string hint;     // may be empty
};

class Node {
 public:
  enum class Kind : std::uint8_t { kNull, kScalar, kSequence, kMap };
  struct Entry;

  Kind kind = Kind::kNull;
  Mark mark;
  bool quoted = false;  // a quoted scalar is text, whatever it looks like
  std::string scalar;
  std::vector<Node> items;     // sequence
  std::vector<Entry> entries;  // map, in the order of the file

  [[nodiscard]] bool is_null() const noexcept { return kind == Kind::kNull; }
  [[nodiscard]] bool is_scalar() const noexcept { return kind == Kind::kScalar; }
  [[nodiscard]] bool is_sequence() const noexcept { return kind == Kind::kSequence; }
  [[nodiscard]] bool is_map() const noexcept { return kind == Kind::kMap; }
  // The value under `key`, or null when this is no map or has no such key.
  [[nodiscard]] const Node* find(std::string_view key) const noexcept;
};

struct Node::Entry {
  std::string key;
  Mark mark;  // of the key
  Node value;
};

inline constexpr std::size_t kMaxBytes = 4U << 20;
inline constexpr std::size_t kMaxNodes = 200'000;
inline constexpr int kMaxDepth = 64;

// Refuses: syntax errors, several documents, duplicate keys, keys that are not scalars, anchors and aliases
// (they can expand without bound), and anything over the limits above.
[[nodiscard]] tl::expected<Node, Complaint> parse(std::string_view text);

// "edge.yaml:9:21: message\n    <the line>\n    ^~~~ hint\n". All of it passes the gate, the line before it
// is cut.
[[nodiscard]] std::string render(const Complaint& complaint, std::string_view file, std::string_view text,
                                 TextGate gate);

}  // namespace fluxrig::yaml
