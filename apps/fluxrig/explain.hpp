// What the sanitiser does to a document, rule by rule, for people who write policies. The same functions
// decide as in a rack; nothing here shows what they would not let through. Any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "sanitize/user_rules.hpp"

namespace fluxrig::client {

struct ExplainedHit {
  std::string where;   // "card.pan", "byte 17", "tag 5A"
  std::string rule;    // "name", "search", "allow list", "rule employee"
  std::string action;  // "token", "drop", "mask"
  std::string left;    // as it would be recorded; tokens without their letters, because there is no key here
};

// Users' rules, and the name of the attribute that a text is taken for; those of a JSON member go by its
// path.
struct ExplainRules {
  sanitize::UserRules* rules = nullptr;  // null: none; used during the call
  std::string_view field = {};
};

// Only what is changed. Findings of the search are those of the free-text scanner; users' rules come after
// it, on what it left.
[[nodiscard]] std::vector<ExplainedHit> explain_text(std::string_view text, const ExplainRules& users = {});
// nullopt: no JSON, or over its bounds.
[[nodiscard]] std::optional<std::vector<ExplainedHit>> explain_json(std::string_view text,
                                                                    const ExplainRules& users = {});
// Every tag, because the rule is a list of those that stay. nullopt: no EMV data.
[[nodiscard]] std::optional<std::vector<ExplainedHit>> explain_emv(ByteView bytes);

}  // namespace fluxrig::client
