#include <algorithm>

#include "base/assert.hpp"
#include "sink/sink.hpp"

namespace fluxrig::sink {
namespace {

using Range = std::pair<Sequence, Sequence>;

// The first range that ends at or after `at`.
auto first_reaching(const std::vector<Range>& ranges, Sequence at) noexcept {
  return std::lower_bound(ranges.begin(), ranges.end(), at,
                          [](const Range& range, Sequence value) { return range.second < value; });
}

}  // namespace

void SequenceRanges::add(Sequence first, Sequence last) {
  FR_ASSERT(first <= last);
  // Neighbours join as well: 1-4 and 5-9 are 1-9. Sequence 0 has no predecessor.
  const Sequence reach{first.value == 0 ? 0 : first.value - 1};
  const auto begin = ranges_.begin() + (first_reaching(ranges_, reach) - ranges_.cbegin());
  auto end = begin;
  while (end != ranges_.end() && (last.value == UINT64_MAX || end->first.value <= last.value + 1)) {
    first = std::min(first, end->first);
    last = std::max(last, end->second);
    ++end;
  }
  if (begin == end) {
    ranges_.insert(begin, {first, last});
    return;
  }
  *begin = {first, last};
  ranges_.erase(begin + 1, end);
}

bool SequenceRanges::contains(Sequence first, Sequence last) const noexcept {
  const auto found = first_reaching(ranges_, first);
  return found != ranges_.end() && found->first <= first && last <= found->second;
}

bool SequenceRanges::intersects(Sequence first, Sequence last) const noexcept {
  const auto found = first_reaching(ranges_, first);
  return found != ranges_.end() && found->first <= last;
}

}  // namespace fluxrig::sink
