// Debug diagnostics in production: somebody broke the glass, for a reason, for a while. Ends by itself when
// the time is over, also when the rack was restarted in between; its beginning and its end are records of the
// audit lane (its beginning by the command desk). Any thread.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "base/diagnostics.hpp"
#include "base/result.hpp"
#include "model/records.hpp"

namespace fluxrig::rack {

class BreakGlass {
 public:
  struct Parts {
    const Clock& clock;
    Diagnostics& diagnostics;
    std::string file;                        // remembers over a restart until when
    std::function<void(model::Log)> record;  // into the audit lane
  };
  BreakGlass(Parts parts, Severity usual) : parts_(std::move(parts)), usual_(usual) {}
  BreakGlass(const BreakGlass&) = delete;
  BreakGlass& operator=(const BreakGlass&) = delete;

  // At the start: goes on with what is left, or ends what is over. A clock that stands before the beginning,
  // or a file that is not readable as one of ours, ends it too.
  void resume();
  // At most model::kMaxDebugMs; 0: off. The problem: the file cannot be written, and nothing was begun.
  [[nodiscard]] Outcome<void> set(std::uint64_t duration_ms);
  // Ends it when its time is over. Monotonic ns until it is to be called again; nullopt: never.
  [[nodiscard]] std::optional<std::int64_t> tick();
  // The level that counts without it, as the scenario says now.
  void set_usual(Severity usual);
  // Wall clock; nullopt: the glass is whole.
  [[nodiscard]] std::optional<UnixNanos> until() const;

 private:
  struct Open {
    UnixNanos until;
    MonotonicNanos deadline;  // what ends it: nobody can set this clock back
  };
  void open(UnixNanos until, std::int64_t left);
  void end(std::string_view why);
  void tell(std::string_view event, std::string body);

  Parts parts_;
  mutable std::mutex mutex_;
  Severity usual_;
  std::optional<Open> open_;
};

}  // namespace fluxrig::rack
