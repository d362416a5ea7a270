#include "trace/baggage.hpp"

#include <algorithm>
#include <string_view>

namespace fluxrig::trace {
namespace {

// A line break would begin a header of the sender's choice.
bool is_sendable(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c >= 0x20 && c < 0x7f) || c == '\t'; });
}

}  // namespace

std::string bound_baggage(std::string text) {
  const auto commas = static_cast<std::size_t>(std::count(text.begin(), text.end(), ','));
  if (text.size() <= kMaxBaggageSize && commas < kMaxBaggageMembers && is_sendable(text)) return text;
  std::string kept;
  std::size_t members = 0;
  for (std::string_view rest = text; members < kMaxBaggageMembers;) {
    const auto comma = rest.find(',');
    const auto member = rest.substr(0, comma);
    const std::size_t grown = kept.size() + (members == 0 ? 0 : 1) + member.size();
    if (grown <= kMaxBaggageSize && is_sendable(member)) {
      if (members != 0) kept += ',';
      kept += member;
      ++members;
    }
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
  }
  return kept;
}

}  // namespace fluxrig::trace
