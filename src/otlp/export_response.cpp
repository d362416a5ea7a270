#include "otlp/export_response.hpp"

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <charconv>
#include <exception>
#include <protozero/pbf_reader.hpp>
#include <vector>

namespace fluxrig::otlp {
namespace {

std::string printable(std::string_view text) {
  std::string out(text.substr(0, kMaxAnswerText));
  for (char& c : out)
    if (c < 0x20 || c > 0x7e) c = '?';
  return out;
}

std::uint64_t at_least_none(std::int64_t count) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(count, 0));
}

// ExportTracePartialSuccess and its kin.
void read_partial(protozero::pbf_reader reader, PartialSuccess& partial) {
  while (reader.next()) {
    if (reader.tag() == 1 && reader.wire_type() == protozero::pbf_wire_type::varint) {
      partial.rejected = at_least_none(reader.get_int64());
    } else if (reader.tag() == 2 && reader.wire_type() == protozero::pbf_wire_type::length_delimited) {
      const auto text = reader.get_view();
      partial.message = printable({text.data(), text.size()});
    } else {
      reader.skip();
    }
  }
}

namespace json = boost::json;

// Boost's parser calls these as it reads. Keeps the values whose path is wanted and lets the others pass.
class Picker {
 public:
  static constexpr std::size_t max_object_size = 100'000;
  static constexpr std::size_t max_array_size = 100'000;
  static constexpr std::size_t max_key_size = 4'096;
  static constexpr std::size_t max_string_size = 4U << 20;

  struct Wanted {
    std::string_view path;  // "partialSuccess.errorMessage"
    std::string* text;      // at most max_text bytes of it, numbers as they were written
  };
  static constexpr std::size_t max_text = 4'096;
  explicit Picker(std::vector<Wanted> wanted) : wanted_(std::move(wanted)) {}

  [[nodiscard]] bool is_object() const { return is_object_; }

  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return true; }
  bool on_object_begin(json::error_code&) {
    if (path_.empty()) is_object_ = true;
    path_.emplace_back();
    return true;
  }
  bool on_object_end(std::size_t, json::error_code&) { return leave(); }
  bool on_array_begin(json::error_code&) {
    path_.emplace_back("[]");  // no path that is wanted
    return true;
  }
  bool on_array_end(std::size_t, json::error_code&) { return leave(); }
  bool on_key_part(json::string_view part, std::size_t, json::error_code&) {
    key_.append(part.data(), part.size());
    return true;
  }
  bool on_key(json::string_view part, std::size_t, json::error_code&) {
    key_.append(part.data(), part.size());
    path_.back() = std::exchange(key_, {});
    return true;
  }
  bool on_string_part(json::string_view part, std::size_t, json::error_code&) { return append(part); }
  bool on_string(json::string_view part, std::size_t, json::error_code&) {
    append(part);
    return take();
  }
  bool on_number_part(json::string_view part, json::error_code&) { return append(part); }
  bool on_int64(std::int64_t, json::string_view part, json::error_code&) {
    append(part);
    return take();
  }
  bool on_uint64(std::uint64_t, json::string_view part, json::error_code&) {
    append(part);
    return take();
  }
  bool on_double(double, json::string_view part, json::error_code&) {
    append(part);
    return take();
  }
  bool on_bool(bool, json::error_code&) { return true; }
  bool on_null(json::error_code&) { return true; }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }

 private:
  bool append(json::string_view part) {
    value_.append(part.data(), std::min(part.size(), max_text - value_.size()));
    return true;
  }
  bool take() {
    std::string path;
    for (const auto& name : path_) path += (path.empty() ? "" : ".") + name;
    for (const auto& wanted : wanted_)
      if (wanted.path == path) *wanted.text = value_;
    value_.clear();
    return true;
  }
  bool leave() {
    path_.pop_back();
    return true;
  }

  std::vector<Wanted> wanted_;
  std::vector<std::string> path_;  // the parser bounds its depth
  std::string key_;
  std::string value_;
  bool is_object_ = false;
};

// False: no JSON object.
bool pick(std::string_view text, std::vector<Picker::Wanted> wanted) {
  json::basic_parser<Picker> parser(json::parse_options{}, std::move(wanted));
  json::error_code error;
  try {
    const auto used = parser.write_some(/*more=*/false, text.data(), text.size(), error);
    return !error && used == text.size() && parser.handler().is_object();
  } catch (const std::exception&) {
    return false;
  }
}

// int64 in JSON: a number or a string of one.
Result<std::uint64_t> count_of(std::string_view text) {
  if (text.empty()) return 0;
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc{} || end != text.data() + text.size())
    return fail(ErrorCode::kInvalid, "the number of rejected items is none");
  return at_least_none(count);
}

Result<PartialSuccess> decode_json(std::string_view body) {
  if (body.empty()) return PartialSuccess{};
  std::string rejected;
  std::string message;
  if (!pick(body, {{"partialSuccess.rejectedSpans", &rejected},
                   {"partialSuccess.rejectedDataPoints", &rejected},
                   {"partialSuccess.rejectedLogRecords", &rejected},
                   {"partialSuccess.errorMessage", &message}}))
    return fail(ErrorCode::kInvalid, "the answer is no JSON object");
  const auto count = count_of(rejected);
  if (!count) return tl::unexpected(count.error());
  return PartialSuccess{*count, printable(message)};
}

}  // namespace

Result<PartialSuccess> decode_response(std::string_view body, Protocol protocol) {
  if (protocol == Protocol::kHttpJson) return decode_json(body);
  PartialSuccess partial;
  try {
    protozero::pbf_reader reader(body.data(), body.size());
    while (reader.next()) {
      if (reader.tag() == 1 && reader.wire_type() == protozero::pbf_wire_type::length_delimited)
        read_partial(reader.get_message(), partial);
      else
        reader.skip();
    }
  } catch (const protozero::exception&) {
    return fail(ErrorCode::kInvalid, "the answer is no protobuf message");
  }
  return partial;
}

std::string decode_status_message(std::string_view body, Protocol protocol) {
  std::string message;
  if (protocol == Protocol::kHttpJson) {
    if (!pick(body, {{"message", &message}})) return {};
    return printable(message);
  }
  try {
    protozero::pbf_reader reader(body.data(), body.size());
    while (reader.next()) {
      if (reader.tag() == 2 && reader.wire_type() == protozero::pbf_wire_type::length_delimited) {
        const auto text = reader.get_view();
        message.assign(text.data(), text.size());
      } else {
        reader.skip();
      }
    }
  } catch (const protozero::exception&) {
    return {};
  }
  return printable(message);
}

}  // namespace fluxrig::otlp
