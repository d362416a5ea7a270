// The runtime's timers; only runtime_*.cpp include this. One thread (the io thread).
#pragma once

#include <boost/asio/steady_timer.hpp>

#include "rack/runtime.hpp"

namespace fluxrig::rack {

struct Runtime::Timers {
  explicit Timers(boost::asio::io_context& io) : deadline(io), park(io), context(io) {}
  void cancel() {
    deadline.cancel();
    park.cancel();
    context.cancel();
  }
  boost::asio::steady_timer deadline;
  boost::asio::steady_timer park;
  boost::asio::steady_timer context;
};

}  // namespace fluxrig::rack
