#include "sanitize/user_rules.hpp"

#include <openssl/sha.h>

#include <algorithm>

#include "base/bytes.hpp"

namespace fluxrig::sanitize {
namespace {

// A token of this shape comes out of a rule, and must not be a hit when the value passes again.
constexpr std::string_view kSampleToken = "tok_k1_bcdfghjklmnpqrstbcdfghjklmnpqrst";

std::string masked(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c != ' ' && c != '\n') c = '*';
  return out;
}

struct Hit {
  std::size_t begin = 0;
  std::size_t end = 0;
  Action action = Action::kMask;
};

// In the order of the text, without overlaps.
std::vector<Hit> joined(std::vector<Hit> hits) {
  std::sort(hits.begin(), hits.end(), [](const Hit& a, const Hit& b) { return a.begin < b.begin; });
  std::vector<Hit> out;
  for (const Hit& hit : hits) {
    if (out.empty() || hit.begin >= out.back().end) {
      out.push_back(hit);
      continue;
    }
    out.back().end = std::max(out.back().end, hit.end);
    if (hit.action == Action::kMask) out.back().action = Action::kMask;
  }
  return out;
}

}  // namespace

bool UserRule::holds_for(std::string_view field) const noexcept {
  return fields.empty() || std::any_of(fields.begin(), fields.end(), [&](std::string_view wanted) {
           return wanted.ends_with('*') ? field.starts_with(wanted.substr(0, wanted.size() - 1))
                                        : field == wanted;
         });
}

tl::expected<std::unique_ptr<UserRules>, PatternEngine::Fault> UserRules::compile(
    std::vector<UserRule> rules) {
  std::vector<std::string> patterns;
  patterns.reserve(rules.size());
  for (const auto& rule : rules) patterns.push_back(rule.pattern);
  auto engine = PatternEngine::compile(patterns);
  if (!engine) return tl::unexpected(std::move(engine).error());
  std::vector<PatternEngine::Match> found;
  (void)(*engine)->scan(kSampleToken, found);
  for (const auto& match : found)
    if (rules[match.pattern].action == Action::kToken)
      return tl::unexpected(PatternEngine::Fault{
          match.pattern, std::nullopt, "it matches its own tokens, which would get tokens again; use mask"});
  return std::unique_ptr<UserRules>(new UserRules(std::move(rules), *std::move(engine)));
}

bool UserRules::any_for(std::string_view field) const noexcept {
  return std::any_of(rules_.begin(), rules_.end(),
                     [field](const UserRule& rule) { return rule.holds_for(field); });
}

RuledText UserRules::apply(std::string_view field, std::string_view text, const MakeToken& token) {
  const bool counted = engine_->scan(text, matches_);
  RuledText out;
  std::vector<Hit> hits;
  for (const auto& match : matches_) {
    const auto& rule = rules_[match.pattern];
    if (!rule.holds_for(field)) continue;
    out.rules.push_back(match.pattern);
    out.strictest = std::max(out.strictest, rule.action);
    hits.push_back({match.begin, match.end, rule.action});
  }
  std::sort(out.rules.begin(), out.rules.end());
  out.rules.erase(std::unique(out.rules.begin(), out.rules.end()), out.rules.end());
  if (out.strictest == Action::kDrop) return out;
  if (!counted && any_for(field)) hits.assign(1, {0, text.size(), Action::kMask});
  if (!counted && out.strictest == Action::kKeep) out.strictest = Action::kMask;
  std::string left;
  std::size_t done = 0;
  for (const Hit& hit : joined(std::move(hits))) {
    left.append(text.substr(done, hit.begin - done));
    const auto found = text.substr(hit.begin, hit.end - hit.begin);
    left.append(hit.action == Action::kToken ? token(found) : masked(found));
    done = hit.end;
  }
  out.text = left.append(text.substr(done));
  return out;
}

std::string fingerprint(std::vector<UserRule> rules) {
  std::sort(rules.begin(), rules.end(), [](const UserRule& a, const UserRule& b) { return a.name < b.name; });
  std::string all;
  const auto add = [&all](std::string_view text) {
    all.append(std::to_string(text.size())).append(":").append(text);
  };
  for (auto& rule : rules) {
    std::sort(rule.fields.begin(), rule.fields.end());
    add(rule.name);
    add(rule.pattern);
    add(to_string(rule.action));
    for (const auto& field : rule.fields) add(field);
    all.append(";");
  }
  unsigned char digest[SHA256_DIGEST_LENGTH];
  ::SHA256(as_bytes(all).data(), all.size(), digest);
  return to_hex({digest, 8});
}

}  // namespace fluxrig::sanitize
