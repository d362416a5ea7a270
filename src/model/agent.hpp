// Presence: what a rack says when it joins (hello, a request), what the mixer answers, and what the rack
// repeats while it lives (heartbeat). docs/formats/agent.md. The machine_id stands in the subject, where the
// server's permissions prove it, and so not in the message. Any thread; values only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/result.hpp"
#include "model/pressure.hpp"
#include "model/records.hpp"

namespace fluxrig::model {

inline constexpr std::uint8_t kAgentVersion = 1;
inline constexpr std::size_t kMaxConsumers = 256;
inline constexpr std::size_t kMaxAgentNameBytes = 64;      // rack name, gear name, software version
inline constexpr std::size_t kMaxFilterBytes = 256;        // a filter subject
inline constexpr std::size_t kMaxStatusBytes = 32U << 10;  // a heartbeat's JSON text
inline constexpr std::size_t kMaxReplyErrorBytes = 1024;   // a sentence
inline constexpr std::size_t kMaxPressureCauseBytes = 64;
inline constexpr std::size_t kMaxResourceAttributes = 32;
inline constexpr std::size_t kMaxResourceBytes = 256;  // a key, a text

// A bus_in or bus_out gear that wants the messages of `filter_subject` (flux.msg....).
struct ConsumerRequest {
  std::string gear;
  std::string filter_subject;
  friend bool operator==(const ConsumerRequest&, const ConsumerRequest&) = default;
};

struct Hello {
  std::string rack;
  std::string version;  // of the software
  Epoch epoch;
  std::vector<ConsumerRequest> consumers;
  UnixNanos started;
  // Of the start before, as the rack's directory has it; 0: there was none; nullopt: not known.
  std::optional<Epoch> before = std::nullopt;
  // Of the host and the process, in OpenTelemetry's names: host.name, os.type, ...; texts and integers.
  std::vector<Attribute> resource = {};
  friend bool operator==(const Hello&, const Hello&) = default;
};

struct HelloReply {
  std::string error;  // empty: welcome; otherwise a sentence for the rack's operator
  friend bool operator==(const HelloReply&, const HelloReply&) = default;
};

// How a rack stands in the pressure chain.
struct RackPressure {
  PressureState state = PressureState::kNormal;
  std::string cause;                          // a word, as in the rack's metrics; empty: none
  std::uint64_t backlog_bytes = 0;            // of P1 and P2: on disk, without a receipt, and not live
  std::uint64_t live_bytes_per_s = 0;         // of P1 and P2, as they are made
  std::uint64_t replay_bytes_per_s = 0;       // out of the backlog, as it leaves
  std::optional<std::uint64_t> seconds_left;  // of the replay, estimated; nullopt: cannot be told
  std::uint64_t spool_messages = 0;           // of P0, on disk until the bus has them
  friend bool operator==(const RackPressure&, const RackPressure&) = default;
};

struct Heartbeat {
  Epoch epoch;
  std::string status_json;                              // an object: lane depths, counters, footprint
  std::optional<RackPressure> pressure = std::nullopt;  // nullopt: an older rack, which knows no states
  friend bool operator==(const Heartbeat&, const Heartbeat&) = default;
};

// Each appends one CBOR map. The caller keeps to the limits above; longer text is refused by the decoder.
void encode(const Hello& hello, Bytes& out);
void encode(const HelloReply& reply, Bytes& out);
void encode(const Heartbeat& heartbeat, Bytes& out);

// Hostile bytes: kUnsupported for another version, kOversize over a limit, kTruncated or kInvalid otherwise.
// Keys that are not known are ignored.
[[nodiscard]] Result<Hello> decode_hello(ByteView bytes);
[[nodiscard]] Result<HelloReply> decode_hello_reply(ByteView bytes);
[[nodiscard]] Result<Heartbeat> decode_heartbeat(ByteView bytes);

}  // namespace fluxrig::model
