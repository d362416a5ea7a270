#include "gear/map_json.hpp"

#include <boost/json/basic_parser_impl.hpp>
#include <exception>
#include <vector>

#include "base/diagnostics.hpp"

namespace fluxrig::gear {

namespace {

namespace json = boost::json;

// Boost's parser calls these as it reads; false with an error set stops it. Its own limits stand first.
class Flattener {
 public:
  static constexpr std::size_t max_object_size = kMaxJsonValues;
  static constexpr std::size_t max_array_size = kMaxJsonValues;
  static constexpr std::size_t max_key_size = 256;
  static constexpr std::size_t max_string_size = kMaxJsonBytes;

  explicit Flattener(Fields& fields) : fields_(fields) {}

  const char* refused = nullptr;  // a limit of ours that stopped it

  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return true; }
  bool on_object_begin(json::error_code&) {
    enter(/*is_array=*/false);
    return true;
  }
  bool on_object_end(std::size_t, json::error_code&) { return leave(); }
  bool on_array_begin(json::error_code& error) {
    if (parents_.empty()) return stop(error, "the body is not a JSON object");
    enter(/*is_array=*/true);
    return true;
  }
  bool on_array_end(std::size_t, json::error_code&) { return leave(); }
  bool on_key_part(json::string_view part, std::size_t, json::error_code&) {
    key_.append(part.data(), part.size());
    return true;
  }
  bool on_key(json::string_view part, std::size_t, json::error_code& error) {
    key_.append(part.data(), part.size());
    if (key_.empty() || key_.find('.') != std::string::npos)
      return stop(error, "the body has a name that is empty or holds a dot");
    path_.resize(parents_.back().path_size);
    if (!path_.empty()) path_.push_back('.');
    path_.append(key_);
    key_.clear();
    return true;
  }
  bool on_string_part(json::string_view part, std::size_t, json::error_code&) { return gather(part); }
  bool on_string(json::string_view part, std::size_t, json::error_code& error) {
    gather(part);
    return add(error);
  }
  bool on_number_part(json::string_view part, json::error_code&) { return gather(part); }
  bool on_int64(std::int64_t, json::string_view part, json::error_code& error) {
    gather(part);
    return add(error);
  }
  bool on_uint64(std::uint64_t, json::string_view part, json::error_code& error) {
    gather(part);
    return add(error);
  }
  bool on_double(double, json::string_view part, json::error_code& error) {
    gather(part);
    return add(error);
  }
  bool on_bool(bool value, json::error_code& error) {
    text_ = value ? "true" : "false";
    return add(error);
  }
  bool on_null(json::error_code& error) {
    if (parents_.empty()) return stop(error, "the body is not a JSON object");
    name_item();
    return true;
  }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }

 private:
  struct Parent {
    std::size_t path_size;
    std::size_t items;
    bool is_array;
  };

  void enter(bool is_array) {
    if (!parents_.empty()) name_item();
    parents_.push_back({path_.size(), 0, is_array});
  }
  bool leave() {
    path_.resize(parents_.back().path_size);
    parents_.pop_back();
    return true;
  }
  // In an array the name of the next value is its index.
  void name_item() {
    auto& parent = parents_.back();
    if (!parent.is_array) return;
    path_.resize(parent.path_size);
    path_.push_back('.');
    path_.append(std::to_string(parent.items++));
  }
  bool gather(json::string_view part) {
    text_.append(part.data(), part.size());
    return true;
  }
  bool add(json::error_code& error) {
    if (parents_.empty()) return stop(error, "the body is not a JSON object");
    name_item();
    if (fields_.size() >= kMaxJsonValues) return stop(error, "the body has too many values");
    // Two readings of one name are how a check is passed by.
    if (fields_.find(path_) != nullptr) return stop(error, "the body has two values under one name");
    fields_.append(path_, std::move(text_));
    text_.clear();
    return true;
  }
  bool stop(json::error_code& error, const char* reason) {
    refused = reason;
    error = json::make_error_code(json::error::exception);
    return false;
  }

  Fields& fields_;
  std::vector<Parent> parents_;
  std::string path_;
  std::string key_;
  std::string text_;
};

// RFC 8259 numbers; leading zeros, as ISO 8583 has them, are taken off.
std::string_view plain_number(std::string_view text, bool& negative) {
  negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  while (text.size() > 1 && text[0] == '0' && text[1] != '.') text.remove_prefix(1);
  const auto dot = text.find('.');
  if (text.empty() || dot == 0 || dot + 1 == text.size()) return {};
  for (std::size_t i = 0; i < text.size(); ++i)
    if (i != dot && (text[i] < '0' || text[i] > '9')) return {};
  return text;
}

Result<void> append_value(const JsonValue& value, std::string& body) {
  if (value.type == JsonType::kText) {
    body.append("\"").append(escape_json(value.text)).append("\"");
    return {};
  }
  if (value.type == JsonType::kBoolean) {
    if (value.text != "true" && value.text != "false")
      return fail(ErrorCode::kInvalid, "a value is neither true nor false");
    body.append(value.text);
    return {};
  }
  bool negative = false;
  const auto number = plain_number(value.text, negative);
  if (number.empty()) return fail(ErrorCode::kInvalid, "a value is no number");
  body.append(negative ? "-" : "").append(number);
  return {};
}

std::vector<std::string_view> split(std::string_view path) {
  std::vector<std::string_view> names;
  for (std::size_t dot = 0; (dot = path.find('.')) != std::string_view::npos; path.remove_prefix(dot + 1))
    names.push_back(path.substr(0, dot));
  names.push_back(path);
  return names;
}

}  // namespace

Result<void> flatten_json(std::string_view body, Fields& fields) {
  fields.clear();
  if (body.size() > kMaxJsonBytes)
    return fail(ErrorCode::kOversize, "the body is over the limit of JSON bodies");
  json::parse_options options;
  options.max_depth = kMaxJsonDepth;
  try {
    json::basic_parser<Flattener> parser(options, fields);
    json::error_code error;
    const std::size_t read = parser.write_some(/*more=*/false, body.data(), body.size(), error);
    if (parser.handler().refused != nullptr) return fail(ErrorCode::kInvalid, parser.handler().refused);
    if (error == json::error::too_deep) return fail(ErrorCode::kOversize, "the body is nested too deeply");
    if (error || read != body.size()) return fail(ErrorCode::kInvalid, "the body is not valid JSON");
  } catch (const std::exception&) {
    return fail(ErrorCode::kInvalid, "the body is not valid JSON");
  }
  return {};
}

Result<std::string> render_json(std::span<const JsonValue> values) {
  std::string body = "{";
  std::vector<std::string_view> open;  // the objects that are open, outermost first
  bool first = true;
  for (const auto& value : values) {
    const auto names = split(value.path);
    std::size_t shared = 0;
    while (shared < open.size() && shared + 1 < names.size() && open[shared] == names[shared]) ++shared;
    body.append(open.size() - shared, '}');
    open.resize(shared);
    if (!first) body.push_back(',');
    first = false;
    for (; open.size() + 1 < names.size(); open.push_back(names[open.size()]))
      body.append("\"").append(escape_json(names[open.size()])).append("\":{");
    body.append("\"").append(escape_json(names.back())).append("\":");
    if (auto written = append_value(value, body); !written) return tl::unexpected(written.error());
  }
  body.append(open.size() + 1, '}');
  return body;
}

}  // namespace fluxrig::gear
