#include "rack/command_desk.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "sanitize/clean_message.hpp"
#include "sanitize/sanitizer.hpp"
#include "snake/subjects.hpp"

namespace fluxrig::rack {
namespace {

constexpr std::uint8_t kInfo = 9;  // OpenTelemetry's numbers
constexpr std::uint8_t kWarn = 13;

// What an operator types may hold anything: nothing of it reaches the disk unsearched.
void add(model::Log& log, std::string_view key, std::string_view text) {
  log.attributes.push_back({std::string(key), sanitize::mask_card_numbers(text)});
}

}  // namespace

void CommandDesk::arrived(snake::Delivery delivery) {
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() >= kMaxWaiting) return;  // the operator hears no answer and tries again
    waiting_.push_back(std::move(delivery.payload));
  }
  parts_.wake();
}

bool CommandDesk::has_work() const {
  const std::lock_guard lock(mutex_);
  return !waiting_.empty();
}

void CommandDesk::turn() {
  if (subscription_ == nullptr && parts_.bus.connected()) {
    auto subscription =
        parts_.bus.subscribe(snake::control_subject(parts_.machine_id),
                             [this](snake::Delivery delivery) { arrived(std::move(delivery)); });
    if (subscription) subscription_ = *std::move(subscription);
  }
  std::deque<Bytes> waiting;
  {
    const std::lock_guard lock(mutex_);
    waiting.swap(waiting_);
  }
  for (const auto& payload : waiting) take(payload);
}

void CommandDesk::take(ByteView payload) {
  const auto command = model::decode_control_command(payload);
  if (!command) {  // without its id there is nobody to answer
    ++refused_;
    parts_.diagnostics.warn("control", "a command is not readable", {{"cause", to_string(command.error())}});
    return;
  }
  if (const auto* before = answered(command->id)) return send(*before);
  answers_.push_back(act(*command));
  if (answers_.size() > kRememberedIds) answers_.pop_front();
  send(answers_.back());
}

// Why it cannot be done, before anything is; empty: it can.
std::string CommandDesk::fault_of(const model::ControlCommand& command) const {
  if (command.name == model::kPressureCommand) {
    const auto forced = model::forced_pressure(command);
    return forced ? std::string{} : forced.error().message;
  }
  if (command.name == model::kDebugCommand && parts_.debug) {
    const auto duration = model::debug_duration(command);
    return duration ? std::string{} : duration.error().message;
  }
  return fmt::format("this rack does not know the command '{}'", command.name);
}

// What was in the way; empty: it is done.
std::string CommandDesk::carry_out(const model::ControlCommand& command, model::ControlTexts& results) {
  if (command.name == model::kDebugCommand) {
    const auto duration = *model::debug_duration(command);
    if (const auto done = parts_.debug(duration); !done) return done.error().message;
    results.emplace(model::kStateArgument, duration == 0 ? model::kOff : model::kOn);
    return {};
  }
  const auto forced = *model::forced_pressure(command);
  std::optional<pressure::Forced> held;
  if (forced.state)
    held = pressure::Forced{
        *forced.state,
        {parts_.clock.monotonic().value + static_cast<std::int64_t>(forced.duration_ms) * kNanosPerMilli}};
  results.emplace(model::kStateArgument, name_of(parts_.force(held)));
  return {};
}

void CommandDesk::refuse(const model::ControlCommand& command, const model::ControlAnswer& answer) {
  ++refused_;
  parts_.diagnostics.warn("control", "an operator's command was refused",
                          {{"command", command.name}, {"who", command.who}, {"why", answer.error}});
}

model::ControlAnswer CommandDesk::act(const model::ControlCommand& command) {
  model::ControlAnswer answer;
  answer.id = command.id;
  answer.error = fault_of(command);
  const bool wanted = answer.error.empty();
  if (!record(command, answer.error) && wanted)
    answer.error = "the command cannot be recorded now, so it was not done; try again";
  if (answer.error.empty()) answer.error = carry_out(command, answer.results);
  if (!answer.error.empty()) {
    // It goes back over the bus, and may quote the command.
    answer.error = sanitize::mask_card_numbers(answer.error);
    refuse(command, answer);
    return answer;
  }
  ++done_;
  const auto argument = command.arguments.find(model::kStateArgument);
  parts_.diagnostics.info("control", "an operator's command was done",
                          {{"command", command.name},
                           {"state", argument == command.arguments.end() ? "" : argument->second},
                           {"for_ms", std::to_string(command.duration_ms)},
                           {"who", command.who},
                           {"reason", command.reason}});
  return answer;
}

// What was refused is recorded as well: somebody tried.
bool CommandDesk::record(const model::ControlCommand& command, std::string_view error) {
  model::Log log;
  log.time = parts_.clock.now();
  log.severity = error.empty() ? kInfo : kWarn;
  log.event_name = "fluxrig.control.command";
  log.body = error.empty() ? "an operator's command" : "an operator's command, refused";
  add(log, "fluxrig.control.command", command.name);
  add(log, "fluxrig.control.id", to_string(command.id));
  add(log, "fluxrig.control.who", command.who);
  add(log, "fluxrig.control.reason", command.reason);
  log.attributes.push_back({"fluxrig.control.duration_ms", static_cast<std::int64_t>(std::min<std::uint64_t>(
                                                               command.duration_ms, INT64_MAX))});
  for (const auto& [name, value] : command.arguments)
    add(log, sanitize::mask_card_numbers("fluxrig.control." + name), value);
  if (!error.empty()) add(log, "fluxrig.control.error", error);
  return parts_.record(std::move(log));
}

const model::ControlAnswer* CommandDesk::answered(const model::ControlId& id) const {
  const auto found = std::find_if(answers_.begin(), answers_.end(),
                                  [&](const model::ControlAnswer& answer) { return answer.id == id; });
  return found == answers_.end() ? nullptr : &*found;
}

void CommandDesk::send(const model::ControlAnswer& answer) {
  auto bounded = answer;
  if (bounded.error.size() > model::kMaxControlReasonBytes)
    bounded.error.resize(model::kMaxControlReasonBytes);
  if (const auto sent = parts_.bus.publish(snake::control_reply_subject(parts_.machine_id),
                                           sanitize::clean_message(std::move(bounded)));
      !sent)
    parts_.diagnostics.warn("control", "an answer to a command was not sent",
                            {{"cause", to_string(sent.error())}});
}

}  // namespace fluxrig::rack
