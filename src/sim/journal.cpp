#include "sim/journal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

namespace fluxrig::sim {
namespace {

std::string line(const Journal::Event& event) {
  return fmt::format("{:14.6f} s  {:8} {:28} {} {}\n", static_cast<double>(event.time) / 1e9, event.actor,
                     event.what, event.a, event.b);
}

}  // namespace

// FNV-1a over words: any difference between two runs shows.
void Journal::mix(std::uint64_t value) noexcept { digest_ = (digest_ ^ value) * 0x100000001b3U; }

void Journal::add(const Event& event) {
  mix(static_cast<std::uint64_t>(event.time));
  for (const char character : std::string_view(event.what)) mix(static_cast<unsigned char>(character));
  mix(event.a);
  mix(event.b);
  events_[count_++ % kKept] = event;
  if (printing_) std::fputs(line(event).c_str(), stdout);
}

std::string Journal::last() const {
  std::string text;
  const std::uint64_t kept = std::min<std::uint64_t>(count_, kKept);
  for (std::uint64_t i = count_ - kept; i < count_; ++i) text += line(events_[i % kKept]);
  return text;
}

}  // namespace fluxrig::sim
