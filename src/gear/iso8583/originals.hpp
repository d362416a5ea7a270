// The latest requests of a codec, by what element 90 of a reversal says of its original, so that the
// reversal's span can link to it. A table of fixed size that forgets: of two requests that meet in a slot the
// later one stays, and nothing outlives the process. One thread (the io thread).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "gear/message.hpp"
#include "tap/draft.hpp"

namespace fluxrig::gear::iso8583 {

class Originals {
 public:
  static constexpr std::size_t kSlots = 16'384;

  // Of the 1987 version: requests and advices of authorization and finance (classes 1 and 2). Another message
  // is none that could be reversed, and is not remembered.
  void remember(const Fields& request, const tap::LinkTarget& target);
  // Of a reversal (class 4) with element 90. nullopt: it is none, or its original is not known.
  [[nodiscard]] std::optional<tap::LinkTarget> original_of(const Fields& reversal) const;

 private:
  struct Slot {
    std::uint64_t hash = 0;  // 0: empty
    tap::LinkTarget target;
  };
  std::vector<Slot> slots_;  // made with the first request
};

}  // namespace fluxrig::gear::iso8583
