#include "gear/iso8583/spec.hpp"

#include <fmt/core.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <optional>
#include <vector>

#include "base/nearest.hpp"
#include "sanitize/sanitizer.hpp"

namespace fluxrig::gear::iso8583 {

namespace {

using yaml::Complaint;
using yaml::Node;

template <typename T>
struct Word {
  std::string_view name;
  T value;
};

constexpr std::array<Word<Content>, 9> kFormats = {{{"n", Content::kNumeric},
                                                    {"a", Content::kAlphabetic},
                                                    {"an", Content::kAlphanumeric},
                                                    {"as", Content::kAlphabeticSpecial},
                                                    {"ns", Content::kNumericSpecial},
                                                    {"ans", Content::kAlphanumericSpecial},
                                                    {"b", Content::kBinary},
                                                    {"z", Content::kTrack},
                                                    {"x+n", Content::kSignedAmount}}};
constexpr std::array<Word<std::uint8_t>, 3> kTypes = {{{"fixed", 0}, {"llvar", 2}, {"lllvar", 3}}};
constexpr std::array<Word<Encoding>, 4> kEncodings = {{{"ascii", Encoding::kAscii},
                                                       {"ebcdic", Encoding::kEbcdic},
                                                       {"bcd", Encoding::kBcd},
                                                       {"binary", Encoding::kBinary}}};
constexpr std::array<Word<Padding>, 3> kPaddings = {{{"left_zero", Padding::kLeftZero},
                                                     {"right_f", Padding::kRightF},
                                                     {"right_space", Padding::kRightSpace}}};

struct Defaults {
  Encoding numeric = Encoding::kAscii;
  Encoding text = Encoding::kAscii;
  Encoding track = Encoding::kAscii;
  Encoding binary = Encoding::kAscii;
  Encoding length = Encoding::kAscii;
};

// Gathers the first complaint; everything after it is skipped by the callers' checks of `complaint`.
class Reader {
 public:
  std::optional<Complaint> complaint;

  void complain(const Node& at, std::string message, std::string hint = {}) {
    if (complaint) return;
    const int width = at.is_scalar() ? std::max(1, static_cast<int>(at.scalar.size())) : 1;
    complaint = Complaint{at.mark, width, std::move(message), std::move(hint)};
  }

  void only_keys(const Node& map, std::span<const std::string_view> known, std::string_view where) {
    if (!map.is_map()) return complain(map, fmt::format("{} must be a map of keys and values", where));
    for (const auto& entry : map.entries) {
      if (std::find(known.begin(), known.end(), entry.key) != known.end()) continue;
      const auto meant = nearest_name(entry.key, known);
      if (complaint) return;
      complaint = Complaint{entry.mark, std::max(1, static_cast<int>(entry.key.size())),
                            fmt::format("{}: unknown key '{}'", where, entry.key),
                            meant.empty() ? "" : fmt::format("did you mean '{}'?", meant)};
    }
  }

  template <typename T, std::size_t N>
  T word(const Node& map, std::string_view key, const std::array<Word<T>, N>& words,
         std::optional<T> fallback) {
    const Node* node = map.find(key);
    if (node == nullptr) {
      if (!fallback) complain(map, fmt::format("'{}' is missing", key));
      return fallback.value_or(words[0].value);
    }
    std::vector<std::string_view> names;
    for (const auto& each : words) {
      if (node->is_scalar() && node->scalar == each.name) return each.value;
      names.push_back(each.name);
    }
    const auto meant = nearest_name(node->scalar, names);
    complain(*node, fmt::format("'{}' must be one of: {}", key, join(names)),
             meant.empty() ? "" : fmt::format("did you mean '{}'?", meant));
    return words[0].value;
  }

  unsigned integer(const Node& node, std::string_view key, unsigned least, unsigned most) {
    unsigned value = 0;
    const char* end = node.scalar.data() + node.scalar.size();
    const auto parsed = std::from_chars(node.scalar.data(), end, value);
    if (!node.is_scalar() || parsed.ec != std::errc{} || parsed.ptr != end || value < least || value > most) {
      complain(node, fmt::format("'{}' must be a whole number from {} to {}", key, least, most));
      return least;
    }
    return value;
  }

  std::string text(const Node& map, std::string_view key) {
    const Node* node = map.find(key);
    if (node == nullptr) return {};
    if (!node->is_scalar()) complain(*node, fmt::format("'{}' must be text", key));
    return node->scalar;
  }

 private:
  static std::string join(const std::vector<std::string_view>& names) {
    std::string joined;
    for (const auto name : names) joined.append(joined.empty() ? "" : ", ").append(name);
    return joined;
  }
};

Encoding default_encoding(Content content, const Defaults& defaults) {
  switch (content) {
    case Content::kNumeric:
    case Content::kSignedAmount:
      return defaults.numeric;
    case Content::kTrack:
      return defaults.track;
    case Content::kBinary:
      return defaults.binary;
    default:
      return defaults.text;
  }
}

Padding default_padding(const Element& element) {
  switch (element.content) {
    case Content::kNumeric:
    case Content::kSignedAmount:
      return Padding::kLeftZero;
    case Content::kTrack:
      return element.encoding == Encoding::kBcd ? Padding::kRightF : Padding::kRightSpace;
    default:
      return Padding::kRightSpace;
  }
}

bool is_text(Content content) {
  return content != Content::kNumeric && content != Content::kSignedAmount && content != Content::kTrack &&
         content != Content::kBinary;
}

// What cannot be on a wire: text in BCD, digits as raw bytes, a padding of another kind of value.
void check_combination(Reader& reader, const Node& node, const Element& element) {
  const unsigned most = element.length_digits == 2 ? 99 : 999;
  if (element.length > most) reader.complain(node, fmt::format("a length of this type is at most {}", most));
  if (element.encoding == Encoding::kBcd && (is_text(element.content) || element.content == Content::kBinary))
    reader.complain(node, "only n, z and x+n can be encoded in bcd");
  if (element.encoding == Encoding::kBinary && element.content != Content::kBinary)
    reader.complain(node, "only b can be encoded as binary");
  if (element.content == Content::kSignedAmount && element.length_digits != 0)
    reader.complain(node, "x+n must be of type fixed");
  if (element.padding == Padding::kRightF && element.encoding != Encoding::kBcd)
    reader.complain(node, "padding right_f needs the encoding bcd");
  if (element.padding == Padding::kLeftZero &&
      (is_text(element.content) || element.content == Content::kBinary))
    reader.complain(node, "padding left_zero is for n, z and x+n");
  if (element.padding == Padding::kRightSpace &&
      (element.content == Content::kNumeric || element.content == Content::kSignedAmount))
    reader.complain(node, "padding right_space is for text");
}

Element read_element(Reader& reader, const Node& node, const Defaults& defaults) {
  static constexpr std::array<std::string_view, 7> kKeys = {
      "format", "type", "length", "title", "encoding", "length_encoding", "padding"};
  Element element;
  reader.only_keys(node, kKeys, "element");
  if (reader.complaint) return element;
  element.defined = true;
  element.content = reader.word(node, "format", kFormats, std::optional<Content>{});
  element.length_digits = reader.word(node, "type", kTypes, std::optional<std::uint8_t>{std::uint8_t{0}});
  element.encoding =
      reader.word(node, "encoding", kEncodings, std::optional{default_encoding(element.content, defaults)});
  element.length_encoding = reader.word(node, "length_encoding", kEncodings, std::optional{defaults.length});
  element.padding = reader.word(node, "padding", kPaddings, std::optional{default_padding(element)});
  if (const Node* length = node.find("length"))
    element.length = static_cast<std::uint16_t>(reader.integer(*length, "length", 1, 999));
  else
    reader.complain(node, "'length' is missing");
  check_combination(reader, node, element);
  return element;
}

void read_elements(Reader& reader, const Node& map, const Defaults& defaults, Specification& spec) {
  if (!map.is_map()) return reader.complain(map, "'elements' must be a map from element number to element");
  for (const auto& entry : map.entries) {
    Node key;
    key.kind = Node::Kind::kScalar;
    key.scalar = entry.key;
    key.mark = entry.mark;
    const unsigned number = reader.integer(key, "element number", 2, kLastElement);
    if (number == 65) reader.complain(key, "element 65 announces a third bitmap, which is not supported");
    const Element element = read_element(reader, entry.value, defaults);
    if (reader.complaint) return;
    if (spec.elements[number].defined)
      return reader.complain(key, fmt::format("element {} is described twice", number));
    spec.elements[number] = element;
    spec.titles[number] = reader.text(entry.value, "title");
  }
}

Defaults read_defaults(Reader& reader, const Node* node) {
  static constexpr std::array<std::string_view, 5> kKeys = {"numeric", "text", "track", "binary", "length"};
  Defaults defaults;
  if (node == nullptr) return defaults;
  reader.only_keys(*node, kKeys, "defaults");
  const auto read = [&](std::string_view key) {
    return reader.word(*node, key, kEncodings, std::optional{Encoding::kAscii});
  };
  defaults.numeric = read("numeric");
  defaults.text = read("text");
  defaults.track = read("track");
  defaults.binary = read("binary");
  defaults.length = read("length");
  return defaults;
}

}  // namespace

tl::expected<Specification, Complaint> parse_specification(std::string_view text) {
  static constexpr std::array<std::string_view, 6> kKeys = {"name",   "version",  "message_type",
                                                            "bitmap", "defaults", "elements"};
  const auto tree = yaml::parse(text);
  if (!tree) return tl::unexpected(tree.error());
  Reader reader;
  Specification spec;
  reader.only_keys(*tree, kKeys, "specification");
  if (reader.complaint) return tl::unexpected(*reader.complaint);
  spec.name = reader.text(*tree, "name");
  if (const Node* version = tree->find("version"))
    spec.version = static_cast<char>('0' + reader.integer(*version, "version", 0, 9));
  spec.message_type = reader.word(*tree, "message_type", kEncodings, std::optional<Encoding>{});
  spec.bitmap = reader.word(*tree, "bitmap", kEncodings, std::optional<Encoding>{});
  if (spec.message_type == Encoding::kBinary)
    reader.complain(*tree->find("message_type"), "the message type is ascii, ebcdic or bcd");
  if (spec.bitmap == Encoding::kBcd)
    reader.complain(*tree->find("bitmap"), "a bitmap is binary, ascii or ebcdic");
  const Defaults defaults = read_defaults(reader, tree->find("defaults"));
  if (const Node* elements = tree->find("elements"))
    read_elements(reader, *elements, defaults, spec);
  else
    reader.complain(*tree, "'elements' is missing");
  if (reader.complaint) return tl::unexpected(*reader.complaint);
  return spec;
}

Outcome<std::shared_ptr<const Specification>> load_specification(std::string_view name,
                                                                 std::string_view folder) {
  std::vector<std::string_view> names;
  for (const auto& shipped : shipped_specifications()) {
    names.push_back(shipped.name);
    if (shipped.name != name) continue;
    auto spec = parse_specification(shipped.text);
    if (!spec)
      return problem(yaml::render(spec.error(), shipped.name, shipped.text, sanitize::mask_card_numbers));
    return std::make_shared<const Specification>(std::move(*spec));
  }
  std::string path(name);
  if (!path.starts_with('/') && !folder.empty()) path = fmt::format("{}/{}", folder, name);
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    const auto meant = nearest_name(name, names);
    const bool is_path = name.find('/') != std::string_view::npos || name.ends_with(".yaml");
    if (is_path)
      return problem(fmt::format("cannot read the specification {}: {}", path, std::strerror(errno)));
    return problem(
        fmt::format("unknown specification '{}'{}; give a shipped one (iso8583-1987-ascii, ...) or the "
                    "path of a YAML file",
                    name, meant.empty() ? "" : fmt::format(", did you mean '{}'?", meant)));
  }
  std::string text(yaml::kMaxBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  auto spec = parse_specification(text);
  if (!spec) return problem(yaml::render(spec.error(), path, text, sanitize::mask_card_numbers));
  return std::make_shared<const Specification>(std::move(*spec));
}

}  // namespace fluxrig::gear::iso8583
