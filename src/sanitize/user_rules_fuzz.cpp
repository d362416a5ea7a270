// Any patterns over any text: a pattern is refused with a place inside it, or compiled within its bounds;
// what rules leave does not change when they come again, and no rule brings a card number back.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "sanitize/sanitizer.hpp"
#include "sanitize/user_rules.hpp"

namespace {

using namespace fluxrig::sanitize;

constexpr std::array kActions = {Action::kMask, Action::kToken, Action::kDrop};
// Compiling takes more time than all the rest: what one has seen is kept for the next inputs of the same
// rules.
constexpr std::size_t kMostPattern = 48;

// So many letters and nothing else, as a real one; equal texts give equal tokens.
std::string token(std::string_view text) {
  std::uint64_t state = 0x9e3779b97f4a7c15ULL;
  for (const char c : text) state = (state ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  std::string out = "tok_k1_";
  for (int i = 0; i < 32; ++i) {
    state ^= state >> 29;
    state *= 0xbf58476d1ce4e5b9ULL;
    out += static_cast<char>('a' + (state >> 40) % 26);
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  if (rest.empty()) return 0;
  const std::size_t count = 1 + static_cast<unsigned char>(rest.front()) % 3;
  rest.remove_prefix(1);
  std::vector<UserRule> rules;
  for (std::size_t i = 0; i < count && rest.size() > 2; ++i) {
    const auto action = kActions[static_cast<unsigned char>(rest[0]) % kActions.size()];
    const auto length =
        std::min<std::size_t>(static_cast<unsigned char>(rest[1]) % kMostPattern, rest.size() - 2);
    rules.push_back({"r" + std::to_string(i), std::string(rest.substr(2, length)), {}, action});
    rest.remove_prefix(2 + length);
  }
  auto compiled = UserRules::compile(rules);
  if (!compiled) {
    const auto& fault = compiled.error();
    if (fault.why.empty() || fault.pattern >= std::max<std::size_t>(rules.size(), 1)) std::abort();
    if (fault.at && !rules.empty() && *fault.at > rules[fault.pattern].pattern.size()) std::abort();
    return 0;
  }
  if ((*compiled)->compiled_bytes() > 2 * PatternEngine::kMostCompiledBytes) std::abort();
  const auto searched = mask_card_numbers(rest);
  const auto once = (*compiled)->apply("note", searched, token);
  if (!once.text) {
    if (once.strictest != Action::kDrop) std::abort();
    return 0;
  }
  if (once.rules.empty() && once.strictest == Action::kKeep && *once.text != searched) std::abort();
  const auto twice = (*compiled)->apply("note", *once.text, token);
  if (twice.text != once.text) std::abort();
  return 0;
}
