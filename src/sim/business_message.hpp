// The content of the messages between simulated racks: which execution sent it, and bytes that must arrive as
// they were. Any thread.
#pragma once

#include <optional>

#include "base/bytes.hpp"
#include "gear/message.hpp"
#include "sim/oracle.hpp"

namespace fluxrig::sim {

// Where a message carries the execution that works on it now.
inline constexpr std::string_view kExecutionMeta = "sim.execution";

[[nodiscard]] gear::Message make_message(Execution sender);
// nullopt: not as it was made.
[[nodiscard]] std::optional<Execution> message_number(const gear::Message& message);
// The same of a message as it travels (gear/bus/flux_message.hpp).
[[nodiscard]] std::optional<Execution> message_number(ByteView encoded);

void set_execution(gear::Message& message, Execution execution);
[[nodiscard]] std::optional<Execution> execution_of(const gear::Message& message);

}  // namespace fluxrig::sim
