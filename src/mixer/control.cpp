#include "mixer/control.hpp"

#include <fmt/core.h>

#include "mixer/block_intake.hpp"
#include "sanitize/clean_message.hpp"
#include "sanitize/sanitizer.hpp"
#include "snake/subjects.hpp"

namespace fluxrig::mixer {
namespace {

constexpr std::string_view kAllHellos = "flux.agent.hello.*";
constexpr std::string_view kAllHeartbeats = "flux.agent.heartbeat.*";
constexpr std::string_view kMessages = "flux.msg.";
constexpr std::chrono::seconds kLookEvery{1};
constexpr int kTrimMessagesEvery = 5;  // looks: a dead letter is fetched between two of them

// A name that holds a number would stand in subjects, in the server's configuration and in every note about
// it.
bool holds_a_number(const std::string& name) { return sanitize::mask_card_numbers(name) != name; }

}  // namespace

Outcome<std::unique_ptr<Control>> Control::start(Parts parts) {
  std::unique_ptr<Control> control(new Control(std::move(parts)));
  auto* self = control.get();
  auto hello =
      self->parts_.bus.subscribe(kAllHellos, [self](snake::Delivery d) { self->enqueue(std::move(d)); });
  if (!hello) return problem(fmt::format("cannot listen for racks: {}", to_string(hello.error())));
  self->hello_subscription_ = std::move(*hello);
  auto heartbeat =
      self->parts_.bus.subscribe(kAllHeartbeats, [self](const snake::Delivery& d) { self->heartbeat(d); });
  if (!heartbeat) return problem(fmt::format("cannot listen for racks: {}", to_string(heartbeat.error())));
  self->heartbeat_subscription_ = std::move(*heartbeat);
  self->thread_ = std::thread([self] { self->run(); });
  return control;
}

Control::~Control() { stop(); }

void Control::stop() {
  hello_subscription_.reset();
  heartbeat_subscription_.reset();
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

std::vector<StreamFill> Control::fill() const {
  const std::lock_guard lock(mutex_);
  return fill_;
}

void Control::enqueue(snake::Delivery delivery) {
  {
    const std::lock_guard lock(mutex_);
    if (hellos_.size() >= kMaxWaitingHellos) return;  // the rack's request times out and it asks again
    hellos_.push_back(std::move(delivery));
  }
  wake_.notify_one();
}

void Control::heartbeat(const snake::Delivery& delivery) {
  const auto machine = machine_of_subject(delivery.subject);
  if (!machine) return;
  auto rack = parts_.racks.name_of(*machine);
  if (!rack) return;
  auto message = model::decode_heartbeat(delivery.payload);
  if (!message) {
    parts_.diagnostics.warn("mixer.control", "a heartbeat was refused",
                            {{"rack", *rack}, {"why", to_string(message.error())}});
    return;
  }
  parts_.presence.heartbeat(*machine, *rack, sanitize::searched(*std::move(message)), parts_.clock.now());
}

void Control::run() {
  std::unique_lock lock(mutex_);
  auto next_look = std::chrono::steady_clock::now();
  while (!stop_) {
    if (!hellos_.empty()) {
      const auto delivery = std::move(hellos_.front());
      hellos_.pop_front();
      lock.unlock();
      answer(delivery);
      lock.lock();
      continue;
    }
    if (std::chrono::steady_clock::now() >= next_look) {
      lock.unlock();
      look_at_streams();
      lock.lock();
      next_look = std::chrono::steady_clock::now() + kLookEvery;
      continue;
    }
    wake_.wait_until(lock, next_look, [this] { return stop_ || !hellos_.empty(); });
  }
}

void Control::look_at_streams() {
  if (!parts_.bus.connected()) return;
  const auto seen = parts_.streams.fill();
  if (!seen) {  // the bus says that it is away, or the server has lost its store; the next look follows
    const auto made = parts_.streams.restore_streams();
    if (made && *made != 0)
      parts_.diagnostics.warn(
          "mixer.control",
          "the server had lost its streams; they are made again. Racks send their records "
          "anew; business messages that were on their way are lost",
          {{"streams", std::to_string(*made)}});
    return;
  }
  // What is stored must not pass for fill.
  const bool all = ++looks_ % kTrimMessagesEvery == 0;
  const auto trimmed = all ? parts_.streams.trim_acknowledged() : parts_.streams.trim_stored();
  if (!trimmed)
    parts_.diagnostics.warn("mixer.control", "acknowledged messages were not removed",
                            {{"why", trimmed.error().message}});
  std::vector<StreamFill> fill;
  for (const auto& stream : *seen)
    fill.push_back({stream.name, stream.messages, stream.bytes,
                    stream.max_bytes > 0 ? static_cast<std::uint64_t>(stream.max_bytes) : 0, stream.oldest});
  const std::lock_guard lock(mutex_);
  fill_ = std::move(fill);
}

void Control::answer(const snake::Delivery& delivery) {
  const auto machine = machine_of_subject(delivery.subject);
  if (!machine) return;
  const auto hello = model::decode_hello(delivery.payload);
  model::HelloReply reply;
  reply.error =
      hello ? welcome(*machine, *hello) : "the hello is not understood: " + to_string(hello.error());
  reply = sanitize::searched(std::move(reply));
  if (reply.error.size() > model::kMaxReplyErrorBytes) reply.error.resize(model::kMaxReplyErrorBytes);
  if (reply.error.empty())
    parts_.diagnostics.info(
        "mixer.control", "a rack said hello",
        {{"rack", hello->rack}, {"version", hello->version}, {"epoch", std::to_string(hello->epoch.value)}});
  else
    parts_.diagnostics.warn("mixer.control", "a rack was not welcomed",
                            {{"machine_id", to_string(*machine)}, {"why", reply.error}});
  // A rack chooses where its answer goes, and the mixer may publish anywhere: to that rack and to nobody
  // else. What is lost is asked again.
  if (snake::is_inbox_of(*machine, delivery.reply))
    (void)parts_.bus.publish(delivery.reply, sanitize::clean_message(reply));
  if (reply.error.empty()) parts_.welcomed(*machine);
}

std::string Control::welcome(const MachineId& machine, const model::Hello& hello) {
  const auto name = parts_.racks.name_of(machine);
  if (!name)
    return fmt::format(
        "machine {} is not in the mixer's certificate index; issue a certificate, then send SIGHUP to "
        "the mixer",
        to_string(machine));
  if (*name != hello.rack)
    return fmt::format("rack '{}' uses the certificate of rack '{}'; set the rack's name or its certificate",
                       hello.rack, *name);
  for (const auto& consumer : hello.consumers) {
    if (consumer.filter_subject.substr(0, kMessages.size()) != kMessages)
      return fmt::format("gear '{}' asks for subjects outside {}", consumer.gear, kMessages);
    if (holds_a_number(consumer.gear) || holds_a_number(consumer.filter_subject))
      return "the name of a gear, or the subject that it asks for, holds what looks like a card number";
    if (parts_.server != nullptr)
      if (const auto granted = parts_.server->grant(*name, consumer.gear); !granted)
        return granted.error().message;
    snake::ConsumerRequest request;
    request.rack = *name;
    request.machine = machine;
    request.gear = consumer.gear;
    request.filter = consumer.filter_subject;
    if (const auto made = parts_.streams.ensure_consumer(request); !made)
      return fmt::format("gear '{}': {}", consumer.gear, made.error().message);
  }
  const auto now = parts_.clock.now();
  const auto searched = sanitize::searched(hello);
  parts_.presence.hello({machine,
                         *name,
                         searched.version,
                         hello.epoch,
                         hello.started.value == 0 ? now : hello.started,
                         now,
                         {}},
                        hello.before, searched.resource);
  return {};
}

}  // namespace fluxrig::mixer
