#include "sanitize/policy.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace fluxrig::sanitize {
namespace {

// Elements whose definition in ISO 8583 leaves no room for a card number: amounts, dates, codes, counters,
// terminal and acquirer identities. Everything else is dropped.
constexpr std::array<std::uint8_t, 44> kKept = {3,  4,  5,  6,  7,  9,  10, 11, 12, 13, 15, 16, 17, 18, 19,
                                                20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 37,
                                                38, 39, 40, 41, 42, 43, 49, 50, 51, 66, 67, 68, 69, 70};

struct NamedAction {
  std::string_view name;
  Action action;
};

// Last names of a path, lower case without separators. Longer names come before what they end with.
constexpr std::array kJsonNames = {
    NamedAction{"pan", Action::kToken},           NamedAction{"cardnumber", Action::kToken},
    NamedAction{"cardno", Action::kToken},        NamedAction{"primaryaccountnumber", Action::kToken},
    NamedAction{"accountnumber", Action::kToken}, NamedAction{"cvv", Action::kDrop},
    NamedAction{"cvv2", Action::kDrop},           NamedAction{"cvc", Action::kDrop},
    NamedAction{"cvc2", Action::kDrop},           NamedAction{"cid", Action::kDrop},
    NamedAction{"securitycode", Action::kDrop},   NamedAction{"pin", Action::kDrop},
    NamedAction{"pinblock", Action::kDrop},       NamedAction{"track1", Action::kDrop},
    NamedAction{"track2", Action::kDrop},         NamedAction{"track3", Action::kDrop},
    NamedAction{"track", Action::kDrop},          NamedAction{"expiry", Action::kDrop},
    NamedAction{"expirydate", Action::kDrop},     NamedAction{"expirationdate", Action::kDrop},
    NamedAction{"password", Action::kDrop},       NamedAction{"secret", Action::kDrop},
    NamedAction{"authorization", Action::kDrop},
};

}  // namespace

Action iso8583_action(unsigned element) noexcept {
  if (element == 2 || element == 34) return Action::kToken;
  return std::find(kKept.begin(), kKept.end(), element) != kKept.end() ? Action::kKeep : Action::kDrop;
}

Action json_action(std::string_view path) noexcept {
  const auto dot = path.rfind('.');
  const auto last = dot == std::string_view::npos ? path : path.substr(dot + 1);
  std::array<char, 32> folded{};
  std::size_t size = 0;
  for (const char c : last) {
    if (c == '_' || c == '-' || c == ' ') continue;
    if (size == folded.size()) return Action::kKeep;  // longer than every name of the table
    folded[size++] = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  const std::string_view name(folded.data(), size);
  for (const auto& entry : kJsonNames)
    if (entry.name == name) return entry.action;
  return Action::kKeep;
}

}  // namespace fluxrig::sanitize
