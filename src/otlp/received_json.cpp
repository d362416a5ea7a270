// An ExportTraceServiceRequest in OTLP/JSON: the mapping of protobuf, but ids in hex and enumerations as
// numbers. Names of members are lowerCamelCase and nothing else, unknown ones are ignored.
#include <boost/json.hpp>
#include <charconv>
#include <cmath>
#include <limits>
#include <utility>

#include "otlp/received_encodings.hpp"
#include "otlp/received_walk.hpp"

namespace fluxrig::otlp {
namespace {

namespace json = boost::json;

std::string_view view(const json::string& text) { return {text.data(), text.size()}; }

template <typename T>
std::optional<T> parsed(std::string_view text) {
  T number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

class JsonMessage;

class JsonItem {
 public:
  explicit JsonItem(const json::value& value) : value_(value) {}

  std::optional<std::string_view> text() const {
    const auto* held = value_.if_string();
    return held == nullptr ? std::nullopt : std::optional(view(*held));
  }
  std::optional<std::string> base64() const {
    const auto held = text();
    return held ? std::optional(searched_base64(*held)) : std::nullopt;
  }
  IdRead id(Bytes& into) const {
    const auto held = text();
    if (!held) return IdRead::kOtherType;
    auto bytes = held->size() <= kLongestId ? from_hex(*held) : std::nullopt;
    if (!bytes) return IdRead::kNoHex;
    into = *std::move(bytes);
    return IdRead::kRead;
  }
  // 64-bit numbers are strings, and may be numbers.
  std::optional<std::uint64_t> fixed64() const { return whole<std::uint64_t>(); }
  std::optional<std::int64_t> int64() const { return whole<std::int64_t>(); }
  std::optional<std::uint32_t> uint32() const { return whole<std::uint32_t>(); }
  std::optional<int> enumeration() const {
    return value_.is_string() ? std::nullopt : whole<int>();  // no names of values in OTLP
  }
  std::optional<bool> boolean() const {
    const auto* held = value_.if_bool();
    return held == nullptr ? std::nullopt : std::optional(*held);
  }
  std::optional<double> real() const {
    if (value_.is_number()) return value_.to_number<double>();
    const auto held = text();
    if (!held) return std::nullopt;
    if (*held == "NaN") return std::numeric_limits<double>::quiet_NaN();
    if (*held == "Infinity") return std::numeric_limits<double>::infinity();
    if (*held == "-Infinity") return -std::numeric_limits<double>::infinity();
    return parsed<double>(*held);
  }
  std::optional<JsonMessage> message() const;

 private:
  static constexpr std::size_t kLongestId = 64;

  template <typename T>
  std::optional<T> whole() const {
    if (const auto held = text()) return parsed<T>(*held);
    if (const auto* held = value_.if_int64(); held != nullptr && std::in_range<T>(*held))
      return static_cast<T>(*held);
    if (const auto* held = value_.if_uint64(); held != nullptr && std::in_range<T>(*held))
      return static_cast<T>(*held);
    return std::nullopt;
  }

  const json::value& value_;
};

class JsonMessage {
 public:
  explicit JsonMessage(const json::object& object) : object_(&object) {}

  template <typename Fields, typename Visit>
  [[nodiscard]] bool each(const Fields& fields, Visit&& visit) const {
    for (const auto& member : *object_) {
      const std::string_view name(member.key().data(), member.key().size());
      const auto field =
          std::find_if(fields.begin(), fields.end(), [name](const Field& one) { return one.name == name; });
      if (field == fields.end() || member.value().is_null()) continue;
      if (const auto* list = member.value().if_array()) {
        for (const auto& element : *list)
          if (JsonItem item(element); !visit(field->number, item)) return false;
      } else if (JsonItem item(member.value()); !visit(field->number, item)) {
        return false;
      }
    }
    return true;
  }

 private:
  const json::object* object_;
};

std::optional<JsonMessage> JsonItem::message() const {
  const auto* held = value_.if_object();
  return held == nullptr ? std::nullopt : std::optional(JsonMessage(*held));
}

}  // namespace

Result<ReceivedTraces> decode_json_traces(std::string_view body) {
  if (body.size() > kMaxReceivedJson) return fail(ErrorCode::kOversize, "a body in JSON is over 4 MiB");
  json::error_code error;
  json::monotonic_resource memory;
  json::parse_options options;
  // Each value in a value is three levels: the value, its list, the list's members.
  options.max_depth = 16 + 3 * kMaxReceivedDepth;
  const auto root = json::parse({body.data(), body.size()}, error, &memory, options);
  if (error || !root.is_object()) return fail(ErrorCode::kInvalid, "the body is no JSON object");
  TraceWalk<JsonMessage> walk;
  if (!walk.request(JsonMessage(root.get_object())))
    return fail(ErrorCode::kInvalid, "a field is not what OTLP's JSON encoding says");
  return walk.take();
}

Result<ReceivedTraces> decode_traces(std::string_view body, Protocol protocol) {
  return protocol == Protocol::kHttpJson ? decode_json_traces(body) : decode_protobuf_traces(body);
}

}  // namespace fluxrig::otlp
