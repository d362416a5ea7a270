// What the API's requests that command a rack have in common: who and why, the rack, its answer, the record
// of it. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "mixer/api/api.hpp"

namespace fluxrig::mixer {

// The rack that a path names, its name or machine_id: "/api/v1/racks/{rack}/{what}"; nullopt: another path.
[[nodiscard]] std::optional<std::string_view> rack_of_path(std::string_view path, std::string_view what);
// The answer to any other method.
[[nodiscard]] std::optional<ApiResponse> refuse_unless_post(const ApiRequest& request);
// In JSON: when what begins now and lasts so long is over; null: it has no end, or none any more.
[[nodiscard]] ReplyText until_json(UnixNanos now, std::optional<std::uint64_t> duration_ms);

// "10m": a whole number of seconds, minutes or hours, in milliseconds.
[[nodiscard]] std::optional<std::uint64_t> parse_duration(std::string_view text);

// Fills `reason`, `who` and `duration_ms` out of the body's members of these names ("for"); all of it
// searched, because it goes onto the bus, into logs and into the store. The problem is a 400's.
[[nodiscard]] Outcome<void> read_operator(const std::string& body, model::ControlCommand& command);

// Whether a rack of this name or machine_id has a certificate.
[[nodiscard]] bool rack_is_known(const ApiParts& parts, std::string_view wanted);

struct RackAnswer {
  std::string rack;
  MachineId machine;
  model::ControlAnswer answer;
};
// Sends the command to the rack of this name or machine_id and waits for its answer. What was asked and what
// came of it is a line in the mixer's log. The response is the one that says why not.
[[nodiscard]] tl::expected<RackAnswer, ApiResponse> command_rack(const ApiParts& parts,
                                                                 std::string_view wanted,
                                                                 model::ControlCommand& command);

}  // namespace fluxrig::mixer
