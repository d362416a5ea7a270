#include "sanitize/policy.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "sanitize/build.hpp"

namespace fluxrig::sanitize {
namespace {

// Elements whose definition in ISO 8583 leaves no room for a card number: amounts, dates, codes, counters,
// terminal and acquirer identities. Everything else is dropped.
constexpr std::array<std::uint8_t, 43> kKept = {3,  4,  5,  6,  7,  9,  10, 11, 12, 13, 15, 16, 17, 18, 19,
                                                20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 38,
                                                39, 40, 41, 42, 43, 49, 50, 51, 66, 67, 68, 69, 70};

struct NamedAction {
  std::string_view name;
  Action action;
};

// Lower case without separators. A name fits when it is the whole last name of the path, or its last words
// ("customerPan", "card_cvv"); the short ones that are also something else must be the whole.
constexpr std::array kJsonNames = {
    NamedAction{"pan", Action::kToken},
    NamedAction{"fpan", Action::kToken},
    NamedAction{"dpan", Action::kToken},
    NamedAction{"cardnumber", Action::kToken},
    NamedAction{"cardno", Action::kToken},
    NamedAction{"cardnum", Action::kToken},
    NamedAction{"ccnumber", Action::kToken},
    NamedAction{"primaryaccountnumber", Action::kToken},
    NamedAction{"accountnumber", Action::kToken},
    NamedAction{"cvv", Action::kDrop},
    NamedAction{"cvv2", Action::kDrop},
    NamedAction{"cvc", Action::kDrop},
    NamedAction{"cvc2", Action::kDrop},
    NamedAction{"cvn", Action::kDrop},
    NamedAction{"cvd", Action::kDrop},
    NamedAction{"cav2", Action::kDrop},
    NamedAction{"csc", Action::kDrop},
    NamedAction{"cvvcode", Action::kDrop},
    NamedAction{"cvccode", Action::kDrop},
    NamedAction{"securitycode", Action::kDrop},
    NamedAction{"verificationcode", Action::kDrop},
    NamedAction{"verificationvalue", Action::kDrop},
    NamedAction{"verificationnumber", Action::kDrop},
    NamedAction{"pin", Action::kDrop},
    NamedAction{"pinblock", Action::kDrop},
    NamedAction{"pindata", Action::kDrop},
    NamedAction{"encryptedpin", Action::kDrop},
    NamedAction{"track", Action::kDrop},
    NamedAction{"track1", Action::kDrop},
    NamedAction{"track2", Action::kDrop},
    NamedAction{"track3", Action::kDrop},
    NamedAction{"trackdata", Action::kDrop},
    NamedAction{"track1data", Action::kDrop},
    NamedAction{"track2data", Action::kDrop},
    NamedAction{"track2equivalentdata", Action::kDrop},
    NamedAction{"magstripe", Action::kDrop},
    NamedAction{"magneticstripe", Action::kDrop},
    NamedAction{"expiry", Action::kDrop},
    NamedAction{"expirydate", Action::kDrop},
    NamedAction{"expirationdate", Action::kDrop},
    NamedAction{"expdate", Action::kDrop},
    NamedAction{"password", Action::kDrop},
    NamedAction{"passwd", Action::kDrop},
    NamedAction{"secret", Action::kDrop},
    NamedAction{"apikey", Action::kDrop},
    NamedAction{"privatekey", Action::kDrop},
    NamedAction{"authorization", Action::kDrop},
};
// A client's, customer's or correlation id in many a schema, and American Express' word for its code.
constexpr std::array kWholeNames = {NamedAction{"cid", Action::kDrop}};

constexpr std::size_t kLongestName = 24;

// The last name of a path, folded, with the places where its words begin.
class FoldedName {
 public:
  explicit FoldedName(std::string_view path) noexcept {
    const auto dot = path.rfind('.');
    std::string_view name = dot == std::string_view::npos ? path : path.substr(dot + 1);
    bool begins = true;
    char before = '\0';
    for (const char c : name) {
      const bool upper = c >= 'A' && c <= 'Z';
      const bool was_lower = (before >= 'a' && before <= 'z') || (before >= '0' && before <= '9');
      before = c;
      if (c == '_' || c == '-' || c == ' ') {
        begins = true;
        continue;
      }
      add(upper ? static_cast<char>(c | 0x20) : c, begins || (upper && was_lower));
      begins = false;
    }
  }

  [[nodiscard]] bool is(std::string_view name) const noexcept { return !cut_ && view() == name; }
  [[nodiscard]] bool ends_with_words(std::string_view name) const noexcept {
    return view().ends_with(name) && begins_[size_ - name.size()];
  }

 private:
  // Of a longer name only the end counts.
  void add(char c, bool begins) noexcept {
    if (size_ == kLongestName) {
      std::copy(text_.begin() + 1, text_.end(), text_.begin());
      std::copy(begins_.begin() + 1, begins_.end(), begins_.begin());
      --size_;
      cut_ = true;
    }
    text_[size_] = c;
    begins_[size_++] = begins;
  }
  [[nodiscard]] std::string_view view() const noexcept { return {text_.data(), size_}; }

  std::array<char, kLongestName> text_{};
  std::array<bool, kLongestName> begins_{};
  std::size_t size_ = 0;
  bool cut_ = false;
};

}  // namespace

std::string_view to_string(Action action) noexcept {
  switch (action) {
    case Action::kReference:
    case Action::kKeep:
      return "keep";
    case Action::kMask:
      return "mask";
    case Action::kToken:
      return "token";
    case Action::kDrop:
      return "drop";
  }
  return "drop";
}

Action iso8583_action(unsigned element) noexcept {
  if (!kSanitises) return Action::kKeep;
  if (element == 2 || element == 34) return Action::kToken;
  if (element == 37) return Action::kReference;
  return std::find(kKept.begin(), kKept.end(), element) != kKept.end() ? Action::kKeep : Action::kDrop;
}

Action json_action(std::string_view path) noexcept {
  if (!kSanitises) return Action::kKeep;
  const FoldedName name(path);
  for (const auto& entry : kWholeNames)
    if (name.is(entry.name)) return entry.action;
  // "customerPan" is not told from "japan" by its letters: words begin at capitals and separators.
  for (const auto& entry : kJsonNames)
    if (name.ends_with_words(entry.name)) return entry.action;
  return Action::kKeep;
}

}  // namespace fluxrig::sanitize
