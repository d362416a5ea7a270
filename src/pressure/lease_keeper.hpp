// The rack's end of the lease: which one counts, and until when. One thread; time is passed in.
#pragma once

#include <cstdint>
#include <optional>

#include "base/clock.hpp"
#include "model/pressure.hpp"

namespace fluxrig::pressure {

enum class LeaseStanding : std::uint8_t {
  kNone,  // never had one: an older mixer, which counts as level 0
  kValid,
  kExpired,  // the mixer does send leases, and none came in time
};

struct LeaseView {
  LeaseStanding standing = LeaseStanding::kNone;
  model::PressureLease lease;  // the latest; all zeros with kNone
};

class LeaseKeeper {
 public:
  // A mixer that answered a hello after the lease expired and sends none for so long is an older one that
  // took the place of a newer one.
  static constexpr std::int64_t kOlderMixerAfter = 10 * kNanosPerSecond;

  // False: an earlier one of the same start of the mixer, overtaken on its way; not followed.
  bool take(const model::PressureLease& lease, MonotonicNanos now);
  // The mixer answered a hello.
  void welcomed(MonotonicNanos now) noexcept;

  [[nodiscard]] LeaseView view(MonotonicNanos now) const noexcept;
  // When the view changes by time alone; nullopt: never.
  [[nodiscard]] std::optional<MonotonicNanos> next_change(MonotonicNanos now) const noexcept;

 private:
  [[nodiscard]] std::optional<MonotonicNanos> forgotten_at() const noexcept;

  std::optional<model::PressureLease> lease_;
  MonotonicNanos expires_;
  std::optional<MonotonicNanos> welcomed_;
};

}  // namespace fluxrig::pressure
