// POST /api/v1/racks/{rack}/debug: an operator breaks the glass. Recorded in the rack's audit trail, in the
// mixer's store (operator_actions) and in its log.
#include <fmt/core.h>

#include "base/diagnostics.hpp"
#include "mixer/api/json_text.hpp"
#include "mixer/api/rack_command.hpp"
#include "sanitize/excerpt.hpp"

namespace fluxrig::mixer {
namespace {

constexpr std::string_view kWhat = "debug";  // of the path
// More than the slowest commit takes; less than the client waits.
constexpr std::chrono::milliseconds kPatience{15'000};

Outcome<model::ControlCommand> read_body(const std::string& body) {
  model::ControlCommand command;
  command.name = model::kDebugCommand;
  if (auto read = read_operator(body, command); !read) return tl::unexpected(read.error());
  command.arguments.emplace(model::kStateArgument,
                            json_text_member(body, model::kStateArgument).value_or(""));
  const auto duration = model::debug_duration(command);
  if (!duration) return tl::unexpected(duration.error());
  model::set_debug(*duration, command);
  return command;
}

// Kept before it is done: a glass that was broken without a trace is the one thing that may not happen.
Result<void> keep(const ApiParts& parts, std::string_view rack, const model::ControlCommand& command) {
  if (parts.decisions == nullptr) return fail(ErrorCode::kUnavailable, "the store is not there yet");
  return parts.decisions->submit(
      Decision{command.who, command.reason,
               NoteAction{"debug", fmt::format(R"({{"rack":"{}","for_ms":{}}})", escape_json(rack),
                                               command.duration_ms)}},
      kPatience);
}

}  // namespace

bool is_rack_debug_path(std::string_view path) { return rack_of_path(path, kWhat).has_value(); }

ApiResponse rack_debug_response(const ApiParts& parts, const ApiRequest& request) {
  if (auto refused = refuse_unless_post(request)) return *std::move(refused);
  const std::string_view wanted = rack_of_path(request.path, kWhat).value_or("");
  auto command = read_body(request.body);
  if (!command) return problem_response(400, command.error().message);
  if (!rack_is_known(parts, wanted))
    return problem_response(404,
                            fmt::format("no rack '{}' has a certificate", sanitize::excerpt(wanted, 64)));
  if (const auto kept = keep(parts, wanted, *command); !kept)
    return problem_response(503, fmt::format("it could not be recorded, so it was not done: {}; try again",
                                             to_string(kept.error())));
  auto answer = command_rack(parts, wanted, *command);
  if (!answer) return std::move(answer).error();
  const bool begins = command->duration_ms != 0;
  const auto until =
      until_json(parts.clock.now(), begins ? std::optional(command->duration_ms) : std::nullopt);
  ApiResponse response;
  response.body =
      ReplyText::format(R"({{"rack":"{}","machine_id":"{}","command_id":"{}","debug":{},"until":{}}})"
                        "\n",
                        said(answer->rack), id(answer->machine), uuid(to_string(command->id)), begins, until);
  return response;
}

}  // namespace fluxrig::mixer
