// What the tap adds to one transaction of four gears, and nothing else: the calls that rack::Runtime makes on
// its thread, in their order. One root span, three child spans, five attributes, for each gear a message and
// a duration, one record in the ring, which becomes the audit record. One thread.
#pragma once

#include <array>
#include <cstdint>

#include "base/random.hpp"
#include "tap/draft.hpp"
#include "tap/gear_metrics.hpp"

namespace fluxrig::bench {

class TappedTransaction {
 public:
  static constexpr std::size_t kGears = 4;

  TappedTransaction();
  // False: the ring is full.
  [[nodiscard]] bool run(tap::Ring& ring) noexcept;

  [[nodiscard]] const tap::Names& names() const noexcept { return names_; }
  [[nodiscard]] const tap::TickSource& source() const noexcept { return source_; }

 private:
  struct Gear {
    tap::NameId name;
    tap::NameId span;
  };
  void begin() noexcept;
  void pass(std::size_t gear, tap::Ticks from, tap::Ticks until) noexcept;
  void count(std::size_t gear, tap::Ticks from, tap::Ticks until) noexcept;

  tap::Names names_;
  tap::TickSource source_;
  SeededRandom random_{7};
  std::array<Gear, kGears> gears_;
  std::array<tap::FieldId, 5> fields_;
  std::array<tap::GearMetrics, kGears> metrics_;
  tap::Draft draft_;
};

}  // namespace fluxrig::bench
