#include "fluxrig/load_template.hpp"

#include <fmt/core.h>

#include <array>

#include "base/ids.hpp"
#include "fluxrig/terminal.hpp"

namespace fluxrig::client {

LoadTemplate LoadTemplate::literal(std::string text) {
  LoadTemplate made;
  if (!text.empty()) made.segments_.push_back({Kind::kText, std::move(text)});
  return made;
}

Outcome<LoadTemplate> LoadTemplate::parse(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, Kind>, 6> kPlaceholders{{{"n", Kind::kNumber},
                                                                                   {"stan", Kind::kStan},
                                                                                   {"rrn", Kind::kRrn},
                                                                                   {"pan", Kind::kPan},
                                                                                   {"amount", Kind::kAmount},
                                                                                   {"uuid", Kind::kUuid}}};
  LoadTemplate made;
  while (!text.empty()) {
    const auto open = text.find("{{");
    if (open != 0) made.segments_.push_back({Kind::kText, std::string(text.substr(0, open))});
    if (open == std::string_view::npos) break;
    const auto close = text.find("}}", open);
    if (close == std::string_view::npos) return problem("the template has a '{{' without its '}}'");
    const auto name = text.substr(open + 2, close - open - 2);
    const Segment* found = nullptr;
    for (const auto& [known, kind] : kPlaceholders)
      if (known == name) found = &made.segments_.emplace_back(Segment{kind, {}});
    if (found == nullptr)
      return problem(
          fmt::format("the template has the unknown placeholder '{{{{{}}}}}'; one of: n, stan, rrn, "
                      "pan, amount, uuid",
                      cut_to(printable(name), 40)));
    made.constant_ = false;
    text.remove_prefix(close + 2);
  }
  return made;
}

void LoadTemplate::append(std::uint64_t n, Random& random, std::string& out) const {
  for (const auto& segment : segments_) append(segment, n, random, out);
}

void LoadTemplate::append(const Segment& segment, std::uint64_t n, Random& random, std::string& out) {
  constexpr std::uint64_t kMostAmount = 50'000;
  switch (segment.kind) {
    case Kind::kText:
      out += segment.text;
      return;
    case Kind::kNumber:
      out += std::to_string(n);
      return;
    case Kind::kStan:
      return append_digits(n, 6, out);
    case Kind::kRrn:
      return append_digits(n, 12, out);
    case Kind::kPan:
      return append_test_card_number(random, out);
    case Kind::kAmount:
      out += std::to_string(1 + random.below(kMostAmount));
      return;
    case Kind::kUuid:
      out += to_string(make_machine_id(random));
      return;
  }
}

void append_digits(std::uint64_t n, std::size_t digits, std::string& out) {
  const std::size_t begin = out.size();
  out.append(digits, '0');
  for (std::size_t i = digits; i > 0 && n != 0; --i, n /= 10)
    out[begin + i - 1] = static_cast<char>('0' + n % 10);
}

void append_test_card_number(Random& random, std::string& out) {
  constexpr std::size_t kDigits = 16;
  const std::size_t begin = out.size();
  const bool four = random.below(2) == 0;
  out += four ? '4' : '5';
  if (!four) out += static_cast<char>('1' + random.below(5));
  const std::size_t left = kDigits - 1 - (out.size() - begin);
  append_digits(random.next(), left, out);
  // Luhn: every second digit from the right, beginning with the last before the check digit, counts double.
  unsigned sum = 0;
  for (std::size_t i = 0; i < kDigits - 1; ++i) {
    unsigned digit = static_cast<unsigned>(out[begin + i] - '0');
    if (i % 2 == 0) digit = digit > 4 ? 2 * digit - 9 : 2 * digit;
    sum += digit;
  }
  out += static_cast<char>('0' + (10 - sum % 10) % 10);
}

}  // namespace fluxrig::client
