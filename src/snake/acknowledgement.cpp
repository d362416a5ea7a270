#include "snake/acknowledgement.hpp"

#include <array>
#include <charconv>

namespace fluxrig::snake {

namespace {

constexpr std::string_view kPrefix = "$JS.ACK.";
constexpr std::size_t kShortTokens = 7;  // after "$JS.ACK."
constexpr std::size_t kLongTokens = 9;   // with domain and account; a random token may follow
constexpr std::size_t kMaxTokens = 10;

template <typename Number>
bool parse_number(std::string_view text, Number& out) noexcept {
  const auto result = std::from_chars(text.data(), text.data() + text.size(), out);
  return result.ec == std::errc{} && result.ptr == text.data() + text.size();
}

// The unsigned number after `key` (which includes quotes and colon); the answer is flat enough that a scan
// suffices.
std::optional<std::uint64_t> number_after(std::string_view json, std::string_view key) noexcept {
  const auto at = json.find(key);
  if (at == std::string_view::npos) return std::nullopt;
  auto rest = json.substr(at + key.size());
  while (!rest.empty() && rest.front() == ' ') rest.remove_prefix(1);
  std::uint64_t value = 0;
  if (std::from_chars(rest.data(), rest.data() + rest.size(), value).ec != std::errc{}) return std::nullopt;
  return value;
}

constexpr std::uint64_t kStreamFull = 10077;
constexpr std::uint64_t kServerStoreFull = 10023;
constexpr std::uint64_t kServerMemoryFull = 10028;
constexpr std::uint64_t kMessageTooLarge = 10054;
constexpr std::uint64_t kNoStream = 10076;
constexpr std::uint64_t kSealed = 10109;

Error refusal(std::uint64_t code) noexcept {
  switch (code) {
    case kStreamFull:
      return {ErrorCode::kFull, 0, "the stream is full"};
    case kServerStoreFull:
    case kServerMemoryFull:
      return {ErrorCode::kFull, 0, "the server's store is full"};
    case kMessageTooLarge:
      return {ErrorCode::kOversize, 0, "the message is over the stream's limit"};
    case kNoStream:
      return {ErrorCode::kUnavailable, 0, "no stream listens on the subject"};
    case kSealed:
      return {ErrorCode::kRefused, 0, "the stream is sealed"};
    default:
      return {ErrorCode::kUnavailable, 0, "the server could not store the message"};
  }
}

}  // namespace

std::optional<DeliveryMetadata> parse_acknowledge_subject(std::string_view subject) noexcept {
  if (subject.substr(0, kPrefix.size()) != kPrefix) return std::nullopt;
  subject.remove_prefix(kPrefix.size());
  std::array<std::string_view, kMaxTokens> tokens;
  std::size_t count = 0;
  for (;;) {
    if (count == kMaxTokens) return std::nullopt;
    const auto dot = subject.find('.');
    tokens[count++] = subject.substr(0, dot);
    if (dot == std::string_view::npos) break;
    subject.remove_prefix(dot + 1);
  }
  if (count != kShortTokens && count < kLongTokens) return std::nullopt;
  const std::size_t first = count == kShortTokens ? 0 : 2;
  DeliveryMetadata data;
  data.stream = tokens[first];
  data.consumer = tokens[first + 1];
  if (data.stream.empty() || data.consumer.empty() || !parse_number(tokens[first + 2], data.deliveries) ||
      !parse_number(tokens[first + 3], data.stream_sequence) ||
      !parse_number(tokens[first + 4], data.consumer_sequence) ||
      !parse_number(tokens[first + 5], data.stored_unix_nanos) ||
      !parse_number(tokens[first + 6], data.pending))
    return std::nullopt;
  return data;
}

Result<PublishReceipt> parse_publish_answer(std::string_view json) noexcept {
  if (json.find("\"error\":") != std::string_view::npos) {
    const auto code = number_after(json, "\"err_code\":");
    return tl::unexpected<Error>(refusal(code.value_or(0)));
  }
  const auto sequence = number_after(json, "\"seq\":");
  if (!sequence || *sequence == 0) return fail(ErrorCode::kCorrupt, "the answer to a publish does not parse");
  const bool duplicate = json.find("\"duplicate\":true") != std::string_view::npos ||
                         json.find("\"duplicate\": true") != std::string_view::npos;
  return PublishReceipt{*sequence, duplicate};
}

std::string_view to_string(DeadLetterReason reason) noexcept {
  return reason == DeadLetterReason::kMaxDeliveries ? "max_deliveries" : "terminated";
}

std::optional<Advisory> parse_advisory(std::string_view subject, std::string_view json) noexcept {
  constexpr std::string_view kGivenUp = "$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.";
  constexpr std::string_view kTerminated = "$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.";
  Advisory advisory;
  if (subject.substr(0, kGivenUp.size()) == kGivenUp) {
    subject.remove_prefix(kGivenUp.size());
  } else if (subject.substr(0, kTerminated.size()) == kTerminated) {
    advisory.reason = DeadLetterReason::kTerminated;
    subject.remove_prefix(kTerminated.size());
  } else {
    return std::nullopt;
  }
  const auto dot = subject.find('.');
  if (dot == 0 || dot == std::string_view::npos || dot + 1 == subject.size()) return std::nullopt;
  advisory.stream = subject.substr(0, dot);
  advisory.consumer = subject.substr(dot + 1);
  const auto sequence = number_after(json, "\"stream_seq\":");
  const auto deliveries = number_after(json, "\"deliveries\":");
  if (!sequence || *sequence == 0 || !deliveries) return std::nullopt;
  advisory.stream_sequence = *sequence;
  advisory.deliveries = *deliveries;
  return advisory;
}

}  // namespace fluxrig::snake
