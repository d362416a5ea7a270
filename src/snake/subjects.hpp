// Every subject, stream and consumer name on the snake, in one place: docs/formats/snake.md. A rack name or
// gear name is one token: [a-z0-9_-]{1,32} (the scenario checks it). Any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/ids.hpp"

namespace fluxrig::snake {

inline constexpr std::string_view kStreamMessages = "FLUX_MSG";         // flux.msg.>      limits, file
inline constexpr std::string_view kStreamAudit = "FLUX_AUDIT";          // flux.audit.*    discard new
inline constexpr std::string_view kStreamTelemetry = "FLUX_TELEMETRY";  // flux.telemetry.* discard new
inline constexpr std::string_view kStreamDeadLetters = "FLUX_DLQ";      // flux.dlq.>
inline constexpr std::string_view kStreamAdvisories =
    "FLUX_ADVISORY";  // the server's notes on given-up deliveries

// P0. `rack` is the publisher's own name: permissions let a rack publish only under itself.
[[nodiscard]] std::string message_subject(std::string_view rack, std::string_view gear,
                                          std::string_view port);
// Replies to bus_out gear `gear` of rack `rack` come from any rack on port "reply-<rack>-<gear>".
[[nodiscard]] std::string reply_port(std::string_view rack, std::string_view gear);
[[nodiscard]] std::string reply_filter(std::string_view rack,
                                       std::string_view gear);  // flux.msg.*.*.reply-...
[[nodiscard]] std::string dead_letter_subject(std::string_view rack,
                                              std::string_view gear);  // flux.dlq.<rack>.<gear>
// The durable consumer of `gear` in `rack`, made by the mixer on the rack's hello, and where it delivers.
[[nodiscard]] std::string consumer_name(std::string_view rack, std::string_view gear);  // "<rack>__<gear>"
[[nodiscard]] std::string deliver_subject(const MachineId& machine,
                                          std::string_view gear);  // flux.deliver.<machine>.<gear>

[[nodiscard]] std::string audit_subject(const MachineId& machine);
[[nodiscard]] std::string telemetry_subject(const MachineId& machine);
[[nodiscard]] std::string receipt_subject(const MachineId& machine);
[[nodiscard]] std::string pressure_subject(const MachineId& machine);
inline constexpr std::string_view kPressureForAll = "flux.pressure.all";
[[nodiscard]] std::string control_subject(const MachineId& machine);
// Requests from racks carry the machine_id in the subject, so that the server's permissions prove who asks.
[[nodiscard]] std::string hello_subject(const MachineId& machine);  // flux.agent.hello.<machine>
// Trace contexts for messages of protocols without headers, by the rack that offers them; every rack may
// listen.
inline constexpr std::string_view kContextFilter = "flux.context.*";
[[nodiscard]] std::string context_subject(std::string_view rack);
[[nodiscard]] std::string heartbeat_subject(const MachineId& machine);  // flux.agent.heartbeat.<machine>
// A command's answer, rack to mixer: a rack may not publish to the mixer's inbox.
[[nodiscard]] std::string control_reply_subject(const MachineId& machine);  // flux.ctrl.mixer.<machine>

// "_INBOX_<owner>": a rack's owner is its machine_id, and it may subscribe under no other inbox.
[[nodiscard]] std::string inbox_prefix(std::string_view owner);
// Whoever answers a rack's request must check this first: a rack chooses the reply subject of its request
// freely, and the mixer may publish anywhere, so an unchecked answer could be steered to another rack or to
// the JetStream API.
[[nodiscard]] bool is_inbox_of(const MachineId& machine, std::string_view reply);

// Header of a dead letter that is tried again: only this consumer takes it.
inline constexpr std::string_view kForConsumer = "flux-for";

inline constexpr std::size_t kMaxNameToken = 32;
[[nodiscard]] bool valid_name_token(std::string_view name) noexcept;  // [a-z0-9_-]{1,32}
// A rack name holds no "__" and does not end in "_": so no two pairs of rack and gear share a consumer name.
[[nodiscard]] bool valid_rack_name(std::string_view name) noexcept;
struct ConsumerOwner {
  std::string rack;
  std::string gear;
};
[[nodiscard]] std::optional<ConsumerOwner> parse_consumer_name(std::string_view name);
// Whether some subject matches both filters ("*" one token, ">" the rest).
[[nodiscard]] bool filters_overlap(std::string_view a, std::string_view b) noexcept;

}  // namespace fluxrig::snake
