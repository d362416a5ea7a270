#include "rack/break_glass.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "model/control.hpp"

namespace fluxrig::rack {
namespace {

constexpr std::uint8_t kWarn = 13;  // OpenTelemetry's numbers
constexpr std::int64_t kLongest = static_cast<std::int64_t>(model::kMaxDebugMs) * kNanosPerMilli;

struct Window {
  std::int64_t began = 0;
  std::int64_t until = 0;
};

// "<began> <until>", unix ns. nullopt: no file, or none of ours.
std::optional<Window> read_window(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return std::nullopt;
  char buffer[64] = {};
  const auto size = ::read(fd, buffer, sizeof buffer - 1);
  ::close(fd);
  Window window;
  long long began = 0;
  long long until = 0;
  if (size <= 0 || std::sscanf(buffer, "%lld %lld", &began, &until) != 2) return Window{};
  window.began = began;
  window.until = until;
  return window;
}

// Written before debug begins: whatever dies afterwards, the restart knows when it ends.
Outcome<void> write_window(const std::string& path, const Window& window) {
  const std::string fresh = path + ".new";
  const std::string line = fmt::format("{} {}\n", window.began, window.until);
  const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  bool good = fd >= 0 && ::write(fd, line.data(), line.size()) == static_cast<ssize_t>(line.size()) &&
              ::fsync(fd) == 0;
  if (fd >= 0) ::close(fd);
  good = good && ::rename(fresh.c_str(), path.c_str()) == 0;
  if (!good) return problem(fmt::format("cannot write '{}': {}", path, std::strerror(errno)));
  return {};
}

}  // namespace

void BreakGlass::resume() {
  const auto window = read_window(parts_.file);
  if (!window) return;
  const std::lock_guard lock(mutex_);
  const auto now = parts_.clock.now();
  const auto left = window->until - now.value;
  const bool sound = window->until - window->began <= kLongest && now.value >= window->began;
  if (!sound || left <= 0)
    return end(sound ? "its time was over when the rack started again"
                     : "its window was not readable, or the clock was set back");
  open({window->until}, left);
  tell("fluxrig.debug.resumed",
       fmt::format("debug diagnostics go on after a restart, until {}", to_rfc3339({window->until})));
}

Outcome<void> BreakGlass::set(std::uint64_t duration_ms) {
  const std::lock_guard lock(mutex_);
  if (duration_ms == 0) {
    if (open_) end("an operator ended it");
    return {};
  }
  const auto length =
      static_cast<std::int64_t>(std::min<std::uint64_t>(duration_ms, model::kMaxDebugMs)) * kNanosPerMilli;
  const auto now = parts_.clock.now();
  if (auto written = write_window(parts_.file, {now.value, now.value + length}); !written) return written;
  open({now.value + length}, length);
  tell("fluxrig.debug.begun", fmt::format("debug diagnostics until {}", to_rfc3339(open_->until)));
  return {};
}

std::optional<std::int64_t> BreakGlass::tick() {
  const std::lock_guard lock(mutex_);
  if (!open_) return std::nullopt;
  const auto left = open_->deadline.value - parts_.clock.monotonic().value;
  if (left > 0) return left;
  end("its time is over");
  return std::nullopt;
}

void BreakGlass::set_usual(Severity usual) {
  const std::lock_guard lock(mutex_);
  usual_ = usual;
  if (!open_) parts_.diagnostics.set_least(usual);
}

std::optional<UnixNanos> BreakGlass::until() const {
  const std::lock_guard lock(mutex_);
  return open_ ? std::optional(open_->until) : std::nullopt;
}

void BreakGlass::open(UnixNanos until, std::int64_t left) {
  open_ = Open{until, {parts_.clock.monotonic().value + left}};
  parts_.diagnostics.set_least(Severity::kDebug);
}

void BreakGlass::end(std::string_view why) {
  open_.reset();
  parts_.diagnostics.set_least(usual_);
  ::unlink(parts_.file.c_str());
  tell("fluxrig.debug.ended", fmt::format("debug diagnostics ended: {}", why));
}

void BreakGlass::tell(std::string_view event, std::string body) {
  parts_.diagnostics.warn("rack", body);
  model::Log log;
  log.time = parts_.clock.now();
  log.severity = kWarn;
  log.event_name = event;
  log.body = std::move(body);
  parts_.record(std::move(log));
}

}  // namespace fluxrig::rack
