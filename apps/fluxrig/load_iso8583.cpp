#include "fluxrig/load_iso8583.hpp"

#include <fmt/core.h>

#include <charconv>

#include "fluxrig/load_template.hpp"

namespace fluxrig::client {
namespace {

constexpr std::uint64_t kStans = 1'000'000;

// Codes by which a host says that it could not do its work; a decline is an answer.
bool is_failure(std::string_view code) noexcept {
  for (const std::string_view failure : {"06", "12", "30", "68", "90", "91", "92", "96"})
    if (code == failure) return true;
  return code.empty();
}

// MMDDhhmmss in UTC, out of "2026-11-22T14:03:07...".
std::string transmission_time(UnixNanos now) {
  const auto text = to_rfc3339(now);
  return text.substr(5, 2) + text.substr(8, 2) + text.substr(11, 2) + text.substr(14, 2) + text.substr(17, 2);
}

}  // namespace

Outcome<std::unique_ptr<Iso8583Load>> Iso8583Load::make(Iso8583LoadOptions options, const Clock& clock,
                                                        Random& random) {
  std::unique_ptr<Iso8583Load> load(new Iso8583Load(std::move(options), clock, random));
  load->fill(1);
  if (const auto coded = gear::iso8583::encode(*load->options_.spec, load->fields_, load->payload_); !coded)
    return problem(fmt::format("the specification '{}' cannot carry the request: element {}: {}",
                               load->options_.spec->name, coded.error().element, coded.error().error.detail));
  return load;
}

void Iso8583Load::fill(std::uint64_t n) {
  const auto digits = [](std::uint64_t value, std::size_t count) {
    std::string text;
    append_digits(value, count, text);
    return text;
  };
  const std::string time = transmission_time(clock_.now());
  std::string card;
  append_test_card_number(random_, card);
  fields_.clear();
  fields_.append("mti", std::string(1, options_.spec->version) + "200");
  fields_.append("2", std::move(card));
  fields_.append("3", "000000");
  fields_.append("4", digits(1 + random_.below(50'000), 12));
  fields_.append("7", time);
  fields_.append("11", digits(n % kStans, 6));
  // 1987: hhmmss and MMDD apart; 1993: YYMMDDhhmmss in element 12.
  if (options_.spec->elements[12].length == 12) {
    fields_.append("12", to_rfc3339(clock_.now()).substr(2, 2) + time);
  } else {
    fields_.append("12", time.substr(4));
    fields_.append("13", time.substr(0, 4));
  }
  fields_.append("37", digits(n, 12));
  fields_.append("41", options_.terminal);
  fields_.append("42", "LOADMERCHANT001");
  fields_.append("49", "978");
}

LoadRequest Iso8583Load::append_request(std::uint64_t n, std::string& out) {
  fill(n);
  // `make` has proved that a request can be encoded, and all have the same shape.
  if (gear::iso8583::encode(*options_.spec, fields_, payload_))
    (void)gear::net::append_frame(options_.framing, payload_, out);
  return {n % kStans, {}};
}

LoadReply Iso8583Load::parse(std::string_view bytes) {
  const auto frame = gear::net::next_frame(options_.framing, bytes, kMaxFrame);
  LoadReply reply;
  reply.used = frame.used;
  switch (frame.kind) {
    case gear::net::Frame::Kind::kIncomplete:
      return {};
    case gear::net::Frame::Kind::kPoll:
      reply.kind = LoadReply::Kind::kIgnored;
      return reply;
    case gear::net::Frame::Kind::kOversize:
    case gear::net::Frame::Kind::kBroken:
      reply.kind = LoadReply::Kind::kBroken;
      return reply;
    case gear::net::Frame::Kind::kMessage:
      break;
  }
  return read_reply(reply, frame.payload);
}

LoadReply Iso8583Load::read_reply(LoadReply reply, std::string_view payload) {
  reply.kind = LoadReply::Kind::kBroken;
  if (!gear::iso8583::decode(*options_.spec, payload, reply_fields_)) return reply;
  const auto type = reply_fields_.get("mti");
  const auto stan = reply_fields_.get("11");
  const auto code = reply_fields_.get("39");
  const auto [end, error] = std::from_chars(stan.data(), stan.data() + stan.size(), reply.key);
  const bool known = error == std::errc{} && end == stan.data() + stan.size();
  reply.kind = type.ends_with("210") && known ? LoadReply::Kind::kReply : LoadReply::Kind::kIgnored;
  (void)std::from_chars(code.data(), code.data() + std::min<std::size_t>(code.size(), 3), reply.status);
  reply.success = !is_failure(code);
  return reply;
}

}  // namespace fluxrig::client
