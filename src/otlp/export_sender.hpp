// Sends one signal's queue to one back end: one request at a time, again while the specification allows it
// and no longer than Backoff::Options::give_up, then the next. No thread, clock or socket of its own; driven
// by `turn`. One thread.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "base/diagnostics.hpp"
#include "base/random.hpp"
#include "otlp/export_queue.hpp"
#include "otlp/export_response.hpp"
#include "otlp/export_signal.hpp"
#include "otlp/export_transport.hpp"
#include "otlp/retry_policy.hpp"

namespace fluxrig::otlp {

class ExportSender {
 public:
  struct Parts {  // none owned, all outlive this
    ExportQueue& queue;
    ExportTransport& transport;
    ExportCounters& counters;
    const Clock& clock;
    Random& random;
    Diagnostics& diagnostics;
  };
  struct Options {
    Signal signal = Signal::kSpans;
    Protocol protocol = Protocol::kHttpProtobuf;  // of the answers
    Backoff::Options backoff;
    // What is sent for a body, such as its compression, made once for all attempts; empty: the body itself.
    std::function<std::string(std::string)> pack;
  };
  // `settled` is called after each answer, when `turn` has something to do again.
  ExportSender(Parts parts, Options options, std::function<void()> settled);

  // Begins the next attempt when it is time. When to call again; nullopt: after the next `settled` or offer.
  std::optional<MonotonicNanos> turn();

  // From now on nothing waits: what is queued is tried once, and a failure, or a Retry-After that has not
  // passed, drops all that is left as kShutdown.
  void begin_flush();
  // Nothing is under way and nothing waits.
  [[nodiscard]] bool idle() const;
  // Breaks off and drops all that is left as kShutdown.
  void stop();

 private:
  struct InFlight {
    ExportRequest request;  // packed
    MonotonicNanos began;
    bool tried = false;
    bool under_way = false;
  };

  void take(const Answer& answer);
  void take_success(const Answer& answer);
  void take_failure(const Answer& answer);
  void drop(ExportDrop cause);
  void finish();
  void tell_trouble(const std::string& what, const Answer& answer);

  Parts parts_;
  Options options_;
  std::function<void()> settled_;
  Backoff backoff_;
  std::optional<InFlight> current_;
  MonotonicNanos not_before_;
  bool throttled_ = false;  // not_before_ is the back end's own wish
  bool flushing_ = false;
  std::string trouble_;  // as last told; empty: all is well
};

}  // namespace fluxrig::otlp
