// POST /api/v1/racks/{rack}/pressure: an operator holds a rack in a state, or lets go of it. Waits for the
// rack's answer. What was asked, by whom and why, and what came of it, is a line in the mixer's log.
#include <fmt/core.h>

#include <charconv>

#include "base/diagnostics.hpp"
#include "mixer/api/api.hpp"
#include "mixer/api/json_text.hpp"
#include "sanitize/sanitizer.hpp"

namespace fluxrig::mixer {
namespace {

constexpr std::string_view kPrefix = "/api/v1/racks/";
constexpr std::string_view kSuffix = "/pressure";

// "10m": a whole number of seconds, minutes or hours, in milliseconds.
std::optional<std::uint64_t> parse_duration(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const auto unit = text.substr(static_cast<std::size_t>(end - text.data()));
  const std::uint64_t factor = unit == "s" ? 1'000 : unit == "m" ? 60'000 : unit == "h" ? 3'600'000 : 0;
  if (error != std::errc{} || factor == 0 || number > UINT32_MAX) return std::nullopt;
  return number * factor;
}

std::optional<MachineId> find_rack(const RackIndex& racks, std::string_view wanted) {
  for (const auto& [machine, name] : racks.all())
    if (name == wanted || to_string(machine) == wanted) return machine;
  return std::nullopt;
}

struct Asked {
  model::ControlCommand command;
  model::ForcedPressure forced;
};

Outcome<Asked> read_body(const std::string& body) {
  Asked asked;
  auto& command = asked.command;
  const auto member = [&](std::string_view name) { return json_text_member(body, name).value_or(""); };
  command.name = model::kPressureCommand;
  command.arguments.emplace(model::kStateArgument, member("state"));
  // It goes onto the bus and into logs: nothing of it unsearched.
  command.reason = sanitize::mask_card_numbers(member("reason"));
  command.who = sanitize::mask_card_numbers(member("who"));
  if (command.who.empty()) command.who = "api";
  if (command.reason.size() > model::kMaxControlReasonBytes ||
      command.who.size() > model::kMaxControlValueBytes ||
      command.arguments[std::string(model::kStateArgument)].size() > model::kMaxControlValueBytes)
    return problem(fmt::format("'reason' takes {} bytes at most, 'who' and 'state' {}",
                               model::kMaxControlReasonBytes, model::kMaxControlValueBytes));
  if (const auto text = member("for"); !text.empty()) {
    const auto duration = parse_duration(text);
    if (!duration) return problem("'for' is a whole number with a unit: 90s, 10m, 2h");
    command.duration_ms = *duration;
  }
  const auto forced = model::forced_pressure(command);
  if (!forced) return tl::unexpected(forced.error());
  asked.forced = *forced;
  model::set_pressure(*forced, command);
  return asked;
}

void tell(Diagnostics* diagnostics, std::string_view rack, const Asked& asked, std::string_view outcome) {
  if (diagnostics == nullptr) return;
  const auto& [command, forced] = asked;
  diagnostics->warn("mixer.api", "an operator sent a command to a rack",
                    {{"rack", std::string(rack)},
                     {"command", command.name},
                     {"state", std::string(forced.state ? name_of(*forced.state) : model::kAutomatic)},
                     {"for_ms", std::to_string(forced.duration_ms)},
                     {"who", command.who},
                     {"reason", command.reason},
                     {"id", to_string(command.id)},
                     {"outcome", std::string(outcome)}});
}

ApiResponse answered(const std::string& rack, const MachineId& machine, const Asked& asked,
                     const model::ControlAnswer& answer, UnixNanos now) {
  const auto state = answer.results.find(model::kStateArgument);
  const auto until =
      asked.forced.state
          ? fmt::format("\"{}\"",
                        to_rfc3339({now.value +
                                    static_cast<std::int64_t>(asked.forced.duration_ms) * kNanosPerMilli}))
          : "null";
  ApiResponse response;
  response.body =
      fmt::format(R"({{"rack":"{}","machine_id":"{}","command_id":"{}","forced":"{}","until":{},"state":{}}})"
                  "\n",
                  escape_json(rack), to_string(machine), to_string(asked.command.id),
                  asked.forced.state ? name_of(*asked.forced.state) : model::kAutomatic, until,
                  state == answer.results.end() ? "null" : "\"" + escape_json(state->second) + "\"");
  return response;
}

}  // namespace

bool is_rack_pressure_path(std::string_view path) {
  return path.size() > kPrefix.size() + kSuffix.size() && path.starts_with(kPrefix) &&
         path.ends_with(kSuffix);
}

ApiResponse rack_pressure_response(const ApiParts& parts, const ApiRequest& request) {
  if (request.method != "POST") {
    auto response = problem_response(405, "use POST");
    response.headers.emplace_back("Allow", "POST");
    return response;
  }
  const auto wanted =
      request.path.substr(kPrefix.size(), request.path.size() - kPrefix.size() - kSuffix.size());
  const auto machine = find_rack(parts.racks, wanted);
  if (!machine)
    return problem_response(404, fmt::format("no rack '{}' has a certificate", wanted.substr(0, 64)));
  const auto rack = parts.racks.name_of(*machine).value_or(wanted);
  auto asked = read_body(request.body);
  if (!asked) return problem_response(400, asked.error().message);
  if (!parts.presence.present_since(*machine, parts.clock.now()))
    return problem_response(
        409, fmt::format("rack '{}' is not connected, so nothing was sent; it keeps its telemetry by itself",
                         rack));
  if (!parts.command) return problem_response(503, "the bus is not there yet; try again");
  const auto answer = parts.command(*machine, asked->command);
  if (!answer) {
    tell(parts.diagnostics, rack, *asked, to_string(answer.error()));
    if (answer.error().code != ErrorCode::kTimeout)
      return problem_response(503, fmt::format("nothing was sent: {}; try again", to_string(answer.error())));
    return problem_response(504,
                            fmt::format("rack '{}' has not answered in time: whether it has done it is not "
                                        "known; 'fluxrig racks' shows its state. A rack of an earlier "
                                        "release knows no commands",
                                        rack));
  }
  tell(parts.diagnostics, rack, *asked, answer->error.empty() ? "done" : answer->error);
  if (!answer->error.empty())
    return problem_response(409, fmt::format("rack '{}' refused: {}", rack, answer->error));
  return answered(rack, *machine, *asked, *answer, parts.clock.now());
}

}  // namespace fluxrig::mixer
