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

// Where tokens stand that were made before: tok_<key id>_<32 letters>. Of a part of one no other is made.
class Tokens {
 public:
  explicit Tokens(std::string_view text) : text_(text) {}
  [[nodiscard]] bool holds(std::size_t begin, std::size_t end) const noexcept {
    constexpr std::size_t kLongest = 4 + 8 + 1 + kLetters;
    const auto from = begin > kLongest ? begin - kLongest : 0;
    for (auto at = text_.find("tok_", from); at <= begin && at != std::string_view::npos;
         at = text_.find("tok_", at + 1))
      if (at + length_at(at) >= end) return true;
    return false;
  }

 private:
  static constexpr std::size_t kLetters = 32;
  // 0: none.
  [[nodiscard]] std::size_t length_at(std::size_t at) const noexcept {
    const auto line = text_.find('_', at + 4);
    if (line == std::string_view::npos || line == at + 4 || line > at + 12) return 0;
    const auto letters = text_.substr(line + 1, kLetters);
    const bool whole = letters.size() == kLetters && std::all_of(letters.begin(), letters.end(),
                                                                 [](char c) { return c >= 'a' && c <= 'z'; });
    return whole ? line + 1 + kLetters - at : 0;
  }

  std::string_view text_;
};

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
  for (std::size_t i = 0; i < rules.size(); ++i)
    if (rules[i].pattern.empty() && rules[i].fields.empty())
      return tl::unexpected(PatternEngine::Fault{i, std::nullopt, "without a pattern it needs fields"});
  // Those without a pattern come last: the others have the engine's numbers.
  std::vector<std::string> patterns;
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < rules.size(); ++i)
    if (!rules[i].pattern.empty()) {
      patterns.push_back(rules[i].pattern);
      places.push_back(i);
    }
  auto engine = PatternEngine::compile(patterns);
  if (!engine) {
    auto fault = std::move(engine).error();
    if (fault.pattern < places.size()) fault.pattern = places[fault.pattern];
    return tl::unexpected(std::move(fault));
  }
  std::stable_partition(rules.begin(), rules.end(),
                        [](const UserRule& rule) { return !rule.pattern.empty(); });
  std::vector<PatternEngine::Match> found;
  (void)(*engine)->scan(kSampleToken, found);
  for (const auto& match : found)
    if (rules[match.pattern].action == Action::kToken)
      return tl::unexpected(
          PatternEngine::Fault{places[match.pattern], std::nullopt,
                               "it matches its own tokens, which would get tokens again; use mask"});
  return std::unique_ptr<UserRules>(new UserRules(std::move(rules), *std::move(engine)));
}

bool UserRules::any_for(std::string_view field) const noexcept {
  return std::any_of(rules_.begin(), rules_.end(),
                     [field](const UserRule& rule) { return rule.holds_for(field); });
}

RuledText UserRules::apply(std::string_view field, std::string_view text, const MakeToken& token) {
  RuledText out;
  out.text = text;
  for (unsigned passes = 0; passes < kMostPasses; ++passes) {
    auto next = pass(field, *out.text, token);
    out.rules.insert(out.rules.end(), next.rules.begin(), next.rules.end());
    std::sort(out.rules.begin(), out.rules.end());
    out.rules.erase(std::unique(out.rules.begin(), out.rules.end()), out.rules.end());
    out.strictest = std::max(out.strictest, next.strictest);
    const bool rests = next.text == out.text;
    out.text = std::move(next.text);
    if (rests || !out.text) return out;
  }
  out.text.reset();
  out.strictest = Action::kDrop;
  return out;
}

RuledText UserRules::pass(std::string_view field, std::string_view text, const MakeToken& token) {
  const bool counted = engine_->scan(text, matches_);
  RuledText out;
  std::vector<Hit> hits;
  const Tokens tokens(text);
  for (const auto& match : matches_) {
    const auto& rule = rules_[match.pattern];
    if (!rule.holds_for(field)) continue;
    if (rule.action == Action::kToken && tokens.holds(match.begin, match.end)) continue;
    out.rules.push_back(match.pattern);
    out.strictest = std::max(out.strictest, rule.action);
    hits.push_back({match.begin, match.end, rule.action});
  }
  for (auto i = rules_.size(); i > 0 && rules_[i - 1].pattern.empty(); --i) {
    const auto& rule = rules_[i - 1];
    if (text.empty() || !rule.holds_for(field)) continue;
    if (rule.action == Action::kToken && tokens.holds(0, text.size())) continue;
    out.rules.push_back(i - 1);
    out.strictest = std::max(out.strictest, rule.action);
    hits.push_back({0, text.size(), rule.action});
  }
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
