#include "gear/iso8583/message_type.hpp"

#include "gear/iso8583/codec.hpp"

namespace fluxrig::gear::iso8583 {

namespace {

constexpr unsigned kEchoed[] = {3, 4, 7, 11, 12, 13, 37, 41, 42};

bool is_four_digits(std::string_view type) noexcept {
  if (type.size() != 4) return false;
  for (const char c : type)
    if (c < '0' || c > '9') return false;
  return true;
}

}  // namespace

bool is_known_type(std::string_view type) noexcept {
  return is_four_digits(type) && type[0] <= '2' && type[1] >= '1' && type[1] <= '8' && type[2] <= '7' &&
         type[3] <= '5';
}

bool is_response(std::string_view type) noexcept { return is_four_digits(type) && (type[2] - '0') % 2 == 1; }

std::string response_type(std::string_view type) {
  if (!is_four_digits(type) || is_response(type)) return {};
  std::string response(type);
  response[2] = static_cast<char>(response[2] + 1);
  // An odd origin marks a repeat; the answer to a repeat is an ordinary response.
  if ((response[3] - '0') % 2 == 1) response[3] = static_cast<char>(response[3] - 1);
  return response;
}

std::string_view response_code(char version, FailureCode code) noexcept {
  const bool original = version == '0';
  switch (code) {
    case FailureCode::kMalformed:
    case FailureCode::kOversize:
      return original ? "30" : "904";  // format error
    case FailureCode::kRejected:
      return original ? "12" : "902";  // invalid transaction
    case FailureCode::kNotFound:
      return original ? "92" : "908";  // no route to the destination
    case FailureCode::kUnavailable:
      return original ? "91" : "907";  // issuer or switch inoperative
    case FailureCode::kTimeout:
      return original ? "68" : "911";  // response received too late; issuer timed out
    case FailureCode::kRefused:
    case FailureCode::kInternal:
      return original ? "96" : "909";  // system malfunction
  }
  return original ? "96" : "909";
}

Fields failure_response(const Fields& request, FailureCode code) {
  Fields response;
  std::string type = response_type(request.get("mti"));
  if (type.empty()) return response;
  const char version = type[0];
  response.append("mti", std::move(type));
  for (const unsigned number : kEchoed)
    if (const auto* value = request.find(element_name(number))) response.append(element_name(number), *value);
  response.append("39", std::string(response_code(version, code)));
  return response;
}

std::string correlation_key(std::string_view response, const Fields& fields,
                            std::span<const unsigned> elements, unsigned blank) {
  std::string key(response);
  for (const unsigned number : elements) {
    key.push_back('|');
    if (number == blank) continue;
    std::string_view value = fields.get(element_name(number));
    while (value.ends_with(' ')) value.remove_suffix(1);
    key.append(value);
  }
  return key;
}

}  // namespace fluxrig::gear::iso8583
