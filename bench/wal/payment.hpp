// The record that every system of the comparison keeps: a card payment with the attributes that the gears of
// the demo attach, about 500 bytes when sanitised and encoded. One thread a draft.
#pragma once

#include <cstdint>
#include <string>

#include "sanitize/sanitizer.hpp"
#include "tap/draft.hpp"

namespace fluxrig::bench {

class Payment {
 public:
  Payment();
  // What a rack's io thread does when the transaction ends, up to the ring.
  void fill(tap::Draft& draft, std::uint64_t number) const noexcept;
  // What the other systems are given: the same record as the pump encodes it.
  [[nodiscard]] std::string encoded();

  [[nodiscard]] const tap::Names& names() const noexcept { return names_; }
  [[nodiscard]] const tap::TickSource& source() const noexcept { return source_; }

 private:
  tap::Names names_;
  tap::TickSource source_;
  tap::NameId gear_, span_;
  tap::FieldId route_, method_, status_, card_, code_, amount_, trace_number_, reference_, terminal_,
      merchant_;
};

[[nodiscard]] inline sanitize::TokenKey test_key() { return {"k1", {}}; }

}  // namespace fluxrig::bench
