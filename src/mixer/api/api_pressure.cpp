// POST /api/v1/racks/{rack}/pressure: an operator holds a rack in a state, or lets go of it. Waits for the
// rack's answer. What was asked, by whom and why, and what came of it, is a line in the mixer's log.
#include <fmt/core.h>

#include "base/diagnostics.hpp"
#include "mixer/api/json_text.hpp"
#include "mixer/api/rack_command.hpp"

namespace fluxrig::mixer {
namespace {

constexpr std::string_view kWhat = "pressure";  // of the path

struct Asked {
  model::ControlCommand command;
  model::ForcedPressure forced;
};

Outcome<Asked> read_body(const std::string& body) {
  Asked asked;
  auto& command = asked.command;
  command.name = model::kPressureCommand;
  if (auto read = read_operator(body, command); !read) return tl::unexpected(read.error());
  command.arguments.emplace(model::kStateArgument,
                            json_text_member(body, model::kStateArgument).value_or(""));
  const auto forced = model::forced_pressure(command);
  if (!forced) return tl::unexpected(forced.error());
  asked.forced = *forced;
  model::set_pressure(*forced, command);
  return asked;
}

ApiResponse answered(const RackAnswer& rack, const Asked& asked, UnixNanos now) {
  const auto state = rack.answer.results.find(model::kStateArgument);
  const auto until =
      until_json(now, asked.forced.state ? std::optional(asked.forced.duration_ms) : std::nullopt);
  ApiResponse response;
  response.body = ReplyText::format(
      R"({{"rack":"{}","machine_id":"{}","command_id":"{}","forced":"{}","until":{},"state":{}}})"
      "\n",
      said(rack.rack), id(rack.machine), uuid(to_string(asked.command.id)),
      said(asked.forced.state ? name_of(*asked.forced.state) : model::kAutomatic), until,
      state == rack.answer.results.end() ? ReplyText("null")
                                         : ReplyText::format("\"{}\"", said(state->second)));
  return response;
}

}  // namespace

bool is_rack_pressure_path(std::string_view path) { return rack_of_path(path, kWhat).has_value(); }

ApiResponse rack_pressure_response(const ApiParts& parts, const ApiRequest& request) {
  if (auto refused = refuse_unless_post(request)) return *std::move(refused);
  const std::string_view wanted = rack_of_path(request.path, kWhat).value_or("");
  auto asked = read_body(request.body);
  if (!asked) return problem_response(400, asked.error().message);
  auto answer = command_rack(parts, wanted, asked->command);
  if (!answer) return std::move(answer).error();
  return answered(*answer, *asked, parts.clock.now());
}

}  // namespace fluxrig::mixer
