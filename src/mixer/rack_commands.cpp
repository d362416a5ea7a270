#include "mixer/rack_commands.hpp"

#include <fmt/format.h>

#include "mixer/block_intake.hpp"
#include "sanitize/clean_message.hpp"
#include "snake/subjects.hpp"

namespace fluxrig::mixer {
namespace {

constexpr std::string_view kAllAnswers = "flux.ctrl.mixer.*";

}  // namespace

Outcome<std::unique_ptr<RackCommands>> RackCommands::start(snake::Bus& bus, const Clock& clock) {
  std::unique_ptr<RackCommands> commands(new RackCommands(bus, clock));
  auto* self = commands.get();
  auto subscription = bus.subscribe(kAllAnswers, [self](const snake::Delivery& d) { self->answered(d); });
  if (!subscription)
    return problem(fmt::format("cannot listen for answers of racks: {}", to_string(subscription.error())));
  self->subscription_ = *std::move(subscription);
  return commands;
}

void RackCommands::answered(const snake::Delivery& delivery) {
  const auto machine = machine_of_subject(delivery.subject);
  auto answer = model::decode_control_answer(delivery.payload);
  if (!machine || !answer) return;  // as good as none
  // The words of a rack go to an operator, to the log and into the store.
  answer = sanitize::searched(*std::move(answer));
  const std::lock_guard lock(mutex_);
  const auto found = waiting_.find(answer->id);
  // The server's permissions prove the subject: no rack answers for another.
  if (found == waiting_.end() || found->second.machine != *machine) return;
  found->second.answer = *std::move(answer);
  arrived_.notify_all();
}

Result<model::ControlAnswer> RackCommands::send(const MachineId& machine, model::ControlCommand& command,
                                                std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  command.id.bytes = make_machine_id(random_).bytes;  // a UUID of version 4 as any other
  command.issued = clock_.now();
  auto& waiting = waiting_[command.id];
  waiting.machine = machine;
  const auto bytes = sanitize::clean_message(command);
  lock.unlock();  // the answer may come before publish returns
  const auto sent = bus_.publish(snake::control_subject(machine), bytes);
  lock.lock();
  if (sent) arrived_.wait_for(lock, patience, [&] { return waiting.answer.has_value(); });
  const auto answer = std::move(waiting.answer);
  waiting_.erase(command.id);
  if (!sent) return tl::unexpected(sent.error());
  if (!answer) return fail(ErrorCode::kTimeout, "the rack has not answered");
  return *answer;
}

}  // namespace fluxrig::mixer
