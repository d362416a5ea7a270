// The geometry of a waterfall: the order and depth of spans, and their bars.
#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "fluxrig/trace_view.hpp"

namespace fluxrig::client {
namespace {

// Deeper spans are drawn at this depth: the columns end somewhere.
constexpr std::size_t kMostDepth = 16;

class Placement {
 public:
  explicit Placement(const std::vector<SpanView>& spans) : spans_(spans), seen_(spans.size()) {
    std::vector<std::size_t> order(spans.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return spans[a].start < spans[b].start; });
    std::map<std::string_view, std::size_t> by_id;
    for (const auto i : order) by_id.try_emplace(spans[i].span_id, i);
    for (const auto i : order) {
      const auto& parent = spans[i].parent_span_id;
      const bool known = !parent.empty() && by_id.contains(parent) && parent != spans[i].span_id;
      if (known) children_[parent].push_back(i);
      if (!known) roots_.push_back(i);
    }
    order_ = std::move(order);
  }

  std::vector<PlacedSpan> place() {
    for (const auto root : roots_) visit(root);
    // What is left goes round in circles.
    for (const auto i : order_)
      if (!seen_[i]) visit(i);
    return std::move(placed_);
  }

 private:
  // With a stack of its own: the depth of a hostile trace is not the depth of ours.
  void visit(std::size_t first) {
    std::vector<std::pair<std::size_t, std::size_t>> open{{first, 0}};
    while (!open.empty()) {
      const auto [i, depth] = open.back();
      open.pop_back();
      if (seen_[i]) continue;
      seen_[i] = true;
      placed_.push_back({&spans_[i], std::min(depth, kMostDepth)});
      const auto children = children_.find(spans_[i].span_id);
      if (children == children_.end()) continue;
      for (auto child = children->second.rbegin(); child != children->second.rend(); ++child)
        open.emplace_back(*child, depth + 1);
    }
  }

  const std::vector<SpanView>& spans_;
  std::vector<bool> seen_;
  std::vector<std::size_t> order_;
  std::vector<std::size_t> roots_;
  std::map<std::string_view, std::vector<std::size_t>> children_;
  std::vector<PlacedSpan> placed_;
};

}  // namespace

std::vector<PlacedSpan> place_spans(const std::vector<SpanView>& spans) { return Placement(spans).place(); }

std::string draw_bar(std::int64_t begin, std::int64_t length, std::int64_t whole, std::size_t width) {
  static constexpr const char* kEighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  if (width == 0) return {};
  const double unit = static_cast<double>(width) / static_cast<double>(std::max<std::int64_t>(whole, 1));
  const auto at = static_cast<std::size_t>(
      std::clamp(std::floor(static_cast<double>(begin) * unit), 0.0, static_cast<double>(width - 1)));
  const double most = static_cast<double>(width - at) * 8;
  const auto eighths =
      static_cast<std::size_t>(std::clamp(std::round(static_cast<double>(length) * unit * 8), 1.0, most));
  std::string bar(at, ' ');
  for (std::size_t i = 0; i < eighths / 8; ++i) bar += "█";
  return bar + kEighths[eighths % 8];
}

}  // namespace fluxrig::client
