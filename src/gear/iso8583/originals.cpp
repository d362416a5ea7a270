#include "gear/iso8583/originals.hpp"

#include <algorithm>

namespace fluxrig::gear::iso8583 {
namespace {

// Element 90, n 42: type (4), trace number (6), transmission date and time (10), acquirer (11), forwarder
// (11).
constexpr std::size_t kOriginalDigits = 42;

bool has_digits(std::string_view text, std::size_t count) noexcept {
  return text.size() == count &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// FNV-1a. What is found by a hash alone may be wrong once in 2^64; an enemy who makes one equal gains a wrong
// link among messages that he sent himself.
class Hash {
 public:
  void add(std::string_view text) noexcept {
    for (const char c : text) value_ = (value_ ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
    value_ = (value_ ^ 0xffU) * 0x100000001b3ULL;
  }
  [[nodiscard]] std::uint64_t value() const noexcept { return value_ == 0 ? 1 : value_; }

 private:
  std::uint64_t value_ = 0xcbf29ce484222325ULL;
};

// A repeat (0201) has the same original (0200), and an acquirer may stand with or without leading zeros.
std::uint64_t hash_of(std::string_view type, std::string_view trace_number, std::string_view sent,
                      std::string_view acquirer) noexcept {
  Hash hash;
  hash.add(type.substr(0, 3));
  hash.add(trace_number);
  hash.add(sent);
  hash.add(acquirer.substr(std::min(acquirer.find_first_not_of('0'), acquirer.size())));
  return hash.value();
}

}  // namespace

void Originals::remember(const Fields& request, const tap::LinkTarget& target) {
  const auto type = request.get("mti");
  if (type.size() != 4 || type[0] != '0' || (type[1] != '1' && type[1] != '2')) return;
  const auto trace_number = request.get("11");
  const auto sent = request.get("7");
  if (!has_digits(trace_number, 6) || !has_digits(sent, 10)) return;
  if (slots_.empty()) slots_.resize(kSlots);
  const auto hash = hash_of(type, trace_number, sent, request.get("32"));
  slots_[hash % kSlots] = {hash, target};
}

std::optional<tap::LinkTarget> Originals::original_of(const Fields& reversal) const {
  const auto type = reversal.get("mti");
  const auto original = reversal.get("90");
  if (slots_.empty() || type.size() != 4 || type[0] != '0' || type[1] != '4') return std::nullopt;
  if (!has_digits(original, kOriginalDigits)) return std::nullopt;
  const auto hash =
      hash_of(original.substr(0, 4), original.substr(4, 6), original.substr(10, 10), original.substr(20, 11));
  const Slot& slot = slots_[hash % kSlots];
  if (slot.hash != hash) return std::nullopt;
  return slot.target;
}

}  // namespace fluxrig::gear::iso8583
