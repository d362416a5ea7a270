// What rack and mixer say to each other by hand (hello, heartbeat, commands, leases, receipts), encoded after
// every text of it has been searched; and what came from the other side, searched before it is stored, logged
// or shown: who has a certificate may say anything. Any thread.
#pragma once

#include "model/agent.hpp"
#include "model/control.hpp"
#include "model/pressure.hpp"
#include "model/receipt.hpp"
#include "sanitize/clean_bytes.hpp"

namespace fluxrig::sanitize {

[[nodiscard]] model::Hello searched(model::Hello hello);
[[nodiscard]] model::HelloReply searched(model::HelloReply reply);
// Its report member by member: a name or a number counts as any text, and what is no JSON says nothing
// ("{}").
[[nodiscard]] model::Heartbeat searched(model::Heartbeat heartbeat);
[[nodiscard]] model::ControlCommand searched(model::ControlCommand command);
[[nodiscard]] model::ControlAnswer searched(model::ControlAnswer answer);

[[nodiscard]] CleanBytes clean_message(model::Hello hello);
[[nodiscard]] CleanBytes clean_message(model::HelloReply reply);
[[nodiscard]] CleanBytes clean_message(model::Heartbeat heartbeat);
[[nodiscard]] CleanBytes clean_message(model::ControlCommand command);
[[nodiscard]] CleanBytes clean_message(model::ControlAnswer answer);
// These hold no text: ids, hashes, numbers, words of our own.
[[nodiscard]] CleanBytes clean_message(const model::PressureLease& lease);
[[nodiscard]] CleanBytes clean_message(const model::Receipt& receipt);

}  // namespace fluxrig::sanitize
