#include "gear/net/alarm.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

namespace fluxrig::gear::net {

struct Alarm::State {
  State(boost::asio::io_context& io, std::function<void()> on_ring) : timer(io), ring(std::move(on_ring)) {}
  boost::asio::steady_timer timer;
  std::function<void()> ring;
  Time deadline = Time::max();  // max: none
  Time armed = Time::max();     // what the timer waits for; max: it does not wait
};

Alarm::Alarm(boost::asio::io_context& io, std::function<void()> ring)
    : state_(std::make_shared<State>(io, std::move(ring))) {}

Alarm::~Alarm() {
  state_->deadline = Time::max();
  state_->ring = nullptr;
  state_->timer.cancel();
}

void Alarm::set(Duration after) { set_at(std::chrono::steady_clock::now() + after); }

void Alarm::set_at(Time time) {
  state_->deadline = time;
  if (time >= state_->armed) return;  // the timer fires before, and looks again
  wait(state_);
}

void Alarm::clear() noexcept { state_->deadline = Time::max(); }

void Alarm::wait(const std::shared_ptr<State>& state) {
  state->armed = state->deadline;
  state->timer.expires_at(state->deadline);  // cancels the wait before
  state->timer.async_wait([state](const boost::system::error_code& error) {
    if (error) return;  // replaced by an earlier wait, or destroyed
    state->armed = Time::max();
    if (state->deadline == Time::max() || !state->ring) return;
    if (std::chrono::steady_clock::now() < state->deadline) return wait(state);
    state->deadline = Time::max();
    // A copy: the ring may destroy the alarm, and with it the function that runs.
    const auto ring = state->ring;
    ring();
  });
}

}  // namespace fluxrig::gear::net
