#include "model/control.hpp"

#include <fmt/format.h>

#include "model/map_codec.hpp"

namespace fluxrig::model {
namespace {

Result<void> read_version(cbor::Decoder& decoder) {
  const auto value = decoder.unsigned_integer();
  if (!value) return tl::unexpected(value.error());
  if (*value != kControlVersion) return fail(ErrorCode::kUnsupported, "a control message of another version");
  return {};
}

Result<void> read_text(cbor::Decoder& decoder, std::size_t limit, std::string& out) {
  const auto text = decoder.text();
  if (!text) return tl::unexpected(text.error());
  if (text->size() > limit)
    return fail(ErrorCode::kOversize, "a text of a control message is over its limit");
  out = *text;
  return {};
}

Result<void> read_texts(cbor::Decoder& decoder, ControlTexts& out) {
  const auto entries = decoder.map();
  if (!entries) return tl::unexpected(entries.error());
  if (*entries > kMaxControlEntries)
    return fail(ErrorCode::kOversize, "a control message has too many entries");
  for (std::size_t i = 0; i < *entries; ++i) {
    std::string name;
    std::string value;
    if (const auto done = read_text(decoder, kMaxControlNameBytes, name); !done) return done;
    if (!out.empty() && !ShorterFirst{}(out.rbegin()->first, name))
      return fail(ErrorCode::kInvalid, "names that do not ascend");
    if (const auto done = read_text(decoder, kMaxControlValueBytes, value); !done) return done;
    out.emplace_hint(out.end(), std::move(name), std::move(value));
  }
  return {};
}

void write_texts(cbor::Encoder& encoder, const ControlTexts& texts) {
  encoder.map(texts.size());
  for (const auto& [name, value] : texts) {
    encoder.text(name);
    encoder.text(value);
  }
}

// Reads a whole message: `entry(decoder, key)` reads the values of all keys but the version's.
template <typename Entry>
Result<void> read_message(ByteView bytes, SeenKeys required, const Entry& entry) {
  cbor::Decoder decoder(bytes);
  const auto seen = read_map(decoder, [&](std::uint64_t key) -> std::optional<Result<void>> {
    return key == 0 ? read_version(decoder) : entry(decoder, key);
  });
  if (!seen) return tl::unexpected(seen.error());
  if (const auto whole = require(*seen, required); !whole) return whole;
  if (!decoder.at_end()) return fail(ErrorCode::kInvalid, "bytes follow a control message");
  return {};
}

}  // namespace

void encode(const ControlCommand& command, Bytes& out) {
  MapWriter map(out);
  map.key(0).unsigned_integer(kControlVersion);
  map.key(1).bytes(command.id.view());
  map.key(2).text(command.name);
  map.key(3).text(command.who);
  map.key(4).text(command.reason);
  map.key(5).integer(command.issued.value);
  map.unless_zero(6, command.duration_ms);
  if (!command.arguments.empty()) write_texts(map.key(7), command.arguments);
}

void encode(const ControlAnswer& answer, Bytes& out) {
  MapWriter map(out);
  map.key(0).unsigned_integer(kControlVersion);
  map.key(1).bytes(answer.id.view());
  map.key(2).text(answer.error);
  if (!answer.results.empty()) write_texts(map.key(3), answer.results);
}

Result<ControlCommand> decode_control_command(ByteView bytes) {
  ControlCommand command;
  const auto entry = [&](cbor::Decoder& decoder, std::uint64_t key) -> std::optional<Result<void>> {
    switch (key) {
      case 1:
        return read(decoder, command.id);
      case 2:
        return read_text(decoder, kMaxControlNameBytes, command.name);
      case 3:
        return read_text(decoder, kMaxControlValueBytes, command.who);
      case 4:
        return read_text(decoder, kMaxControlReasonBytes, command.reason);
      case 5:
        return read(decoder, command.issued);
      case 6:
        return read(decoder, command.duration_ms);
      case 7:
        return read_texts(decoder, command.arguments);
      default:
        return std::nullopt;
    }
  };
  if (const auto done = read_message(bytes, keys_of(0, 1, 2, 3, 4, 5), entry); !done)
    return tl::unexpected(done.error());
  return command;
}

Result<ControlAnswer> decode_control_answer(ByteView bytes) {
  ControlAnswer answer;
  const auto entry = [&](cbor::Decoder& decoder, std::uint64_t key) -> std::optional<Result<void>> {
    switch (key) {
      case 1:
        return read(decoder, answer.id);
      case 2:
        return read_text(decoder, kMaxControlReasonBytes, answer.error);
      case 3:
        return read_texts(decoder, answer.results);
      default:
        return std::nullopt;
    }
  };
  if (const auto done = read_message(bytes, keys_of(0, 1, 2), entry); !done)
    return tl::unexpected(done.error());
  return answer;
}

void set_pressure(const ForcedPressure& forced, ControlCommand& command) {
  command.name = kPressureCommand;
  command.duration_ms = forced.duration_ms;
  command.arguments.clear();
  command.arguments.emplace(kStateArgument, forced.state ? name_of(*forced.state) : kAutomatic);
}

Outcome<ForcedPressure> forced_pressure(const ControlCommand& command) {
  const auto argument = command.arguments.find(kStateArgument);
  std::string_view name;
  if (argument != command.arguments.end()) name = argument->second;
  ForcedPressure forced;
  forced.state = pressure_state(name);
  // REPLAY is what follows from a backlog; there is nothing to hold a rack in.
  if ((!forced.state && name != kAutomatic) || forced.state == PressureState::kReplay)
    return problem(
        fmt::format("'{}' is no state to hold a rack in; one of: normal, restrict, divert, auto", name));
  if (command.reason.empty()) return problem("a reason is needed: it is kept in the audit trail");
  if (!forced.state) return forced;
  if (command.duration_ms == 0 || command.duration_ms > kMaxForcedMs)
    return problem("a forced state needs a duration of at most 24 h: it ends by itself");
  forced.duration_ms = command.duration_ms;
  return forced;
}

void set_debug(std::uint64_t duration_ms, ControlCommand& command) {
  command.name = kDebugCommand;
  command.duration_ms = duration_ms;
  command.arguments.clear();
  command.arguments.emplace(kStateArgument, duration_ms == 0 ? kOff : kOn);
}

Outcome<std::uint64_t> debug_duration(const ControlCommand& command) {
  const auto argument = command.arguments.find(kStateArgument);
  std::string_view state;
  if (argument != command.arguments.end()) state = argument->second;
  if (command.reason.empty()) return problem("a reason is needed (--reason): it is kept in the audit trail");
  if (state == kOff) return 0;
  if (state != kOn)
    return problem(fmt::format(
        "'{}' is no level that an operator may ask for: 'on' (debug) or 'off'; trace does not exist", state));
  if (command.duration_ms == 0 || command.duration_ms > kMaxDebugMs)
    return problem("debug diagnostics need a duration of at most 1 h (--for): they end by themselves");
  return command.duration_ms;
}

}  // namespace fluxrig::model
