#include "mixer/api/rack_command.hpp"

#include <fmt/core.h>

#include <charconv>

#include "base/diagnostics.hpp"
#include "mixer/api/json_text.hpp"
#include "sanitize/excerpt.hpp"
#include "sanitize/sanitizer.hpp"

namespace fluxrig::mixer {
namespace {

constexpr std::string_view kRacksPath = "/api/v1/racks/";

std::optional<MachineId> find_rack(const RackIndex& racks, std::string_view wanted) {
  for (const auto& [machine, name] : racks.all())
    if (name == wanted || to_string(machine) == wanted) return machine;
  return std::nullopt;
}

void tell(Diagnostics* diagnostics, std::string_view rack, const model::ControlCommand& command,
          std::string_view outcome) {
  if (diagnostics == nullptr) return;
  const auto state = command.arguments.find(model::kStateArgument);
  diagnostics->warn("mixer.api", "an operator sent a command to a rack",
                    {{"rack", std::string(rack)},
                     {"command", command.name},
                     {"state", state == command.arguments.end() ? std::string() : state->second},
                     {"for_ms", std::to_string(command.duration_ms)},
                     {"who", command.who},
                     {"reason", command.reason},
                     {"id", to_string(command.id)},
                     {"outcome", std::string(outcome)}});
}

}  // namespace

std::optional<std::string_view> rack_of_path(std::string_view path, std::string_view what) {
  if (!path.starts_with(kRacksPath)) return std::nullopt;
  path.remove_prefix(kRacksPath.size());
  if (path.size() <= what.size() + 1 || !path.ends_with(what)) return std::nullopt;
  path.remove_suffix(what.size());
  if (path.back() != '/') return std::nullopt;
  path.remove_suffix(1);
  return path.empty() ? std::nullopt : std::optional(path);
}

std::optional<ApiResponse> refuse_unless_post(const ApiRequest& request) {
  if (request.method == "POST") return std::nullopt;
  auto response = problem_response(405, "use POST");
  response.headers.emplace_back("Allow", "POST");
  return response;
}

ReplyText until_json(UnixNanos now, std::optional<std::uint64_t> duration_ms) {
  if (!duration_ms) return ReplyText("null");
  const auto lasts = static_cast<std::int64_t>(*duration_ms) * kNanosPerMilli;
  return ReplyText::format("\"{}\"", id(UnixNanos{now.value + lasts}));
}

std::optional<std::uint64_t> parse_duration(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const auto unit = text.substr(static_cast<std::size_t>(end - text.data()));
  const std::uint64_t factor = unit == "s" ? 1'000 : unit == "m" ? 60'000 : unit == "h" ? 3'600'000 : 0;
  if (error != std::errc{} || factor == 0 || number > UINT32_MAX) return std::nullopt;
  return number * factor;
}

Outcome<void> read_operator(const std::string& body, model::ControlCommand& command) {
  const auto member = [&](std::string_view name) { return json_text_member(body, name).value_or(""); };
  command.reason = sanitize::mask_card_numbers(member("reason"));
  command.who = sanitize::mask_card_numbers(member("who"));
  if (command.who.empty()) command.who = "api";
  if (command.reason.size() > model::kMaxControlReasonBytes ||
      command.who.size() > model::kMaxControlValueBytes ||
      member(model::kStateArgument).size() > model::kMaxControlValueBytes)
    return problem(fmt::format("'reason' takes {} bytes at most, 'who' and 'state' {}",
                               model::kMaxControlReasonBytes, model::kMaxControlValueBytes));
  if (const auto text = member("for"); !text.empty()) {
    const auto duration = parse_duration(text);
    if (!duration) return problem("'for' is a whole number with a unit: 90s, 10m, 2h");
    command.duration_ms = *duration;
  }
  return {};
}

bool rack_is_known(const ApiParts& parts, std::string_view wanted) {
  return find_rack(parts.racks, wanted).has_value();
}

tl::expected<RackAnswer, ApiResponse> command_rack(const ApiParts& parts, std::string_view wanted,
                                                   model::ControlCommand& command) {
  const auto refused = [](unsigned status, std::string_view detail) {
    return tl::unexpected(problem_response(status, detail));
  };
  const auto machine = find_rack(parts.racks, wanted);
  if (!machine)
    return refused(404, fmt::format("no rack '{}' has a certificate", sanitize::excerpt(wanted, 64)));
  const auto rack = parts.racks.name_of(*machine).value_or(std::string(wanted));
  if (!parts.presence.present_since(*machine, parts.clock.now()))
    return refused(
        409, fmt::format("rack '{}' is not connected, so nothing was sent; it keeps its telemetry by itself",
                         rack));
  if (!parts.command) return refused(503, "the bus is not there yet; try again");
  auto answer = parts.command(*machine, command);
  if (!answer) {
    tell(parts.diagnostics, rack, command, to_string(answer.error()));
    if (answer.error().code != ErrorCode::kTimeout)
      return refused(503, fmt::format("nothing was sent: {}; try again", to_string(answer.error())));
    return refused(504, fmt::format("rack '{}' has not answered in time: whether it has done it is not "
                                    "known; 'fluxrig racks' shows its state. A rack of an earlier "
                                    "release knows no commands",
                                    rack));
  }
  tell(parts.diagnostics, rack, command, answer->error.empty() ? "done" : answer->error);
  if (!answer->error.empty()) return refused(409, fmt::format("rack '{}' refused: {}", rack, answer->error));
  return RackAnswer{rack, *machine, *std::move(answer)};
}

}  // namespace fluxrig::mixer
