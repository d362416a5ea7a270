#include "snake/subjects.hpp"

#include <fmt/format.h>

namespace fluxrig::snake {

std::string message_subject(std::string_view rack, std::string_view gear, std::string_view port) {
  return fmt::format("flux.msg.{}.{}.{}", rack, gear, port);
}
std::string reply_port(std::string_view rack, std::string_view gear) {
  return fmt::format("reply-{}-{}", rack, gear);
}
std::string reply_filter(std::string_view rack, std::string_view gear) {
  return fmt::format("flux.msg.*.*.{}", reply_port(rack, gear));
}
std::string dead_letter_subject(std::string_view rack, std::string_view gear) {
  return fmt::format("flux.dlq.{}.{}", rack, gear);
}
std::string consumer_name(std::string_view rack, std::string_view gear) {
  return fmt::format("{}__{}", rack, gear);
}
std::string deliver_subject(const MachineId& machine, std::string_view gear) {
  return fmt::format("flux.deliver.{}.{}", to_string(machine), gear);
}
std::string audit_subject(const MachineId& machine) { return "flux.audit." + to_string(machine); }
std::string telemetry_subject(const MachineId& machine) { return "flux.telemetry." + to_string(machine); }
std::string receipt_subject(const MachineId& machine) { return "flux.receipt." + to_string(machine); }
std::string pressure_subject(const MachineId& machine) { return "flux.pressure." + to_string(machine); }
std::string control_subject(const MachineId& machine) { return "flux.ctrl." + to_string(machine); }
std::string control_reply_subject(const MachineId& machine) {
  return "flux.ctrl.mixer." + to_string(machine);
}
std::string hello_subject(const MachineId& machine) { return "flux.agent.hello." + to_string(machine); }
std::string heartbeat_subject(const MachineId& machine) {
  return "flux.agent.heartbeat." + to_string(machine);
}
std::string context_subject(std::string_view rack) { return fmt::format("flux.context.{}", rack); }
std::string inbox_prefix(std::string_view owner) { return fmt::format("_INBOX_{}", owner); }

bool is_inbox_of(const MachineId& machine, std::string_view reply) {
  const std::string prefix = inbox_prefix(to_string(machine)) + ".";
  return reply.size() > prefix.size() && reply.substr(0, prefix.size()) == prefix &&
         reply.find_first_of("*>") == std::string_view::npos;
}

bool valid_name_token(std::string_view name) noexcept {
  if (name.empty() || name.size() > kMaxNameToken) return false;
  for (const char c : name)
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-')) return false;
  return true;
}

bool valid_rack_name(std::string_view name) noexcept {
  return valid_name_token(name) && name.find("__") == std::string_view::npos && name.back() != '_';
}

std::optional<ConsumerOwner> parse_consumer_name(std::string_view name) {
  const auto cut = name.find("__");
  if (cut == std::string_view::npos) return std::nullopt;
  ConsumerOwner owner{std::string(name.substr(0, cut)), std::string(name.substr(cut + 2))};
  if (!valid_rack_name(owner.rack) || !valid_name_token(owner.gear)) return std::nullopt;
  return owner;
}

namespace {
std::string_view next_token(std::string_view& rest) noexcept {
  const auto dot = rest.find('.');
  const auto token = rest.substr(0, dot);
  rest = dot == std::string_view::npos ? std::string_view{} : rest.substr(dot + 1);
  return token;
}
}  // namespace

bool filters_overlap(std::string_view a, std::string_view b) noexcept {
  while (!a.empty() && !b.empty()) {
    const auto left = next_token(a);
    const auto right = next_token(b);
    if (left == ">" || right == ">") return true;
    if (left != "*" && right != "*" && left != right) return false;
  }
  return a.empty() && b.empty();
}

}  // namespace fluxrig::snake
