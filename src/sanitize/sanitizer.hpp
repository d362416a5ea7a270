// Turns raw values into values that may be stored and sent. Deterministic: equal input and key give equal
// output on every rack, thread and restart. Idempotent: tokens and masked text come out unchanged.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/result.hpp"
#include "sanitize/json_text.hpp"
#include "sanitize/policy.hpp"
#include "sanitize/scan/card_number.hpp"
#include "sanitize/token_key.hpp"
#include "sanitize/user_rules.hpp"

namespace fluxrig::sanitize {

// Text that has passed the sanitiser; only the sanitiser makes one. Records for the WAL and the bus are built
// of these.
class Sanitized {
 public:
  // Ids and times need no search: their types say that they are none. Nothing else passes without one.
  [[nodiscard]] static Sanitized of(const TraceId& id) { return Sanitized(to_string(id)); }
  [[nodiscard]] static Sanitized of(const SpanId& id) { return Sanitized(to_string(id)); }
  [[nodiscard]] static Sanitized of(const FluxId& id) { return Sanitized(to_string(id)); }
  [[nodiscard]] static Sanitized of(const MachineId& id) { return Sanitized(to_string(id)); }
  [[nodiscard]] static Sanitized of(UnixNanos time) { return Sanitized(std::to_string(time.value)); }

  [[nodiscard]] const std::string& text() const& noexcept { return text_; }
  [[nodiscard]] std::string text() && noexcept { return std::move(text_); }

 private:
  friend class Sanitizer;
  explicit Sanitized(std::string text) noexcept : text_(std::move(text)) {}
  std::string text_;
};

struct EmvValue {
  std::uint32_t tag = 0;
  Action action = Action::kDrop;
  std::optional<Sanitized> value;  // nullopt: dropped
};

// One thread (the pump).
class Sanitizer {
 public:
  explicit Sanitizer(TokenKeys keys);
  explicit Sanitizer(TokenKey key) : Sanitizer(TokenKeys{std::move(key), std::nullopt}) {}
  ~Sanitizer();
  Sanitizer(const Sanitizer&) = delete;
  Sanitizer& operator=(const Sanitizer&) = delete;

  // nullopt: dropped. A kept value is still searched for card numbers (see mask_card_numbers).
  [[nodiscard]] std::optional<Sanitized> apply(Action action, std::string_view value);

  // Before the first value. Rules of users come after all that is built in, on what that has left.
  void add_rules(std::unique_ptr<UserRules> rules) noexcept { rules_ = std::move(rules); }
  [[nodiscard]] bool has_rules() const noexcept { return rules_ != nullptr; }
  [[nodiscard]] bool has_rules_for(std::string_view field) const noexcept {
    return rules_ != nullptr && rules_->any_for(field);
  }
  struct Ruled {
    std::optional<Sanitized> value;  // nullopt: a rule dropped it
    Action action = Action::kKeep;   // of the strictest rule that hit; kKeep: none did
  };
  // The value of the attribute `field` after the users' rules. What they leave is searched again.
  [[nodiscard]] Ruled rule(std::string_view field, Sanitized value);

  // The fields of EMV data (data element 55), values as hex or token; nothing of them when they do not parse.
  [[nodiscard]] Result<std::vector<EmvValue>> emv(ByteView bytes);

  // A JSON document by path, name and content (json_text.hpp); nullopt when it is none.
  [[nodiscard]] std::optional<Sanitized> json(std::string_view text, std::span<const JsonRule> rules);

  // "tok_k1_" and 32 letters: 128 bits of HMAC-SHA-256 over the value's digits. nullopt without 8 digits at
  // least.
  [[nodiscard]] std::optional<std::string> token(std::string_view value);
  // The same under the key before, during the overlap of a rotation; nullopt at other times.
  [[nodiscard]] std::optional<Sanitized> previous_token(std::string_view value);

 private:
  class Mac;
  std::unique_ptr<Mac> current_;
  std::unique_ptr<Mac> previous_;     // null: no overlap
  std::unique_ptr<UserRules> rules_;  // null: none, which is what most racks have
};

// "411111******1111"; fewer than 13 digits are masked whole. Characters that are no digits stay.
[[nodiscard]] std::string mask(std::string_view value);
// The text with every card number and all sensitive authentication data overwritten, in whatever encoding
// they stand (scan/free_text.hpp, docs/security.md). As long as `text`.
[[nodiscard]] std::string mask_card_numbers(std::string_view text);

}  // namespace fluxrig::sanitize
