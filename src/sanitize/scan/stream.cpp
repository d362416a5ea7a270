#include "sanitize/scan/stream.hpp"

#include <algorithm>

namespace fluxrig::sanitize {
namespace {

// After the last character in [least, most) that no number contains; `most` when there is none.
std::size_t border(std::string_view text, std::size_t least, std::size_t most) noexcept {
  for (std::size_t at = most; at > least; --at) {
    const char c = text[at - 1];
    if (c == '\n' || c == '"' || c == ',' || c == '{' || c == '}' || c == '(' || c == ')') return at;
  }
  return most;
}

}  // namespace

void Stream::clean(std::size_t size) {
  const Findings found = clean_text({held_.data(), size});
  findings_.numbers += found.numbers;
  findings_.encoded += found.encoded;
  findings_.secrets += found.secrets;
}

void Stream::feed(std::string_view chunk, std::string& out) {
  held_ += chunk;
  // Rarely enough that small chunks do not mean looking at everything many times.
  if (held_.size() < 3 * kContext) return;
  const std::size_t unsettled = held_.size() - kUnsettled;
  const std::size_t settled = border(held_, unsettled - kUnsettled, unsettled);
  clean(settled);
  const std::size_t last = settled - kContext;
  const std::size_t cut = border(held_, last - kUnsettled, last);
  out.append(held_, 0, cut);
  held_.erase(0, cut);
}

void Stream::finish(std::string& out) {
  clean(held_.size());
  out += held_;
  held_.clear();
}

}  // namespace fluxrig::sanitize
