#include "model/agent.hpp"

#include <optional>

#include "cbor/decoder.hpp"
#include "cbor/encoder.hpp"
#include "model/map_codec.hpp"
#include "model/record_fields.hpp"

namespace fluxrig::model {
namespace {

constexpr std::uint64_t kPressureStateKey = 3;
constexpr std::uint64_t kLastPressureKey = 9;

Result<std::string> bounded_text(cbor::Decoder& decoder, std::size_t limit) {
  const auto text = decoder.text();
  if (!text) return tl::unexpected(text.error());
  if (text->size() > limit) return fail(ErrorCode::kOversize, "a text of an agent message is over its limit");
  return std::string(*text);
}

Result<Epoch> epoch(cbor::Decoder& decoder) {
  const auto value = decoder.unsigned_integer();
  if (!value) return tl::unexpected(value.error());
  if (*value == 0 || *value > UINT32_MAX)
    return fail(ErrorCode::kInvalid, "the epoch of an agent message is out of range");
  return Epoch{static_cast<std::uint32_t>(*value)};
}

Result<void> before(cbor::Decoder& decoder, Hello& hello) {
  const auto value = decoder.unsigned_integer();
  if (!value) return tl::unexpected(value.error());
  if (*value >= hello.epoch.value)
    return fail(ErrorCode::kInvalid, "a hello names an epoch before its own that is not lower");
  hello.before = Epoch{static_cast<std::uint32_t>(*value)};
  return {};
}

Result<void> version(cbor::Decoder& decoder) {
  const auto value = decoder.unsigned_integer();
  if (!value) return tl::unexpected(value.error());
  if (*value != kAgentVersion) return fail(ErrorCode::kUnsupported, "an agent message of another version");
  return {};
}

Result<std::vector<ConsumerRequest>> consumers(cbor::Decoder& decoder) {
  const auto count = decoder.array();
  if (!count) return tl::unexpected(count.error());
  if (*count > kMaxConsumers) return fail(ErrorCode::kOversize, "a hello asks for too many consumers");
  std::vector<ConsumerRequest> list;
  list.reserve(*count);
  for (std::size_t i = 0; i < *count; ++i) {
    const auto pair = decoder.array();
    if (!pair || *pair != 2) return fail(ErrorCode::kInvalid, "a hello's consumer is not a pair");
    auto gear = bounded_text(decoder, kMaxAgentNameBytes);
    if (!gear) return tl::unexpected(gear.error());
    auto filter = bounded_text(decoder, kMaxFilterBytes);
    if (!filter) return tl::unexpected(filter.error());
    list.push_back({std::move(*gear), std::move(*filter)});
  }
  return list;
}

// key, value, key, value...; values are texts or integers.
Result<std::vector<Attribute>> resource(cbor::Decoder& decoder) {
  const auto items = decoder.array();
  if (!items) return tl::unexpected(items.error());
  if (*items > 2 * kMaxResourceAttributes)
    return fail(ErrorCode::kOversize, "a hello says too much of its host");
  if (*items % 2 != 0) return fail(ErrorCode::kInvalid, "an attribute of a hello has no value");
  std::vector<Attribute> list;
  for (std::size_t i = 0; i < *items / 2; ++i) {
    auto key = bounded_text(decoder, kMaxResourceBytes);
    if (!key) return tl::unexpected(key.error());
    auto& attribute = list.emplace_back(Attribute{std::move(*key), {}});
    if (auto done = read_value(decoder, attribute.value); !done) return tl::unexpected(done.error());
    const auto* text = std::get_if<std::string>(&attribute.value);
    if (text != nullptr && text->size() > kMaxResourceBytes)
      return fail(ErrorCode::kOversize, "a text of an agent message is over its limit");
    if (text == nullptr && !std::holds_alternative<std::int64_t>(attribute.value))
      return fail(ErrorCode::kInvalid, "an attribute of a hello is neither text nor integer");
  }
  return list;
}

// Stores `value` and says whether it was one: lets an entry be one line.
template <typename T>
Result<void> put(Result<T> value, T& target) {
  if (!value) return tl::unexpected(value.error());
  target = std::move(*value);
  return {};
}

Result<void> skip(cbor::Decoder& decoder) {
  const auto unknown = decoder.skip();
  if (!unknown) return tl::unexpected(unknown.error());
  return {};
}

// Walks one map with ascending unsigned keys to the end of the input. `entry(decoder, key)` reads the value.
// Keys 0 to required - 1 must be there.
template <typename Entry>
Result<void> walk(ByteView bytes, std::uint64_t required, const Entry& entry) {
  cbor::Decoder decoder(bytes);
  const auto entries = decoder.map();
  if (!entries) return tl::unexpected(entries.error());
  std::uint64_t least_key = 0;
  std::uint64_t found = 0;
  for (std::size_t i = 0; i < *entries; ++i) {
    const auto key = decoder.unsigned_integer();
    if (!key) return tl::unexpected(key.error());
    if (*key < least_key) return fail(ErrorCode::kInvalid, "the keys of an agent message are not ascending");
    least_key = *key + 1;
    if (*key < required) ++found;
    Result<void> done = *key == 0 ? version(decoder) : entry(decoder, *key);
    if (!done) return done;
  }
  if (!decoder.at_end()) return fail(ErrorCode::kInvalid, "bytes follow an agent message");
  if (found != required) return fail(ErrorCode::kInvalid, "an agent message lacks a key");
  return {};
}

// Keys 3 to 9 of a heartbeat.
Result<void> pressure_entry(cbor::Decoder& decoder, std::uint64_t key, RackPressure& pressure) {
  switch (key) {
    case 3:
      return read_within(decoder, {0, static_cast<std::int64_t>(PressureState::kReplay)}, pressure.state);
    case 4:
      return put(bounded_text(decoder, kMaxPressureCauseBytes), pressure.cause);
    case 5:
      return read(decoder, pressure.backlog_bytes);
    case 6:
      return read(decoder, pressure.live_bytes_per_s);
    case 7:
      return read(decoder, pressure.replay_bytes_per_s);
    case 8:
      return read(decoder, pressure.seconds_left.emplace());
    default:
      return read(decoder, pressure.spool_messages);
  }
}

}  // namespace

void encode(const Hello& hello, Bytes& out) {
  MapWriter map(out);
  map.key(0).unsigned_integer(kAgentVersion);
  map.key(1).text(hello.rack);
  map.key(2).text(hello.version);
  map.key(3).unsigned_integer(hello.epoch.value);
  auto& list = map.key(4);
  list.array(hello.consumers.size());
  for (const auto& consumer : hello.consumers) {
    list.array(2);
    list.text(consumer.gear);
    list.text(consumer.filter_subject);
  }
  map.key(5).integer(hello.started.value);
  if (hello.before) map.key(6).unsigned_integer(hello.before->value);
  if (hello.resource.empty()) return;
  auto& resource = map.key(7);
  resource.array(2 * hello.resource.size());
  for (const auto& [key, value] : hello.resource) {
    resource.text(key);
    if (const auto* number = std::get_if<std::int64_t>(&value))
      resource.integer(*number);
    else
      resource.text(std::get<std::string>(value));
  }
}

void encode(const HelloReply& reply, Bytes& out) {
  cbor::Encoder encoder(out);
  encoder.map(2);
  encoder.unsigned_integer(0);
  encoder.unsigned_integer(kAgentVersion);
  encoder.unsigned_integer(1);
  encoder.text(reply.error);
}

void encode(const Heartbeat& heartbeat, Bytes& out) {
  MapWriter map(out);
  map.key(0).unsigned_integer(kAgentVersion);
  map.key(1).unsigned_integer(heartbeat.epoch.value);
  map.key(2).text(heartbeat.status_json);
  if (!heartbeat.pressure) return;
  const auto& pressure = *heartbeat.pressure;
  map.key(3).unsigned_integer(static_cast<std::uint8_t>(pressure.state));
  map.unless_empty(4, pressure.cause);
  map.unless_zero(5, pressure.backlog_bytes);
  map.unless_zero(6, pressure.live_bytes_per_s);
  map.unless_zero(7, pressure.replay_bytes_per_s);
  if (pressure.seconds_left) map.key(8).unsigned_integer(*pressure.seconds_left);
  map.unless_zero(9, pressure.spool_messages);
}

Result<Hello> decode_hello(ByteView bytes) {
  Hello hello;
  const auto done = walk(bytes, 5, [&](cbor::Decoder& decoder, std::uint64_t key) -> Result<void> {
    switch (key) {
      case 1:
        return put(bounded_text(decoder, kMaxAgentNameBytes), hello.rack);
      case 2:
        return put(bounded_text(decoder, kMaxAgentNameBytes), hello.version);
      case 3:
        return put(epoch(decoder), hello.epoch);
      case 4:
        return put(consumers(decoder), hello.consumers);
      case 5:
        return put(decoder.integer(), hello.started.value);
      case 6:
        return before(decoder, hello);
      case 7:
        return put(resource(decoder), hello.resource);
      default:
        return skip(decoder);
    }
  });
  if (!done) return tl::unexpected(done.error());
  return hello;
}

Result<HelloReply> decode_hello_reply(ByteView bytes) {
  HelloReply reply;
  const auto done = walk(bytes, 2, [&](cbor::Decoder& decoder, std::uint64_t key) -> Result<void> {
    return key == 1 ? put(bounded_text(decoder, kMaxReplyErrorBytes), reply.error) : skip(decoder);
  });
  if (!done) return tl::unexpected(done.error());
  return reply;
}

Result<Heartbeat> decode_heartbeat(ByteView bytes) {
  Heartbeat heartbeat;
  RackPressure pressure;
  bool stated = false;
  const auto done = walk(bytes, 3, [&](cbor::Decoder& decoder, std::uint64_t key) -> Result<void> {
    switch (key) {
      case 1:
        return put(epoch(decoder), heartbeat.epoch);
      case 2:
        return put(bounded_text(decoder, kMaxStatusBytes), heartbeat.status_json);
      default:
        if (key > kLastPressureKey) return skip(decoder);
        stated = stated || key == kPressureStateKey;
        return pressure_entry(decoder, key, pressure);
    }
  });
  if (!done) return tl::unexpected(done.error());
  if (stated) heartbeat.pressure = std::move(pressure);  // figures without a state say nothing
  return heartbeat;
}

}  // namespace fluxrig::model
