// Rules that a user adds to the sanitiser's own: a name, a pattern, the fields that it holds for, what
// becomes of a hit. They come after everything built in, on what that has left, and only ever take away: no
// rule brings anything back. What they do depends neither on their order in the file nor on thread or start.
// One thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "sanitize/pattern_engine.hpp"
#include "sanitize/policy.hpp"

namespace fluxrig::sanitize {

struct UserRule {
  std::string name;  // "[a-z0-9_-]", at most 32
  std::string pattern;
  std::vector<std::string> fields;  // names of attributes, '*' at the end for any rest; empty: all
  Action action = Action::kDrop;    // kMask, kToken or kDrop

  [[nodiscard]] bool holds_for(std::string_view field) const noexcept;
};
inline constexpr std::size_t kMostUserRules = 64;

// What the rules leave of one value.
struct RuledText {
  std::optional<std::string> text;  // nullopt: dropped
  std::vector<std::size_t> rules;   // that hit, ascending; empty: nothing was changed
  Action strictest = Action::kKeep;
};

class UserRules {
 public:
  // The token of a text that a rule names; the key is its maker's.
  using MakeToken = std::function<std::string(std::string_view)>;

  [[nodiscard]] static tl::expected<std::unique_ptr<UserRules>, PatternEngine::Fault> compile(
      std::vector<UserRule> rules);

  // Drop goes before everything: the value is gone. Hits that overlap become one; it is masked if any of them
  // asks for that, and its token otherwise. More hits than PatternEngine::kMostMatches: all of it is masked.
  // Begins anew with what is left until nothing changes, so that twice is once; a value that does not come to
  // rest in kMostPasses, because rules hit what rules have put there, is dropped.
  static constexpr unsigned kMostPasses = 4;
  [[nodiscard]] RuledText apply(std::string_view field, std::string_view text, const MakeToken& token);
  [[nodiscard]] bool any_for(std::string_view field) const noexcept;
  [[nodiscard]] const std::vector<UserRule>& rules() const noexcept { return rules_; }
  [[nodiscard]] std::size_t compiled_bytes() const noexcept { return engine_->compiled_bytes(); }

 private:
  UserRules(std::vector<UserRule> rules, std::unique_ptr<PatternEngine> engine) noexcept
      : rules_(std::move(rules)), engine_(std::move(engine)) {}
  [[nodiscard]] RuledText pass(std::string_view field, std::string_view text, const MakeToken& token);

  std::vector<UserRule> rules_;
  std::unique_ptr<PatternEngine> engine_;
  std::vector<PatternEngine::Match> matches_;  // reused
};

// Names the rules for the audit chain: the same rules in any order give the same 16 hexadecimal digits.
[[nodiscard]] std::string fingerprint(std::vector<UserRule> rules);

}  // namespace fluxrig::sanitize
