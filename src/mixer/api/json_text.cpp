#include "mixer/api/json_text.hpp"

#include <boost/json.hpp>

namespace fluxrig::mixer {
namespace {

std::optional<boost::json::object> parse_object(std::string_view json) {
  boost::system::error_code error;
  // The parser bounds nesting at 32; the callers bound the length.
  auto value = boost::json::parse(json, error);
  if (error || !value.is_object()) return std::nullopt;
  return std::move(value.as_object());
}

}  // namespace

std::optional<std::string> json_text_member(std::string_view json, std::string_view name) {
  const auto object = parse_object(json);
  if (!object) return std::nullopt;
  const auto* member = object->if_contains(name);
  if (member == nullptr || !member->is_string()) return std::nullopt;
  return std::string(member->as_string());
}

std::optional<std::uint64_t> json_number_at(std::string_view json, std::string_view object,
                                            std::string_view member) {
  const auto root = parse_object(json);
  if (!root) return std::nullopt;
  const auto* inner = root->if_contains(object);
  if (inner == nullptr || !inner->is_object()) return std::nullopt;
  const auto* number = inner->as_object().if_contains(member);
  if (number == nullptr) return std::nullopt;
  if (number->is_uint64()) return number->as_uint64();
  if (number->is_int64() && number->as_int64() >= 0) return static_cast<std::uint64_t>(number->as_int64());
  return std::nullopt;
}

std::string normal_json_object(std::string_view json) {
  const auto object = parse_object(json);
  return object ? boost::json::serialize(*object) : "null";
}

}  // namespace fluxrig::mixer
