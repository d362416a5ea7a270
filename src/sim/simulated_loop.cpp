#include "sim/simulated_loop.hpp"

#include <boost/asio/io_context.hpp>

#include "gear/net/alarm.hpp"

namespace fluxrig::sim {
namespace {

constexpr std::int64_t kWake = 200 * kNanosPerMicro;  // mean; a thread gets to run

// How an alarm finds the schedule by its io_context.
class LoopTime final : public boost::asio::execution_context::service {
 public:
  using key_type = LoopTime;
  static inline boost::asio::execution_context::id id;

  explicit LoopTime(boost::asio::execution_context& context) : service(context) {}
  void shutdown() override {}

  World* world = nullptr;
  std::function<void()> worked;
};

class EventWorker final : public gear::Worker, public std::enable_shared_from_this<EventWorker> {
 public:
  EventWorker(World& world, gear::Job& job, std::function<void()> worked)
      : world_(world), job_(&job), worked_(std::move(worked)) {}

  void wake() noexcept override { turn_after(world_.around(kWake)); }
  void end() noexcept { job_ = nullptr; }

 private:
  void turn_after(std::int64_t delay) {
    const std::int64_t at = world_.schedule.now() + delay;
    if (due_ <= at) return;
    due_ = at;
    world_.schedule.at(at, [weak = weak_from_this(), number = ++turns_] {
      const auto self = weak.lock();
      if (self == nullptr || self->job_ == nullptr || number != self->turns_) return;
      self->turn();
    });
  }
  void turn() {
    due_ = INT64_MAX;
    if (const auto rest = job_->turn()) turn_after(rest->count());
    worked_();
  }

  World& world_;
  gear::Job* job_;
  std::function<void()> worked_;
  std::int64_t due_ = INT64_MAX;  // of the turn that is asked for; the latest number is the one that runs
  std::uint64_t turns_ = 0;
};

// What the job owns: ends the event worker with it.
class Employment final : public gear::Worker {
 public:
  explicit Employment(std::shared_ptr<EventWorker> worker) : worker_(std::move(worker)) { worker_->wake(); }
  ~Employment() override { worker_->end(); }
  void wake() noexcept override { worker_->wake(); }

 private:
  std::shared_ptr<EventWorker> worker_;
};

}  // namespace

struct SimulatedLoop::Io {
  boost::asio::io_context context{1};
};

SimulatedLoop::SimulatedLoop(World& world, std::function<void()> worked)
    : world_(world), worked_(std::move(worked)), io_(std::make_unique<Io>()) {
  auto& time = boost::asio::use_service<LoopTime>(io_->context);
  time.world = &world_;
  time.worked = [this] {
    poke();
    const auto after = worked_;
    after();
  };
}

SimulatedLoop::~SimulatedLoop() = default;

boost::asio::io_context& SimulatedLoop::io() noexcept { return io_->context; }

void SimulatedLoop::poke() {
  if (poked_) return;
  poked_ = true;
  world_.schedule.after(world_.around(kWake), [this, weak = std::weak_ptr(alive_)] {
    if (weak.expired()) return;
    poked_ = false;
    io_->context.restart();
    (void)io_->context.poll();
    const auto worked = worked_;  // it may end the process, and this with it
    worked();
  });
}

std::unique_ptr<gear::Worker> SimulatedLoop::employ(gear::Job& job) {
  return std::make_unique<Employment>(std::make_shared<EventWorker>(world_, job, [this] {
    poke();
    const auto after = worked_;
    after();
  }));
}

}  // namespace fluxrig::sim

// Alarms in simulated time.
namespace fluxrig::gear::net {

struct Alarm::State {
  sim::LoopTime& time;
  std::function<void()> ring;
  std::uint64_t set = 0;  // times; only the latest rings
};

Alarm::Alarm(boost::asio::io_context& io, std::function<void()> ring)
    : state_(std::make_shared<State>(State{boost::asio::use_service<sim::LoopTime>(io), std::move(ring)})) {}

Alarm::~Alarm() { state_->ring = nullptr; }

void Alarm::set(Duration after) {
  state_->time.world->schedule.after(std::chrono::nanoseconds(after).count(),
                                     [weak = std::weak_ptr(state_), number = ++state_->set] {
                                       const auto state = weak.lock();
                                       if (state == nullptr || !state->ring || number != state->set) return;
                                       ++state->set;
                                       const auto worked = state->time.worked;  // the ring may end the alarm
                                       const auto ring = state->ring;
                                       ring();
                                       worked();
                                     });
}

void Alarm::clear() noexcept { ++state_->set; }

}  // namespace fluxrig::gear::net
