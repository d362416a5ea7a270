// EMV data (data element 55; EMV Book 3, annexes A and B) by allow list: what the list does not name is
// dropped. Any thread; views into the caller's bytes.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "sanitize/policy.hpp"

namespace fluxrig::sanitize {

struct EmvField {
  std::uint32_t tag = 0;  // as written: 0x5A, 0x9F26
  Action action = Action::kDrop;
  ByteView value;
};

inline constexpr std::size_t kMostEmvFields = 96;
inline constexpr unsigned kMostEmvDepth = 4;

// 5A (application PAN) is tokenised. Kept are amounts, dates of the transaction, counters, results,
// cryptograms and identities of terminal and application; tracks (56, 57, 9F6B), names (5F20), expiry (5F24),
// PIN data (99), discretionary and issuers' own data are dropped, and so is a kept tag that is longer than
// its definition allows.
[[nodiscard]] Action emv_action(std::uint32_t tag, std::size_t size) noexcept;

// All primitive fields, templates opened, in order. kTruncated, kOversize (fields, depth, length), kInvalid.
[[nodiscard]] Result<std::vector<EmvField>> read_emv(ByteView bytes);

// The digits of packed decimal with filler ("4111111111111111F"); empty when it is none.
[[nodiscard]] std::string packed_digits(ByteView value);

}  // namespace fluxrig::sanitize
