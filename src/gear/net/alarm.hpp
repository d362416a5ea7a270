// One deadline that is moved often and reached seldom: moving it later costs no timer operation. Boost stays
// in the .cpp. One thread (the io thread).
#pragma once

#include <chrono>
#include <functional>
#include <memory>

namespace boost::asio {
class io_context;
}

namespace fluxrig::gear::net {

class Alarm {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Duration = std::chrono::milliseconds;

  Alarm(boost::asio::io_context& io, std::function<void()> ring);
  // `ring` is not called afterwards.
  ~Alarm();

  // Rings once, `after` from now, in place of an earlier deadline.
  void set(Duration after);
  void set_at(Time time);
  void clear() noexcept;  // does not ring; may be set again

 private:
  struct State;
  static void wait(const std::shared_ptr<State>& state);
  std::shared_ptr<State> state_;  // shared with the timer's handler, which may outlive this
};

}  // namespace fluxrig::gear::net
