#include "sim/business_message.hpp"

#include <charconv>

#include "gear/bus/flux_message.hpp"

namespace fluxrig::sim {
namespace {

std::optional<Execution> parse(std::string_view text) {
  Execution number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

gear::Message make_message(Execution sender) {
  gear::Message message;
  message.payload = Oracle::kContent;
  message.fields.append("number", std::to_string(sender));
  return message;
}

std::optional<Execution> message_number(const gear::Message& message) {
  if (message.payload != Oracle::kContent) return std::nullopt;
  return parse(message.fields.get("number"));
}

std::optional<Execution> message_number(ByteView encoded) {
  const auto decoded = gear::bus::decode_message(encoded);
  return decoded ? message_number(decoded->message) : std::nullopt;
}

void set_execution(gear::Message& message, Execution execution) {
  message.meta.set(kExecutionMeta, std::to_string(execution));
}

std::optional<Execution> execution_of(const gear::Message& message) {
  return parse(message.meta.get(kExecutionMeta));
}

}  // namespace fluxrig::sim
