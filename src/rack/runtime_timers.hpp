// The runtime's timers; only runtime_*.cpp include this. One thread (the io thread).
#pragma once

#include "gear/net/alarm.hpp"
#include "rack/runtime.hpp"

namespace fluxrig::rack {

struct Runtime::Timers {
  explicit Timers(Runtime& runtime)
      : deadline(runtime.parts_.io, [&runtime] { runtime.deadline_due(); }),
        park(runtime.parts_.io, [&runtime] { runtime.park_due(); }),
        context(runtime.parts_.io, [&runtime] { runtime.context_due(); }) {}
  void cancel() noexcept {
    deadline.clear();
    park.clear();
    context.clear();
  }
  // Until `time` of a clock that shows `now`; not before it.
  [[nodiscard]] static std::chrono::milliseconds until(std::int64_t time, std::int64_t now) noexcept {
    return std::chrono::milliseconds(time <= now ? 0 : (time - now) / kNanosPerMilli + 1);
  }

  gear::net::Alarm deadline;
  gear::net::Alarm park;
  gear::net::Alarm context;
};

}  // namespace fluxrig::rack
