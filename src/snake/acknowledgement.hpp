// The texts that JetStream puts on subjects and in replies: the subject that acknowledges a delivery, and the
// answer to a publish. Outside bytes: anything that does not parse is an error, never a guess. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "snake/bus.hpp"

namespace fluxrig::snake {

struct DeliveryMetadata {
  std::string_view stream;  // views into the parsed subject
  std::string_view consumer;
  std::uint64_t deliveries = 0;
  std::uint64_t stream_sequence = 0;
  std::uint64_t consumer_sequence = 0;
  std::int64_t stored_unix_nanos = 0;
  std::uint64_t pending = 0;
};

// "$JS.ACK.<stream>.<consumer>.<deliveries>.<stream seq>.<consumer seq>.<time>.<pending>", and the form of
// newer servers
// "$JS.ACK.<domain>.<account>.<stream>...[.<random>]". nullopt for anything else.
[[nodiscard]] std::optional<DeliveryMetadata> parse_acknowledge_subject(std::string_view subject) noexcept;

// {"stream":"FLUX_MSG","seq":7,"duplicate":true} or {"error":{"code":503,"err_code":10077,...}}. kFull,
// kUnavailable, kRefused, kInvalid for the server's refusals; kCorrupt for what is neither.
[[nodiscard]] Result<PublishReceipt> parse_publish_answer(std::string_view json) noexcept;

enum class DeadLetterReason : std::uint8_t { kMaxDeliveries, kTerminated };
[[nodiscard]] std::string_view to_string(DeadLetterReason reason) noexcept;

// The server's note that it gave a message up.
struct Advisory {
  DeadLetterReason reason = DeadLetterReason::kMaxDeliveries;
  std::string_view stream;  // views into the parsed subject
  std::string_view consumer;
  std::uint64_t stream_sequence = 0;
  std::uint64_t deliveries = 0;
};

// "$JS.EVENT.ADVISORY.CONSUMER.<MAX_DELIVERIES|MSG_TERMINATED>.<stream>.<consumer>" with its JSON.
[[nodiscard]] std::optional<Advisory> parse_advisory(std::string_view subject,
                                                     std::string_view json) noexcept;

}  // namespace fluxrig::snake
