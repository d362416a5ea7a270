// Commands of an operator to a rack, and the rack's answers. docs/formats/control.md. The mixer publishes a
// command on flux.ctrl.<machine_id>, the rack its answer on flux.ctrl.mixer.<machine_id>, both at most once:
// who hears no answer in time does not know whether it was done, and may send the same id again. Any thread;
// values only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/result.hpp"
#include "model/pressure.hpp"

namespace fluxrig::model {

inline constexpr std::uint8_t kControlVersion = 1;
inline constexpr std::size_t kMaxControlNameBytes = 64;     // of a command or an argument
inline constexpr std::size_t kMaxControlValueBytes = 256;   // of an argument or a result
inline constexpr std::size_t kMaxControlReasonBytes = 512;  // of a reason or an error
inline constexpr std::size_t kMaxControlEntries = 16;       // arguments or results

using ControlId = IdBytes<16, struct ControlIdTag>;
[[nodiscard]] inline std::string to_string(const ControlId& id) { return to_uuid(id.bytes); }

// The order of deterministic CBOR.
struct ShorterFirst {
  using is_transparent = void;
  bool operator()(std::string_view left, std::string_view right) const noexcept {
    return left.size() != right.size() ? left.size() < right.size() : left < right;
  }
};
using ControlTexts = std::map<std::string, std::string, ShorterFirst>;

struct ControlCommand {
  ControlId id;
  std::string name;               // what to do; a rack that does not know it says so in its answer
  std::string who;                // as the operator's client said, not proved
  std::string reason;             // in the operator's words
  UnixNanos issued;               // by the mixer's clock
  std::uint64_t duration_ms = 0;  // then the rack goes back by itself; 0: nothing to go back to
  ControlTexts arguments;         // what they mean is the command's business
  friend bool operator==(const ControlCommand&, const ControlCommand&) = default;
};

struct ControlAnswer {
  ControlId id;       // of the command
  std::string error;  // empty: done; otherwise a sentence for the operator
  ControlTexts results;
  friend bool operator==(const ControlAnswer&, const ControlAnswer&) = default;
};

// Each appends one CBOR map. The caller keeps to the limits above; what is over them is refused by the
// decoder.
void encode(const ControlCommand& command, Bytes& out);
void encode(const ControlAnswer& answer, Bytes& out);

// Hostile bytes: kUnsupported for another version, kOversize over a limit, kTruncated or kInvalid otherwise.
// Keys that are not known are ignored.
[[nodiscard]] Result<ControlCommand> decode_control_command(ByteView bytes);
[[nodiscard]] Result<ControlAnswer> decode_control_answer(ByteView bytes);

// The command `pressure`: holds a rack in a state, whatever its sensors say, or (`auto`) lets go of it.
inline constexpr std::string_view kPressureCommand = "pressure";
inline constexpr std::string_view kStateArgument = "state";
inline constexpr std::string_view kAutomatic = "auto";
inline constexpr std::uint64_t kMaxForcedMs = 24ULL * 3'600 * 1'000;

struct ForcedPressure {
  std::optional<PressureState> state;  // NORMAL, RESTRICT or DIVERT; nullopt: auto
  std::uint64_t duration_ms = 0;       // 1 to kMaxForcedMs; 0 with auto
  friend bool operator==(const ForcedPressure&, const ForcedPressure&) = default;
};
// Sets name, duration and arguments.
void set_pressure(const ForcedPressure& forced, ControlCommand& command);
// A problem is a sentence for the operator: no state of that name, no duration, too long, no reason.
[[nodiscard]] Outcome<ForcedPressure> forced_pressure(const ControlCommand& command);

// The command `debug`: debug diagnostics on a rack under `profile: production`, for a while. Breaking the
// glass: it needs a reason and a duration, and ends by itself.
inline constexpr std::string_view kDebugCommand = "debug";
inline constexpr std::string_view kOn = "on";
inline constexpr std::string_view kOff = "off";
inline constexpr std::uint64_t kMaxDebugMs = 3'600'000;

// Sets name, duration and arguments; 0: off.
void set_debug(std::uint64_t duration_ms, ControlCommand& command);
// 0: off. A problem is a sentence for the operator, and says how to do it right.
[[nodiscard]] Outcome<std::uint64_t> debug_duration(const ControlCommand& command);

}  // namespace fluxrig::model
